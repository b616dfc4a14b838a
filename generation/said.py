"""What a relayed answer has said so far, for those who listen now and those who join late.

The newest pieces are kept as they came. Older ones are joined, so that a long answer takes little more memory than its
words, however many pieces it came in and however far behind somebody is. They are joined between the places that
listeners have reached: each hears every word once.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

from generation.results import WORDS

APART = 1000  # so many of the newest are never joined
LONGEST = 16_384  # characters of what is joined

Piece = dict[str, Any]


@dataclass(slots=True, eq=False)
class Place:
    """How many pieces somebody has heard."""

    heard: int = 0


class Said:
    def __init__(self) -> None:
        self._old: list[tuple[int, list[Piece]]] = []  # up to which piece, and what was said since the one before
        self._new: list[Piece] = []
        self._joined = 0  # so many pieces are in the old ones
        self._places: set[Place] = set()

    def __len__(self) -> int:
        """How many pieces there were."""
        return self._joined + len(self._new)

    def add(self, piece: Piece) -> None:
        self._new.append(piece)
        if len(self._new) >= 2 * APART:
            self._join(len(self) - APART)

    @contextmanager
    def place(self) -> Iterator[Place]:
        """At the beginning."""
        place = Place()
        self._places.add(place)
        try:
            yield place
        finally:
            self._places.discard(place)

    def since(self, place: Place) -> list[Piece]:
        """What comes after a place, which is at the end then."""
        found = self._new[max(0, place.heard - self._joined) :]
        if place.heard < self._joined:  # seldom: whoever keeps up is among the new
            found[:0] = [piece for end, pieces in self._old if end > place.heard for piece in pieces]
        place.heard = len(self)
        return found

    def _join(self, until: int) -> None:
        between = sorted({place.heard for place in self._places if self._joined < place.heard < until})
        for start, end in pairwise([self._joined, *between, until]):
            self._old.append((end, [*_joined(self._new[start - self._joined : end - self._joined])]))
        del self._new[: until - self._joined]
        self._joined = until


def _joined(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """The same words in fewer pieces. An upstream's own events say no longer what these say, and are left out."""
    for name, alike in groupby(pieces, _word):
        if name:
            words = "".join(piece["delta"][name] for piece in alike)
            for start in range(0, len(words), LONGEST):
                yield {"delta": {name: words[start : start + LONGEST]}}
        else:
            for piece in alike:
                yield {key: value for key, value in piece.items() if key != "event"}


def _word(piece: Piece) -> str:
    """The name of what is said, where a piece says nothing else."""
    name, *more = piece.get("delta") or ("",)
    return name if not more and name in WORDS and piece.keys() <= {"delta", "event"} else ""
