"""Relayed answers for equal requests that came to other processes: the one that is under way is heard, not made again.

Who makes a dedupe key is found out by the line's own script, in the call that admits (line.lua): nobody pays for it who
shares nothing. Whoever is told of a maker knocks at the makers' channel; the maker's process then passes its flight on
by the handoff, as one more listener, so that the first asker may leave. A maker that is silent for fifteen seconds has
died: those who heard nothing yet ask again, and one of them makes it.
"""

import asyncio
import contextlib
import time
import weakref
from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import Any

from generation import handoff, records, relay
from generation.errors import QueueAway
from generation.models import Generation, State
from pollweb.lib import redis

LOOK_SECONDS = 1.0  # between two looks: does the maker live, does anybody listen
KNOCK_SECONDS = 0.1  # a knock may be lost; until it is heard, another follows
ENDED_SECONDS, MOST_ENDED = 2.0, 500  # who was told of a flight may knock when it has just ended


def _knocks() -> str:
    return redis.key("makers")


class Making:
    """The flights of one event loop that others may ask for, by their maker's name."""

    def __init__(self) -> None:
        self.flights: dict[str, relay.Flight] = {}
        self.ended: OrderedDict[str, float] = OrderedDict()
        self.passing: dict[str, asyncio.Task[None]] = {}
        self.passes = 0
        self.listening: asyncio.Task[None] | None = None

    def listen(self) -> None:
        if self.listening is None or self.listening.done():
            self.listening = asyncio.get_running_loop().create_task(self._listen())

    def add(self, flight: relay.Flight) -> None:
        self.listen()
        maker = flight.turn.member
        self.flights[maker] = flight
        flight.task.add_done_callback(lambda _: self._end(maker))

    def _end(self, maker: str) -> None:
        now = time.monotonic()
        self.ended[maker] = now
        while self.ended:
            oldest, since = next(iter(self.ended.items()))
            if now - since < ENDED_SECONDS and len(self.ended) <= MOST_ENDED:
                break
            del self.ended[oldest]
            self.flights.pop(oldest, None)

    async def _listen(self) -> None:
        async for maker in _heard():
            if maker in self.flights and maker not in self.passing:
                task = self.passing[maker] = asyncio.create_task(self._pass_on(maker))
                task.add_done_callback(lambda _, maker=maker: self.passing.pop(maker, None))  # type: ignore[misc]

    async def _pass_on(self, maker: str) -> None:
        """Be one listener, for all who listen elsewhere; leave with the last of them."""
        flight = self.flights[maker]
        self.passes += 1
        async with flight:
            telling = asyncio.create_task(_tell(maker, self.passes, flight))
            try:
                while not (await asyncio.wait({telling}, timeout=LOOK_SECONDS))[0]:
                    if not await handoff.listeners(maker):
                        await handoff.forget(maker)  # whoever comes now hears it from the beginning
                        break
            finally:
                telling.cancel()
                await asyncio.gather(telling, return_exceptions=True)

    async def close(self) -> None:
        tasks = [*self.passing.values(), *([self.listening] if self.listening else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _tell(maker: str, number: int, flight: relay.Flight) -> None:
    """The row as it begins, the pieces, the row as it ended and the upstream's own body."""
    sender = handoff.Sender(maker, number)
    await sender.send({"row": _packed(flight.row)})
    with contextlib.suppress(Exception):  # the row says what went wrong
        async for batch in flight.batches():
            for piece in batch:
                await sender.send(piece)
    final = {"row": _packed(flight.row), "final": True}
    await sender.send({**final, "data": flight.body} if flight.body else final)
    await sender.end()


def _packed(row: Generation) -> str:
    return records.as_json(row).decode()


async def _heard() -> AsyncIterator[str]:
    """For ever: the makers whom somebody asks for."""
    pause = 0.1
    while True:
        connection = redis.listener()
        pubsub = connection.pubsub()
        try:
            await pubsub.subscribe(_knocks())
            async for message in redis.heard(pubsub):
                pause = 0.1
                if message["type"] == "message":
                    yield message["data"].decode()
        except (redis.RedisError, OSError):
            await asyncio.sleep(pause)
            pause = min(pause * 2, 2.0)
        finally:
            with contextlib.suppress(Exception):
                await pubsub.aclose()
                await connection.aclose()


_making: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Making] = weakref.WeakKeyDictionary()


def _here() -> Making:
    loop = asyncio.get_running_loop()
    if (found := _making.get(loop)) is None:
        found = _making[loop] = Making()
    return found


async def start() -> None:
    """Listen for knocks; a web process calls this when it starts to serve, so that the first is heard."""
    _here().listen()


def offer(flight: relay.Flight) -> None:
    """From now on equal requests of other processes may hear this flight."""
    _here().add(flight)


async def close() -> None:
    """Pass nothing on any more in this loop."""
    if (opened := _making.pop(asyncio.get_running_loop(), None)) is not None:
        await opened.close()


class Heard:
    """A flight of another process: `async with`, then `begins`, then `batches`."""

    def __init__(self, maker: str, made: str, deadline: float) -> None:
        self.maker, self.made = maker, made
        self.row: Generation | None = None
        self.body = b""
        self._waiting = handoff.Waiting(maker, deadline)
        self._pieces = self._waiting.pieces()
        self._first: list[dict[str, Any]] = []
        self._final = False

    async def __aenter__(self) -> "Heard":
        await self._waiting.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        try:
            await self._pieces.aclose()  # type: ignore[attr-defined]
        finally:
            await self._waiting.__aexit__(*exc)

    async def begins(self) -> bool:
        """Whether there is something to be heard: False when its maker is gone, or was given up by its askers."""
        with contextlib.suppress(redis.RedisError, OSError):
            await redis.client().publish(_knocks(), self.maker)
        while not self._first and not self._final:
            if not await self._next():
                return False
        return not (self._final and self.row is not None and self.row.state == State.CANCELLED)

    async def batches(self) -> AsyncIterator[list[dict[str, Any]]]:
        """The pieces; then `row` is final. QueueAway when its maker is gone meanwhile."""
        while True:
            if self._first:
                first, self._first = self._first, []
                yield first
            if self._final:
                return
            if not await self._next():
                raise QueueAway("Whoever made this is gone. Try again.", retry_after=1)

    async def _next(self) -> bool:
        """Take one piece over; False when nobody will send one any more."""
        coming = asyncio.ensure_future(anext(self._pieces, None))
        try:
            while not (await asyncio.wait({coming}, timeout=LOOK_SECONDS if self.row else KNOCK_SECONDS))[0]:
                if not await self._is_made():
                    return False
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
        if (piece := coming.result()) is None:
            return False
        if "row" in piece:
            self.row = records.from_json(piece["row"])
            self._final = "final" in piece
            self.body = piece.get("data", b"")
        else:
            self._first.append(piece)
        return True

    async def _is_made(self) -> bool:
        """After a silence: whether its maker lives. It is knocked at once more, should it not have heard."""
        try:
            await redis.client().publish(_knocks(), self.maker)
            held: Any = await redis.client().get(redis.key("made", self.made))
        except (redis.RedisError, OSError):
            return False
        # Once it is a record, the maker's last words are on their way to those who hear it already.
        return bool(held == self.maker.encode() or (self.row is not None and held and held.startswith(b"{")))
