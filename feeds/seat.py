"""A listener's place in the hub: a bounded share of what is told, with an exact count of what did not fit."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable

from feeds.frames import Door, Frame, Item, Written

MOST_ITEMS = 50
MOST_BYTES = 256 * 1024
MOST_REMOVES = 5000  # of removes, which are never dropped; a listener so far behind has to come again
BATCH = 50
DIRECT_BYTES = 64 * 1024  # of what a transport holds back, as the server's own flow control has it


class Closed(Exception):
    """The hub has stopped, or this listener has fallen too far behind."""


class Seat:
    """Frames for one listener: what it is owed from the past, then what comes.

    Full is 50 items or 256 KiB: then the oldest item is dropped and counted, and the next thing the listener gets is a
    `gap` with the count. So items received + sum of gaps = items published. While `paused` only removes are handed out.

    `stuck` is called by the hub when the listener has taken nothing for `patience` seconds, or when more than
    `most_behind` bytes have come since it last did. With `direct`, ready-made frames go to the connection's transport
    whenever the listener has nothing else to send; what does not fit there takes the usual way.
    """

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
    ) -> None:
        self.door = door
        self.paused = False
        self.direct = direct
        self._backlog = deque(backlog)
        self._missed = missed
        self._gap = gap or missed > 0
        self._waiting: deque[tuple[Frame, int, bool]] = deque()  # frame, bytes, is it a remove
        self._items = self._bytes = self._behind = 0
        self._leave, self._patience, self._most_behind, self._stuck = leave, patience, most_behind, stuck
        self._wake: asyncio.Future[None] | None = None
        self._ticked = self._closed = self._taking = False
        self._taken_at = time.monotonic()

    # --- the hub's side -----------------------------------------------------------------------------------------------

    def push(self, written: Written, remove: bool = False) -> None:
        frame, size, wire = written
        wake = self._wake
        waits = wake is not None and not wake.done()
        if waits and self.direct is not None and wire is not None and self._has_room(self.direct):
            self.direct.write(wire)  # the listener waits: everything before this has left
            return
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
        self._rouse()

    def tick(self, now: float) -> None:
        """Every few seconds: let the listener look at the time, or notice that it takes nothing any more."""
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

    def _has_room(self, transport: asyncio.Transport) -> bool:
        return not self.paused and not transport.is_closing() and transport.get_write_buffer_size() < DIRECT_BYTES

    def _drop_oldest(self) -> None:
        at = 0
        while self._waiting[at][2]:
            at += 1
        self._bytes -= self._waiting[at][1]
        self._items -= 1
        del self._waiting[at]
        self._missed += 1
        self._gap = True

    def _rouse(self) -> None:
        if self._wake is not None and not self._wake.done():
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
                try:
                    await self._wake
                finally:
                    self._wake = None
        finally:
            self._taking = False
            self._taken_at = time.monotonic()
            self._behind = 0

    def take_backlog(self) -> list[Item]:
        """All that is owed from the past, as items, for a door that sends it in one piece."""
        items = [item for item in self._backlog if not item.gone]
        self._backlog.clear()
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
        self._leave(self)

    def _frames(self) -> list[Frame]:
        frames: list[Frame] = []
        if self._gap:
            frames.append(self.door.gap(self._missed))
            self._missed, self._gap = 0, False
        if self._backlog:
            for _ in range(min(BATCH, len(self._backlog))):
                item = self._backlog.popleft()
                if not item.gone:
                    frames.append(item.write(self.door).frame)
            return frames or self._frames()
        frames += [frame for frame, _, _ in self._waiting]
        self._waiting.clear()
        self._items = self._bytes = 0
        return frames

    def _paused_frames(self) -> list[Frame]:
        if len(self._waiting) == self._items:
            return []
        removes = [frame for frame, _, remove in self._waiting if remove]
        self._waiting = deque(each for each in self._waiting if not each[2])
        return removes
