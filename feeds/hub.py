"""One hub for each web process: it reads the Redis Stream once and tells everyone who sits here.

It belongs to an event loop, starts when the first listener joins, and keeps a bounded piece of the past for those who
come back. With Redis away it tries again with growing pauses and then goes on exactly where it was.
"""

import asyncio
import logging
import random
import time
import weakref
from dataclasses import dataclass
from typing import Any

from feeds import frames
from feeds.audience import Audience
from feeds.frames import Door, Item, Written
from feeds.outbox import stream_key
from feeds.ring import Owed, Place, Ring, place_of
from feeds.seat import Closed, Seat
from pollweb.lib import ids, redis

log = logging.getLogger(__name__)

READ_COUNT = 25  # half of a seat: those who keep up have no gap when much comes at once
BLOCK = 5.0
TICK = 5.0
ANSWER = 5.0
CATCH_UP = 1.0
LONGEST_PAUSE = 5.0
FAREWELL = 1.0
WATCHERS_FRESH = 15.0
KINDS = frozenset({"image", "text", "audio"})
IN_A_ROW = 250  # seats that are looked at before others have their turn


@dataclass(frozen=True, slots=True)
class Wants:
    """What a listener wants to hear. No models named means all. Of `words`, in small letters, one has to occur in
    prompt or answer; none named means everything. `team` and `app` are keys of who made it. With a `collection`
    nothing of the stream is wanted, only what is shown of that. `removes` are for doors that keep things in view.
    `within`: another one's wishes that must be met too, a named wall's."""

    kinds: frozenset[str]
    models: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    mature: bool = False
    removes: bool = False
    team: int | None = None
    app: int | None = None
    collection: str = ""
    within: "Wants | None" = None

    def __call__(self, item: Item) -> bool:
        if item.gone:
            return False
        if item.t == "remove":
            return self.removes
        if item.mature and not self.mature:
            return False
        if item.kind not in self.kinds or (self.models and item.model not in self.models):
            return False
        if self.team not in (None, item.team) or self.app not in (None, item.app):
            return False
        if self.collection and self.collection != item.collection:
            return False
        if self.within is not None and not self.within(item):
            return False
        return not self.words or any(word in item.said for word in self.words)


class Hub:
    def __init__(self) -> None:
        self.ticks = 0
        self.watchers = 0
        self._id = ids.request_id()
        self._ring = Ring()
        self._audiences: dict[tuple[Door, Wants], Audience] = {}
        self._stats: dict[Door, tuple[int, Written]] = {}
        self._watching: set[Seat] = set()
        self._ready = asyncio.Event()
        self._moved = asyncio.Event()
        self._left = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._stopped = False

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
        while Redis was never reached yet; Closed when the hub was stopped.
        """
        await self._begin()
        if not after:
            owed = Owed(self._ring.last(wants, past))
        else:
            place = place_of(after)
            if place is not None and place[0] == self._ring.at[0]:
                await self._reach(place)
            owed = self._ring.after(place, wants, most)

        key = (door, wants)
        audience = self._audiences.setdefault(key, Audience())

        def leave(seat: Seat) -> None:
            if not audience and self._audiences.get(key) is audience:
                del self._audiences[key]
            self._left.set()
            self._watching.discard(seat)

        seat = Seat(
            door,
            backlog=owed.items,
            missed=owed.missed,
            gap=owed.gap,
            leave=leave,
            audience=audience,
            **manners,
        )
        if watching:
            self._watching.add(seat)
        return seat

    async def find(self, public_id: str) -> Item | None:
        """What was told under this name and not withdrawn, as long as it can be replayed. Waits and fails as `join`."""
        await self._begin()
        return self._ring.find(public_id)

    async def _begin(self) -> None:
        if not self._tasks and not self._stopped:
            self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._tick())]
        await self._ready.wait()
        if self._stopped:
            raise Closed

    @property
    def head(self) -> str:
        """The id of the newest entry."""
        return "{}.{}".format(*self._ring.at)

    def rate(self) -> int:
        """Items told during the last minute."""
        return self._ring.rate()

    def stats(self, door: Door = frames.WALL) -> Written:
        """The wall's frame of figures, the same for all of one door until the next tick."""
        made_at, written = self._stats.get(door, (-1, None))
        if written is None or made_at != self.ticks:
            said = {"t": "stats", "rate": self.rate(), "watchers": max(self.watchers, len(self._watching))}
            written = frames.said(door, said)
            self._stats[door] = self.ticks, written
        return written

    async def stop(self) -> None:
        """End the reader, send everybody home and wait a moment until they have said goodbye."""
        self._stopped = True
        self._ready.set()
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for seat in self._seated():
            seat.close()
        try:
            async with asyncio.timeout(FAREWELL):
                while self._audiences:
                    self._left.clear()
                    await self._left.wait()
        except TimeoutError:
            pass

    async def _reach(self, place: Place) -> None:
        """Another process may have told a client something that is still on its way to this one."""
        try:
            async with asyncio.timeout(CATCH_UP):
                while self._ring.at < place:
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
            except (redis.RedisError, OSError) as error:  # a TimeoutError is an OSError
                log.warning("the hub has lost Redis: %s", error or type(error).__name__)
            except Exception:
                log.exception("the hub starts again")
            finally:
                await client.aclose()
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _load(self, client: Any) -> None:
        while entries := await client.xrange(stream_key(), "({}-{}".format(*self._ring.at), "+", count=500):
            for entry_id, fields in entries:
                self._ring.add(Item.from_entry(entry_id, fields))

    async def _follow(self, client: Any) -> None:
        place = {stream_key(): "{}-{}".format(*self._ring.at)}
        async with asyncio.timeout(BLOCK + ANSWER):
            answer = await client.xread(place, count=READ_COUNT, block=int(BLOCK * 1000))
        for _, entries in answer.items() if isinstance(answer, dict) else answer or ():
            for entry_id, fields in entries:
                self._tell(Item.from_entry(entry_id, fields))
        if not answer:
            await self._look_for_loss(client)

    async def _look_for_loss(self, client: Any) -> None:
        """A stream that was lost and began again under a clock set back has ids that XREAD would never reach."""
        newest = await client.xrevrange(stream_key(), "+", "-", count=1)
        if newest and Item.from_entry(*newest[0]).place < self._ring.at:
            self._ring.at = (0, 0)

    def _tell(self, item: Item) -> None:
        unseen = self._ring.add(item)
        self._moved.set()
        self._moved.clear()
        if unseen:
            for seat in self._seated():
                seat.miss(unseen)
        if item.gone:
            return
        remove = item.t == "remove"
        for (door, wants), audience in self._audiences.items():
            try:
                written = item.write(door) if wants(item) else None
            except Exception:
                log.exception("an event could not be written")
                continue
            if written is not None:
                audience.tell(written, remove)

    def _seated(self) -> list[Seat]:
        return [seat for audience in self._audiences.values() for seat in audience.seats()]

    # --- every few seconds --------------------------------------------------------------------------------------------

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            self.watchers = await self._count_watchers()
            self.ticks += 1
            for number, seat in enumerate(self._seated(), 1):
                seat.tick(time.monotonic())
                if not number % IN_A_ROW:
                    await asyncio.sleep(0)

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


_hubs: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = weakref.WeakKeyDictionary()


def current() -> Hub:
    """The hub of the running loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]


async def stop() -> None:
    """Stop the running loop's hub for good: whoever still comes while the process ends is sent home."""
    await current().stop()
