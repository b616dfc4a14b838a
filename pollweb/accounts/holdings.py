"""What the parts of pollweb hold of a team: each says how it is read out and how it is erased.

Parts above accounts fill this when their app starts, so that an export holds everything and a deletion leaves nothing,
without accounts knowing them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from pollweb.accounts.models import Team, User

Opener = Callable[[], BinaryIO | None]
Rows = Callable[[Team], Iterator[dict[str, Any]]]
Files = Callable[[Team], Iterator[tuple[str, Opener]]]


def _nothing(team: Team) -> Iterator[tuple[str, Opener]]:
    return iter(())


@dataclass(frozen=True, slots=True)
class Holding:
    """`tables` by the name that their file has in an archive, without its ending: rows as JSON values, no secret.

    `files` gives names in the archive and what opens the bytes, if they are still there. `erase` removes rows, and
    whatever leads to files, in pieces that hold no lock for long; it may be called again after it was interrupted.

    `personal` is like `tables`, of a person: what goes with their own row.
    """

    tables: dict[str, Rows]
    files: Files = _nothing
    erase: Callable[[Team], None] = field(default=lambda team: None)
    personal: dict[str, Callable[[User], Iterator[dict[str, Any]]]] = field(default_factory=dict)


_all: dict[str, Holding] = {}


def hold(part: str, holding: Holding) -> None:
    """Register what `part` (its app's name) holds; once more replaces it."""
    _all[part] = holding


def holdings() -> list[Holding]:
    """The upper parts first: what they hold refers to what the lower ones do."""
    return list(reversed(_all.values()))
