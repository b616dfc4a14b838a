"""The piece of the past that a hub keeps: bounded in number and bytes, and exact about what it does not hold."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from django.conf import settings

from feeds.frames import Item

BYTES = 16 * 2**20
KEEP_WRITTEN = 100  # so many of the newest items keep their frames ready

Place = tuple[int, int]  # epoch, seq
Wants = Callable[[Item], bool]


@dataclass(slots=True)
class Owed:
    """What a listener is owed from the past: items, and whether and how many are missing before them."""

    items: list[Item] = field(default_factory=list)
    missed: int = 0
    gap: bool = False


class Ring:
    def __init__(self) -> None:
        self.at: Place = (0, 0)  # of the newest entry
        self._items: deque[Item] = deque()
        self._bytes = 0
        self._known: dict[str, Item] = {}  # by public id

    def add(self, item: Item) -> int:
        """Take up the next entry of the stream, and say how many entries before it were never seen.

        A withdrawal empties the item it is about. An item that is here already (it was told again after Redis was
        emptied) is emptied itself, so that nobody hears it twice.
        """
        epoch, seq = self.at
        unseen = item.seq - (seq if item.epoch == epoch else 0) - 1
        if item.t == "remove":
            target = self._known.pop(item.public_id, None)
            if target is not None:
                item.target = target.id
                self._bytes -= len(target.data)
                target.withdraw()
        elif item.public_id in self._known:
            item.withdraw()
        else:
            self._known[item.public_id] = item
        self._items.append(item)
        self._bytes += len(item.data)
        self.at = item.place
        self._trim()
        return max(0, unseen)

    def find(self, public_id: str) -> Item | None:
        return self._known.get(public_id)

    def last(self, wants: Wants, count: int) -> list[Item]:
        """The newest `count` items, oldest first."""
        items: list[Item] = []
        for item in reversed(self._items):
            if len(items) >= count:
                break
            if item.t != "remove" and wants(item):
                items.append(item)
        return items[::-1]

    def after(self, place: Place | None, wants: Wants, most: int | None = None) -> Owed:
        """Everything after a place, or a gap when that is not known or reaches back too far.

        Of more than `most` items the older ones are missing; withdrawals are always there.
        """
        epoch, head = self.at
        if place is None or place[0] != epoch or place[1] > head:
            return Owed(gap=True)
        items: list[Item] = []
        seen, reached = 0, False
        for item in reversed(self._items):
            if item.epoch != epoch or item.seq <= place[1]:
                reached = item.epoch == epoch
                break
            seen += 1
            if wants(item):
                items.append(item)
        missed = head - place[1] - seen
        if missed and not reached:
            return Owed(missed=head - place[1], gap=True)
        items.reverse()
        events = [item for item in items if item.t != "remove"]
        if most is not None and len(events) > most:
            missed += len(events) - most
            first = events[-most].place
            items = [item for item in items if item.t == "remove" or item.place >= first]
        return Owed(items, missed, missed > 0)

    def rate(self) -> int:
        """Items told during the last minute."""
        since = time.time_ns() - 60_000_000_000
        count = 0
        for item in reversed(self._items):
            if item.sent_ns < since:
                break
            count += item.t != "remove"
        return count

    def _trim(self) -> None:
        while len(self._items) > settings.DESIGN.feeds.history or self._bytes > BYTES:
            old = self._items.popleft()
            self._bytes -= len(old.data)
            if self._known.get(old.public_id) is old:
                del self._known[old.public_id]
        if len(self._items) > KEEP_WRITTEN:
            self._items[-KEEP_WRITTEN - 1].forget()


def place_of(id: str) -> Place | None:
    """`"1700000000000.7"` → `(1700000000000, 7)`; None for anything else."""
    epoch, _, seq = id.partition(".")
    if not (epoch.isascii() and epoch.isdigit() and seq.isascii() and seq.isdigit() and len(id) <= 40):
        return None
    return int(epoch), int(seq)
