"""In which language a prompt is, judged by the prompt alone: by its script, and among Latin ones by their small words.

Made for prompts of a few words: what gives no sign is taken for English, which does no harm.
"""

import re
import unicodedata
from collections import Counter

ENGLISH = "English"
CHINESE = "Chinese"

# By the beginning of the characters' Unicode names. Kana and Hangul decide before Han, which they mix with.
SCRIPTS = {
    "HIRAGANA": "Japanese",
    "KATAKANA": "Japanese",
    "HANGUL": "Korean",
    "CJK": CHINESE,
    "CYRILLIC": "Russian",
    "ARABIC": "Arabic",
    "HEBREW": "Hebrew",
    "DEVANAGARI": "Hindi",
    "BENGALI": "Bengali",
    "TAMIL": "Tamil",
    "THAI": "Thai",
    "GREEK": "Greek",
    "GEORGIAN": "Georgian",
    "ARMENIAN": "Armenian",
}
MIXED_WITH_HAN = ("Japanese", "Korean")

# Words that prompts are held together by. Some are of several languages: the one with the most wins.
SMALL_WORDS = {
    ENGLISH: "the a of and with on in by an is at under over from to for his her into near behind while wearing",
    "Spanish": "el la los las un una de del en con y sobre bajo entre muy para por detrás está junto",
    "French": "le la les un une de des du en au aux avec et dans sur sous près vers est chez très derrière",
    "German": "der die das ein eine einen einem einer und mit auf im am bei unter über vor hinter zwischen ist für zum",
    "Italian": "il la lo gli un una di del della dello nel nella con e sul sulla sotto tra uno che è molto",
    "Portuguese": "o os um uma de da do das dos com em no na nos nas ao à são sob muito",
    "Dutch": "het een de van met op aan bij naar onder boven tussen voor en zijn",
    "Polish": "w z na i pod nad przy jest się dla ze do",
    "Swedish": "och ett en på med av för som under över vid i",
    "Turkish": "bir ve ile bu için üzerinde altında gibi içinde",
    "Indonesian": "yang dan di dengan dari untuk pada sebuah seekor",
    "Vietnamese": "một và của trên trong với con những dưới cây",
}
WORDS = {language: frozenset(words.split()) for language, words in SMALL_WORDS.items()}

_WORD = re.compile(r"[^\W\d_]+")


def of(text: str) -> str:
    """The English name of the language of `text`."""
    letters = [char for char in text[:4000] if char.isalpha()]
    scripts = Counter(_script(char) for char in letters)
    foreign = {name: count for name, count in scripts.items() if name}
    if foreign and sum(foreign.values()) * 3 >= len(letters):
        for name in MIXED_WITH_HAN:
            if name in foreign:
                return name
        return max(foreign, key=lambda name: foreign[name])
    return _latin(text[:4000].lower())


def _script(char: str) -> str:
    """The language that a letter's script stands for; "" for Latin and for scripts that are not listed."""
    return "" if char.isascii() else SCRIPTS.get(unicodedata.name(char, "").split(" ")[0].split("-")[0], "")


def _latin(text: str) -> str:
    words = _WORD.findall(text)
    hits = {language: sum(word in known for word in words) for language, known in WORDS.items()}
    best = max(hits, key=lambda language: hits[language])
    # One small word is a sign where the letters give another one: "château près" is, "die hard" is not.
    signs = hits[best] + (hits[best] > 0 and any(not char.isascii() for char in text))
    return best if signs >= 2 and hits[best] > hits[ENGLISH] else ENGLISH
