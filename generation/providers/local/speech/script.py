"""Reading what a text is written in: which characters are spoken, and in which language.

The language is told by script, not by words: Chinese characters mean Chinese, Latin letters mean English. French or
Polish is therefore read by the English voice, with an accent to match; Japanese, Korean, Russian and every other
script is refused rather than skipped, because a text with holes in it is not what was asked for.
"""

import re
import unicodedata
from collections import Counter
from typing import Literal

from .errors import EmptyText, UnsupportedLanguage

Language = Literal["en", "zh"]

HAN = "〇㐀-䶿一-鿿豈-﫿\U00020000-\U0003ffff"
"""Chinese characters, for use inside a regular expression's brackets."""

NAMES = {
    "HIRAGANA": "Japanese",
    "KATAKANA": "Japanese",
    "HANGUL": "Korean",
    "THAI": "Thai",
    "ARABIC": "Arabic",
    "HEBREW": "Hebrew",
    "GREEK": "Greek",
    "ARMENIAN": "Armenian",
    "GEORGIAN": "Georgian",
    "DEVANAGARI": "Hindi",
    "CYRILLIC": "Russian, or any other language in Cyrillic letters",
}
SPOKEN_SYMBOLS = "°^`"

_greek_letter = re.compile(r"(?<![Ͱ-Ͽ])[Α-ω](?![Ͱ-Ͽ])")
_spaces = re.compile(r"[ \t]+")


def clean(text: str) -> str:
    """The text without what no voice can say: control characters, emoji, stray marks; compatibility forms made plain
    (ｆｕｌｌ width, 𝐛𝐨𝐥𝐝, ①), digits of every script as 0-9, a lone Greek letter by its name, line ends as \\n."""
    text = "".join(map(_plain, unicodedata.normalize("NFC", text)))
    text = "".join(map(_spoken, unicodedata.normalize("NFC", text)))
    text = _greek_letter.sub(lambda found: f" {_greek_name(found[0])} ", text)
    return _spaces.sub(" ", text).strip()


def language_of(text: str) -> Language:
    """The language that speaks a cleaned text; digits alone are English.

    Raises EmptyText, or UnsupportedLanguage for the most frequent script that no voice speaks."""
    if not any(char.isalnum() for char in text):
        raise EmptyText
    scripts = Counter(_script(char) for char in text if unicodedata.category(char) in ("Lu", "Ll", "Lt", "Lo"))
    foreign = [script for script, _ in scripts.most_common() if script not in ("LATIN", "CJK", "")]
    if foreign:
        raise UnsupportedLanguage(NAMES.get(foreign[0], f"the {foreign[0].title()} script"))
    return "zh" if "CJK" in scripts else "en"


def _plain(char: str) -> str:
    """The character's compatibility form; x² and ½ stay as they are, for 2 and 1/2 would be read differently."""
    if char.isascii() or unicodedata.decomposition(char).startswith(("<super>", "<fraction>")):
        return char
    return unicodedata.normalize("NFKC", char)


def _spoken(char: str) -> str:
    if char.isascii() and char.isprintable():
        return char
    category = unicodedata.category(char)
    if char in "\n\r" or category in ("Zl", "Zp"):
        return "\n"
    if category == "Nd":
        return str(unicodedata.decimal(char))
    if category.startswith(("Z", "S")) and category not in ("Sm", "Sc"):
        return char if char in SPOKEN_SYMBOLS else " "
    if category.startswith("M"):
        return ""
    if category.startswith("C"):
        return " " if char.isspace() else ""
    return char


def _script(char: str) -> str:
    """The first word of the character's Unicode name, which is its script; "" for one without a name."""
    return re.split(r"[ -]", unicodedata.name(char, ""), maxsplit=1)[0]


def _greek_name(letter: str) -> str:
    """GREEK SMALL LETTER LAMDA: Unicode leaves out the b."""
    return unicodedata.name(letter, "").rpartition(" ")[2].lower().replace("lamda", "lambda")
