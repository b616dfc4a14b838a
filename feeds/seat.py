"""A listener's place in the hub: a bounded share of what is told, with an exact count of what did not fit."""

import asyncio
import time
from collections.abc import Callable, Iterable

from feeds.audience import DIRECT_BYTES, Audience
from feeds.frames import Door, Frame, Item, Written

MOST_ITEMS = 50
MOST_BYTES = 256 * 1024
MOST_REMOVES = 5000  # of removes, which are never dropped; a listener so far behind has to come again
BATCH = 50


class Closed(Exception):
    """The hub has stopped, or this listener has fallen too far behind."""


_missed = 0


def missed_in_all() -> int:
    """Items that this process's listeners did not get, of which each was told by a gap."""
    return _missed


def _count_missed(count: int) -> None:
    global _missed
    _missed += count


class Seat:
    """Frames for one listener: what it is owed from the past, then what comes.

    Full is 50 items or 256 KiB: then the oldest item is dropped and counted, and the next thing the listener gets is a
    `gap` with the count. So items received + sum of gaps = items published. While `paused` only removes are handed out.

    `stuck` is called by the hub when the listener has taken nothing for `patience` seconds, or when more than
    `most_behind` bytes have come since it last did. With `direct`, ready-made frames go to the connection's transport
    whenever the listener has nothing else to send (feeds.audience); what does not fit there takes the usual way.
    `regular` is asked every few seconds what a listener like that is to be told then, and says None when the listener
    has to look for itself; all others wake up and ask.
    """

    # A process has thousands of these.
    __slots__ = (
        "_audience",
        "_backlog",
        "_behind",
        "_bytes",
        "_closed",
        "_direct",
        "_gap",
        "_items",
        "_leave",
        "_missed",
        "_most_behind",
        "_patience",
        "_regular",
        "_stuck",
        "_taken_at",
        "_taking",
        "_ticked",
        "_waiting",
        "_wake",
        "door",
        "paused",
    )

    def __init__(
        self,
        door: Door,
        *,
        backlog: Iterable[Item] = (),
        missed: int = 0,
        gap: bool = False,
        leave: Callable[["Seat"], None] = lambda seat: None,
        patience: float = 15.0,
        most_behind: int | None = None,
        stuck: Callable[[], object] | None = None,
        direct: asyncio.Transport | None = None,
        regular: Callable[[], list[Written] | None] = lambda: None,
        audience: Audience | None = None,
    ) -> None:
        self.door = door
        self.paused = False
        self._direct, self._regular = direct, regular
        self._audience = Audience() if audience is None else audience  # an empty one is false
        self._audience.others.add(self)
        self._backlog = list(backlog)
        self._missed = missed
        self._gap = gap or missed > 0
        # Frame, bytes, is it a remove. Lists take much less room than deques while they are empty, and are short.
        self._waiting: list[tuple[Frame, int, bool]] = []
        self._items = self._bytes = self._behind = 0
        self._leave, self._patience, self._most_behind, self._stuck = leave, patience, most_behind, stuck
        self._wake: asyncio.Future[None] | None = None
        self._ticked = self._closed = self._taking = False
        self._taken_at = time.monotonic()

    # --- the hub's side -----------------------------------------------------------------------------------------------

    def push(self, written: Written, remove: bool = False) -> None:
        frame, size, _ = written
        self._waiting.append((frame, size, remove))
        self._behind += size
        if remove:
            if len(self._waiting) - self._items > MOST_REMOVES:
                self.close()
        else:
            self._items += 1
            self._bytes += size
            while self._items > MOST_ITEMS or (self._bytes > MOST_BYTES and self._items > 1):
                self._drop_oldest()
        if remove or not self.paused:
            self._rouse()

    def miss(self, count: int) -> None:
        """The hub itself did not see so many items."""
        self._missed += count
        self._gap = True
        _count_missed(count)
        self._rouse()

    def tick(self, now: float) -> None:
        """Every few seconds: let the listener look at the time, or notice that it takes nothing any more."""
        if self._audience.direct.get(self) is not None and self._tell_regularly():
            return
        if self._taking or self._stuck is None:
            self._ticked = True
            self._rouse()
            return
        behind = self._most_behind is not None and self._behind > self._most_behind
        if behind or now - self._taken_at > self._patience:
            stuck, self._stuck = self._stuck, None
            stuck()

    def close(self) -> None:
        self._closed = True
        self._rouse()

    def hush(self) -> None:
        """Nothing is written beside the listener any more: its last words follow."""
        self._direct = None
        self._audience.wakes(self)

    def _tell_regularly(self) -> bool:
        transport = self._direct
        if transport is None or transport.get_write_buffer_size() >= DIRECT_BYTES:
            return False
        said = self._regular()
        if said is None:
            return False
        if not transport.is_closing():
            transport.write(b"".join(written.wire for written in said if written.wire))
        return True

    def _drop_oldest(self) -> None:
        at = 0
        while self._waiting[at][2]:
            at += 1
        self._bytes -= self._waiting[at][1]
        self._items -= 1
        del self._waiting[at]
        self._missed += 1
        self._gap = True
        _count_missed(1)

    def _rouse(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._audience.wakes(self)
            self._wake.set_result(None)

    # --- the listener's side ------------------------------------------------------------------------------------------

    async def take(self) -> list[Frame]:
        """Wait for something to send and hand it over; an empty list when it is only time to look at the clock."""
        self._taking = True
        try:
            while True:
                if self._closed:
                    raise Closed
                frames = self._paused_frames() if self.paused else self._frames()
                if frames or self._ticked:
                    self._ticked = False
                    return frames
                self._wake = asyncio.get_running_loop().create_future()
                if self._direct is not None and not self.paused:
                    self._audience.waits(self, self._direct)  # everything before this has left
                try:
                    await self._wake
                finally:
                    self._audience.wakes(self)
                    self._wake = None
        finally:
            self._taking = False
            self._taken_at = time.monotonic()
            self._behind = 0

    def take_backlog(self) -> list[Item]:
        """All that is owed from the past, as items, for a door that sends it in one piece."""
        items, self._backlog = [item for item in self._backlog if not item.gone], []
        return items

    @property
    def missed(self) -> int:
        """What the next gap will say."""
        return self._missed

    def pause(self, paused: bool = True) -> None:
        self.paused = paused
        self._rouse()

    def leave(self) -> None:
        """Get up. Nothing is pushed to this seat afterwards."""
        self._direct = None
        self._audience.leaves(self)
        self._leave(self)

    def _frames(self) -> list[Frame]:
        frames: list[Frame] = []
        if self._gap:
            frames.append(self.door.gap(self._missed))
            self._missed, self._gap = 0, False
        if self._backlog:
            batch, self._backlog = self._backlog[:BATCH], self._backlog[BATCH:]
            frames += [item.write(self.door).frame for item in batch if not item.gone]
            return frames or self._frames()
        frames += [frame for frame, _, _ in self._waiting]
        self._waiting = []
        self._items = self._bytes = 0
        return frames

    def _paused_frames(self) -> list[Frame]:
        if len(self._waiting) == self._items:
            return []
        removes = [frame for frame, _, remove in self._waiting if remove]
        self._waiting = [each for each in self._waiting if not each[2]]
        return removes
