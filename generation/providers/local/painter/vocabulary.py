"""What words mean to the painter: `subjects.toml` and `words.toml`, read once, as a lexicon of phrases."""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing that can be drawn; the fields are those of `subjects.toml`."""

    name: str
    icons: tuple[str, ...]
    lives: str
    size: float
    home: str
    faces: str = ""
    region: str = ""
    own: tuple[str, ...] = ()
    varied: bool = False
    glow: str = ""
    group: int = 1


@dataclass(frozen=True, slots=True)
class Meaning:
    """One meaning of a word: kind is "subject", "environment", "time", … and value the entry of that kind."""

    kind: str
    value: str
    plural: bool = False


Lexicon = dict[str, tuple[Meaning, ...]]


@cache
def subjects() -> dict[str, Subject]:
    """Every subject by name, in the file's order."""
    return {name: _subject(name, entry) for name, entry in _subject_entries()}


@cache
def english() -> Lexicon:
    """Phrases of English, lower case, single spaces, no hyphens or accents."""
    lexicon: dict[str, list[Meaning]] = {}
    for name, entry in _subject_entries():
        for word in (name, *entry.get("words", ())):
            _add(lexicon, word, Meaning("subject", name))
            if word not in ("fish", "deer", "sheep"):
                _add(lexicon, plural(word), Meaning("subject", name, plural=True))
        for word in entry.get("plurals", ()):
            _add(lexicon, word, Meaning("subject", name, plural=True), replace=True)
    for kind, value, words in _settings():
        for word in words:
            _add(lexicon, word, Meaning(kind, value))
            if kind in ("environment", "weather", "water", "wonder") or (kind, value) == ("time", "night"):
                _add(lexicon, plural(word), Meaning(kind, value))
    return {phrase: tuple(meanings) for phrase, meanings in lexicon.items()}


@cache
def chinese() -> Lexicon:
    """Words of Chinese; the longest that fits is the one that is meant."""
    lexicon: dict[str, list[Meaning]] = {}
    for name, entry in _subject_entries():
        for word in entry.get("zh", ()):
            _add(lexicon, word, Meaning("subject", name))
    for kind, value, words in _settings():
        for word in words:
            if not word.isascii():
                _add(lexicon, word, Meaning(kind, value))
    return {phrase: tuple(meanings) for phrase, meanings in lexicon.items()}


def plural(word: str) -> str:
    """The regular English plural of a noun or of a phrase that ends in one."""
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return word + "es"
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return word[:-1] + "ies"
    return word + "s"


def plain(text: str) -> str:
    """Text as the lexicon has it: lower case, full-width and accented Latin made plain, hyphens and quotes dropped."""
    folded = unicodedata.normalize("NFKD", text).lower()
    kept = "".join(char for char in folded if not unicodedata.combining(char))
    return kept.replace("’", "'").replace("'s ", " ").replace("-", " ").replace("_", " ").replace("'", "")


def _add(lexicon: dict[str, list[Meaning]], word: str, meaning: Meaning, *, replace: bool = False) -> None:
    meanings = lexicon.setdefault(plain(word), [])
    if replace:
        meanings[:] = [other for other in meanings if other.value != meaning.value]
    if meaning not in meanings and all((m.kind, m.value) != (meaning.kind, meaning.value) for m in meanings):
        # A word names one subject only: the first in the file has it.
        if meaning.kind == "subject" and any(other.kind == "subject" for other in meanings):
            return
        meanings.append(meaning)


@cache
def _subject_entries() -> tuple[tuple[str, dict[str, Any]], ...]:
    groups = tomllib.loads((HERE / "subjects.toml").read_text(encoding="utf-8"))
    return tuple((name.replace("_", " "), entry) for group in groups.values() for name, entry in group.items())


def _subject(name: str, entry: dict[str, Any]) -> Subject:
    icons = tuple(entry.get("icons", (name.replace(" ", "-"),)))
    return Subject(
        name,
        icons,
        entry["lives"],
        entry["size"],
        entry["home"],
        entry.get("faces", ""),
        entry.get("region", ""),
        tuple(entry.get("own", ())),
        entry.get("varied", False),
        entry.get("glow", ""),
        entry.get("group", 1),
    )


def _settings() -> Iterator[tuple[str, str, Iterable[str]]]:
    words = tomllib.loads((HERE / "words.toml").read_text(encoding="utf-8"))
    for table in ("environments", "waters", "times", "weathers", "wonders", "styles", "colours", "counts"):
        for value, listed in words[table].items():
            if value != "zh":
                yield table.removesuffix("s"), value, listed
        for value, listed in words[table].get("zh", {}).items():
            yield table.removesuffix("s"), value, listed
    for value, listed in words["grammar"].items():
        yield value, value, listed
