"""Word rules: which categories a text falls into by whole words and phrases. No understanding, and quick."""

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from better_profanity_rs.better_profanity import Profanity
from django.conf import settings

SHIPPED = Path(__file__).with_name("words.toml")
HARMLESS, OWN = "harmless", "sexual"
MOST_CHARS = 200_000
# Letters with single spaces, dots or dashes between them: w o r d, w.o.r.d
SPACED = re.compile(r"(?<!\w)(?:\w[ .\-_*]){2,}\w(?!\w)")
INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")


@dataclass(frozen=True)
class Rules:
    """`spelled` knows a word also with digits for letters; `parts` count inside of words, `phrases` only whole."""

    spelled: Profanity
    phrases: tuple[str, ...]
    parts: tuple[str, ...]

    def match(self, text: str) -> bool:
        # Loops, not any(…): a generator's turn costs more than looking for a word.
        for part in self.parts:
            if part in text:
                return True
        for phrase in self.phrases:
            if phrase in text and _whole(phrase).search(text):
                return True
        return bool(self.spelled.contains_profanity(text))


@dataclass(frozen=True)
class Rulebook:
    harmless: tuple[str, ...]
    everything: Rules
    categories: dict[str, Rules]


@lru_cache(maxsize=1024)
def _whole(phrase: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(phrase)}(?!\w)" if phrase.isascii() else re.escape(phrase))


@lru_cache(maxsize=4)
def _rulebook(own: tuple[str, ...]) -> Rulebook:
    """The shipped words, and the operator's own."""
    with SHIPPED.open("rb") as file:
        tables = tomllib.load(file)
    harmless = tables.pop(HARMLESS)["phrases"]
    single = [word.lower() for word in own if word.isascii() and word.isalnum()]
    tables[OWN]["words"] += single
    tables[OWN]["phrases"] += [word.lower() for word in own if word.lower() not in single]
    kinds = ("words", "phrases", "anywhere")
    whole = {kind: [word for table in tables.values() for word in table.get(kind, [])] for kind in kinds}
    return Rulebook(tuple(harmless), _made(whole), {category: _made(table) for category, table in tables.items()})


def _made(table: dict[str, list[str]]) -> Rules:
    words = table.get("words", [])
    plurals = [f"{word}s" for word in words if not word.endswith("s")]
    return Rules(Profanity([*words, *plurals]), tuple(table.get("phrases", [])), tuple(table.get("anywhere", [])))


def categories(text: str) -> list[str]:
    """The categories of OpenAI's moderation that a text falls into: sexual, sexual/minors, violence/graphic, hate."""
    book = _rulebook(tuple(settings.DESIGN.moderation.words))
    plain = _plain(text[:MOST_CHARS])
    joined = SPACED.sub(lambda found: re.sub(r"\W|_", "", found[0]), plain)
    spellings = {plain, joined}
    if not any(map(book.everything.match, spellings)):
        return []  # nearly always: the rest may take its time
    spellings = {_without(book.harmless, spelling) for spelling in spellings}
    return [name for name, rules in book.categories.items() if any(map(rules.match, spellings))]


def _without(phrases: tuple[str, ...], text: str) -> str:
    for phrase in phrases:
        if phrase in text:
            text = _whole(phrase).sub(" ", text)
    return text


def _plain(text: str) -> str:
    """Lower case, one way of writing each letter, no accents, nothing invisible, single spaces."""
    if not text.isascii():
        folded = unicodedata.normalize("NFKD", INVISIBLE.sub("", text)).casefold()
        text = unicodedata.normalize("NFKC", "".join(char for char in folded if not unicodedata.combining(char)))
    return " ".join(text.lower().split())
