"""One hub for each web process: it reads the Redis Stream once and tells everyone who sits here.

It belongs to an event loop, starts when the first listener joins, and keeps a bounded piece of the past for those who
come back. With Redis away it tries again with growing pauses and then goes on exactly where it was.
"""

import asyncio
import logging
import random
import time
import weakref
from collections import deque
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from feeds.frames import Door, Item, text
from feeds.outbox import stream_key
from feeds.seat import Seat
from pollweb.lib import ids, redis

log = logging.getLogger(__name__)

RING_BYTES = 16 * 2**20
KEEP_WRITTEN = 100  # so many of the newest items keep their frames ready
READ_COUNT = 200
BLOCK = 5.0
TICK = 5.0
CATCH_UP = 1.0
LONGEST_PAUSE = 5.0
WATCHERS_FRESH = 15.0

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Wants:
    """What a listener wants to hear. No models named means all; `removes` are for doors that keep things in view."""

    kinds: frozenset[str]
    models: frozenset[str] = frozenset()
    mature: bool = False
    removes: bool = False

    def __call__(self, item: Item) -> bool:
        if item.gone:
            return False
        if item.t == "remove":
            return self.removes
        if item.mature and not self.mature:
            return False
        return item.kind in self.kinds and (not self.models or item.model in self.models)


