"""What a word is, for the index and for questions alike.

Scripts with spaces are split into words, without case, accents and the plural's ending. Runs of a script without
spaces become each character and each pair, in turn (狐狸好 → 狐 狐狸 狸 狸好 好), so that any piece of two characters
or more is a phrase of the index. A mark is a word that nobody can write; it says something else about a result: its
kind, its model.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

MOST = 3000  # words of one result that are indexed
LONGEST = 40  # characters of a word that count

# Han, kana, Hangul (whose words carry endings), Thai, Lao, Burmese, Khmer.
_JOINED = (
    "\u0e00-\u0e4e\u0e80-\u0eff\u1000-\u1049\u1100-\u11ff\u1780-\u17d3\u3005-\u3007\u3041-\u3096\u309d-\u309f"
    "\u30a1-\u30fa\u30fc-\u30ff\u3131-\u318e\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97c\uac00-\ud7fb"
    "\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003ffff"
)
# Signs that stand on letters without being letters themselves.
_ON_LETTERS = "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff"
_RUNS = re.compile(rf"([{_JOINED}]+)|((?:(?![{_JOINED}])[^\W_]|[{_ON_LETTERS}])+)")
_ACCENTS = re.compile("[\u0300-\u036f]")

MARK = "\ue000"  # private use: no text of anybody yields it, and both databases take it for a letter
BREAK = f"{MARK}break"  # no phrase goes across


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text, and where it stands there."""

    token: str
    start: int
    end: int


def words(text: str) -> Iterator[Word]:
    """The words of a text as it stands, in turn."""
    for found in _RUNS.finditer(text):
        start, end = found.span()
        if found[1] is None:
            yield Word(_folded(found[2]), start, end)
            continue
        run = found[1]
        chars = [char if "\u3041" <= char <= "\u9fff" else _folded(char) for char in run]
        for place, char in enumerate(chars):
            yield Word(char, start + place, start + place + 1)
            if place + 1 < len(chars):
                yield Word(char + chars[place + 1], start + place, start + place + 2)


def phrase(text: str) -> list[str]:
    """The words that stand in a row in the index wherever this text does.

    A run's first and last characters say no more than the pairs that they are in.
    """
    found = list(words(text))
    if len(found) > 1 and found[0].start == found[1].start:
        found = found[1:]
    if len(found) > 1 and found[-1].end == found[-2].end:
        found = found[:-1]
    return [word.token for word in found]


def mark(name: str, value: str) -> str:
    return f"{MARK}{name}{value.lower().encode().hex()}"


def stream(prompt: str, response: str, marks: list[str]) -> list[str]:
    """All words of a result in their order, at most `MOST`, then its marks."""
    found = [word.token for word, _ in zip(words(prompt), range(MOST), strict=False)]
    found.append(BREAK)
    found += [word.token for word, _ in zip(words(response), range(MOST - len(found)), strict=False)]
    for each in marks:
        found += [BREAK, each]
    return found


def _folded(word: str) -> str:
    if word.isascii():
        return _singular(word.lower())[:LONGEST]
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", word)).casefold()
    bare = unicodedata.normalize("NFC", bare)
    return (_singular(bare) if bare.isascii() else bare)[:LONGEST]


def _singular(word: str) -> str:
    """English plurals without their ending: foxes → fox, cities → city, cats → cat; glass and bus stay."""
    if len(word) < 4 or word[-1] != "s" or word[-2] in "su":
        return word
    if word.endswith("ies"):
        return word[:-3] + "y" if len(word) > 4 else word[:-1]
    if word.endswith(("xes", "ches", "shes", "sses", "zzes")):
        return word[:-2]
    return word[:-1]