class Hub:
    def __init__(self) -> None:
        self.ticks = 0
        self.watchers = 0
        self._id = ids.request_id()
        self._ring: deque[Item] = deque()
        self._ring_bytes = 0
        self._known: dict[str, Item] = {}  # by public id, of what is in the ring
        self._at: Place = (0, 0)
        self._seats: dict[tuple[Door, Wants], set[Seat]] = {}
        self._watching: set[Seat] = set()
        self._ready = asyncio.Event()
        self._moved = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    # --- joining ------------------------------------------------------------------------------------------------------

    async def join(
        self,
        door: Door,
        wants: Wants,
        *,
        after: str = "",
        past: int = 0,
        most: int | None = None,
        watching: bool = False,
        **manners: Any,
    ) -> Seat:
        """A seat that is owed what came after `after`, or else the last `past` items, and then everything that comes.

        An `after` that is older than the ring, of another epoch or nonsense begins with a gap and no past. Of more than
        `most` items the older ones become a gap. `watching` counts the seat as a watcher; `manners` are Seat's. Waits
        while Redis was never reached yet.
        """
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._tick())]
        await self._ready.wait()
        place = _place(after)
        if place is not None and place[0] == self._at[0]:
            await self._reach(place)
        backlog, missed, gap = self._owed(wants, after, place, past, most)

        def leave(seat: Seat) -> None:
            seats = self._seats.get((door, wants))
            if seats is not None:
                seats.discard(seat)
                if not seats:
                    del self._seats[door, wants]
            self._watching.discard(seat)

        seat = Seat(door, backlog=backlog, missed=missed, gap=gap, leave=leave, **manners)
        self._seats.setdefault((door, wants), set()).add(seat)
        if watching:
            self._watching.add(seat)
        return seat

    @property
    def head(self) -> str:
        """The id of the newest entry."""
        return f"{self._at[0]}.{self._at[1]}"

    def rate(self) -> int:
        """Items told during the last minute."""
        since = time.time_ns() - 60_000_000_000
        count = 0
        for item in reversed(self._ring):
            if item.sent_ns < since:
                break
            count += item.t != "remove"
        return count

    def stats(self) -> str:
        """The wall's frame of figures."""
        return text({"t": "stats", "rate": self.rate(), "watchers": max(self.watchers, len(self._watching))})

    async def stop(self) -> None:
        """End the reader and send everybody home."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for seats in list(self._seats.values()):
            for seat in seats:
                seat.close()
        self._ready.clear()

    def _owed(
        self, wants: Wants, after: str, place: Place | None, past: int, most: int | None
    ) -> tuple[list[Item], int, bool]:
        """Items, how many are missing, and whether a gap is told at all."""
        if not after:
            return self._last(wants, past), 0, False
        epoch, head = self._at
        if place is None or place[0] != epoch or place[1] > head:
            return [], 0, True
        items: list[Item] = []
        seen = 0
        for item in reversed(self._ring):
            if item.place <= place:
                break
            seen += 1
            if wants(item):
                items.append(item)
        missed = head - place[1] - seen
        if missed > 0 and (not self._ring or self._ring[0].place > place):
            return [], head - place[1], True
        items.reverse()
        events = [item for item in items if item.t != "remove"]
        if most is not None and len(events) > most:
            missed += len(events) - most
            dropped = set(map(id, events[:-most]))
            items = [item for item in items if id(item) not in dropped]
        return items, missed, missed > 0

    def _last(self, wants: Wants, count: int) -> list[Item]:
        items: list[Item] = []
        for item in reversed(self._ring):
            if len(items) >= count:
                break
            if item.t != "remove" and wants(item):
                items.append(item)
        return items[::-1]

    async def _reach(self, place: Place) -> None:
        """Another process may have told a client something that is still on its way to this one."""
        try:
            async with asyncio.timeout(CATCH_UP):
                while self._at < place:
                    await self._moved.wait()
        except TimeoutError:
            pass

    # --- reading ------------------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        pause = 0.1
        while True:
            client: Any = redis.listener()
            try:
                if not self._ready.is_set():
                    await self._load(client)
                    self._ready.set()
                while True:
                    await self._follow(client)
                    pause = 0.1
            except redis.RedisError as error:
                log.warning("the hub has lost Redis: %s", error)
            except Exception:
                log.exception("the hub starts again")
            finally:
                await client.aclose()
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _load(self, client: Any) -> None:
        while entries := await client.xrange(stream_key(), "({}-{}".format(*self._at), "+", count=500):
            for entry_id, fields in entries:
                self._remember(Item.from_entry(entry_id, fields))

    async def _follow(self, client: Any) -> None:
        epoch, seq = self._at
        answer = await client.xread({stream_key(): f"{epoch}-{seq}"}, count=READ_COUNT, block=int(BLOCK * 1000))
        for _, entries in answer.items() if isinstance(answer, dict) else answer or ():
            for entry_id, fields in entries:
                self._tell(Item.from_entry(entry_id, fields))
        if not answer:
            await self._look_for_loss(client)

    async def _look_for_loss(self, client: Any) -> None:
        """A stream that was lost and began again under a clock set back has ids that XREAD would never reach."""
        newest = await client.xrevrange(stream_key(), "+", "-", count=1)
        if newest and _place(newest[0][0].decode().replace("-", ".")) < self._at:  # type: ignore[operator]
            self._at = (0, 0)

    def _tell(self, item: Item) -> None:
        epoch, seq = self._at
        unseen = item.seq - (seq if item.epoch == epoch else 0) - 1
        self._remember(item)
        if unseen > 0:
            for seats in self._seats.values():
                for seat in seats:
                    seat.miss(unseen)
        if item.gone:
            return
        remove = item.t == "remove"
        for (door, wants), seats in self._seats.items():
            if not wants(item):
                continue
            try:
                frame, size = item.write(door)
            except Exception:
                log.exception("an event could not be written")
                continue
            for seat in seats:
                seat.push(frame, size, remove)

    def _remember(self, item: Item) -> None:
        if item.t == "remove":
            target = self._known.pop(item.public_id, None)
            if target is not None:
                item.target = target.id
                self._ring_bytes -= len(target.data)
                target.withdraw()
        elif item.public_id in self._known:
            item.withdraw()  # told again after Redis was emptied: nobody here hears it twice
        else:
            self._known[item.public_id] = item
        self._ring.append(item)
        self._ring_bytes += len(item.data)
        while len(self._ring) > settings.DESIGN.feeds.history or self._ring_bytes > RING_BYTES:
            old = self._ring.popleft()
            self._ring_bytes -= len(old.data)
            if self._known.get(old.public_id) is old:
                del self._known[old.public_id]
        if len(self._ring) > KEEP_WRITTEN:
            self._ring[-KEEP_WRITTEN - 1].written.clear()
        self._at = item.place
        self._moved.set()
        self._moved.clear()

    # --- every few seconds --------------------------------------------------------------------------------------------

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            self.watchers = await self._count_watchers()
            self.ticks += 1
            now = time.monotonic()
            for seats in list(self._seats.values()):
                for seat in list(seats):
                    seat.tick(now)

    async def _count_watchers(self) -> int:
        """Of all web processes; only of this one while Redis does not answer."""
        mine, now = len(self._watching), time.time()
        hash_key = redis.key("feed", "watchers")
        try:
            client: Any = redis.client()
            await client.hset(hash_key, self._id, f"{mine}:{now:.0f}")
            found: dict[bytes, bytes] = await client.hgetall(hash_key)
            count, stale = 0, []
            for name, value in found.items():
                number, _, at = value.decode().partition(":")
                if now - float(at) < WATCHERS_FRESH:
                    count += int(number)
                else:
                    stale.append(name)
            if stale:
                await client.hdel(hash_key, *stale)
            return count
        except redis.RedisError:
            return mine


def _place(id: str) -> Place | None:
    """`"1700000000000.7"` → `(1700000000000, 7)`; None for anything else."""
    epoch, _, seq = id.partition(".")
    if not (epoch.isascii() and epoch.isdigit() and seq.isascii() and seq.isdigit() and len(id) <= 40):
        return None
    return int(epoch), int(seq)


_hubs: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = weakref.WeakKeyDictionary()


def current() -> Hub:
    """The hub of the running loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]


async def stop() -> None:
    """Stop the running loop's hub, if there is one; the next listener starts a new one."""
    found = _hubs.pop(asyncio.get_running_loop(), None)
    if found is not None:
        await found.stop()
