"""Where a process's waiting requests are called: one subscription for each event loop, however many wait.

The line calls whoever is next on the channel of its desk, with the milliseconds that it still has to wait. A call may
be lost; then the time at which everybody asks again by itself (line.lua) makes up for it. The desk also renews the
places of what runs here, all in one go.
"""

import asyncio
import contextlib
import itertools
import secrets
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager

from pollweb.lib import redis

RENEWAL = 10.0


class Place:
    """One who waits. `called` returns when it is called, at the time that the call says, or after `timeout` seconds."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._bell: asyncio.Future[None] | None = None
        self._due: float | None = None

    def ring(self, seconds: float) -> None:
        self._due = self._loop.time() + seconds
        if self._bell is not None and not self._bell.done():
            self._bell.set_result(None)

    async def called(self, timeout: float) -> None:
        until = self._loop.time() + timeout
        while True:
            if self._due is not None:
                until = min(until, self._due)
            left = until - self._loop.time()
            if left <= 0:
                self._due = None
                return
            self._bell = self._loop.create_future()
            timer = self._loop.call_later(left, self._ended)
            try:
                await self._bell
            finally:
                timer.cancel()
                self._bell = None

    def _ended(self) -> None:
        if self._bell is not None and not self._bell.done():
            self._bell.set_result(None)


class Desk:
    """What one event loop has in the lines: `waiting` by member, and how to renew each of the `running`."""

    def __init__(self, name: str = "") -> None:
        self.name = name or secrets.token_hex(6)
        self.waiting: dict[str, Place] = {}
        self.running: dict[str, Callable[[], Awaitable[None]]] = {}
        self.hears = False
        self._numbers = itertools.count(1)
        self._listener: asyncio.Task[None] | None = None
        self._renewer: asyncio.Task[None] | None = None

    def name_member(self) -> str:
        if self._renewer is None or self._renewer.done():
            self._renewer = asyncio.get_running_loop().create_task(self._renew())
        return f"{self.name}.{next(self._numbers)}"

    @contextmanager
    def standing(self, member: str) -> Iterator[Place]:
        if self._listener is None or self._listener.done():
            self._listener = asyncio.get_running_loop().create_task(self._listen())
        place = self.waiting[member] = Place()
        try:
            yield place
        finally:
            del self.waiting[member]

    async def _listen(self) -> None:
        async for member, seconds in calls(self.name, self._heard):
            if (place := self.waiting.get(member)) is not None:
                place.ring(seconds)

    def _heard(self, hears: bool) -> None:
        self.hears = hears
        if hears:
            # What was called before is lost: everybody asks once.
            for place in self.waiting.values():
                place.ring(0.0)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEWAL)
            await asyncio.gather(*(renew() for renew in list(self.running.values())), return_exceptions=True)

    async def close(self) -> None:
        tasks = [task for task in (self._listener, self._renewer) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def calls(name: str, heard: Callable[[bool], None] = lambda hears: None) -> AsyncIterator[tuple[str, float]]:
    """For ever: who is called at the desk of this name, and in how many seconds it may start. `heard` is told whether
    calls arrive at present."""
    pause = 0.1
    while True:
        connection = redis.listener()
        pubsub = connection.pubsub()
        try:
            await pubsub.subscribe(redis.key("desk", name))
            async for message in redis.heard(pubsub):
                pause = 0.1
                if message["type"] == "subscribe":
                    heard(True)
                elif message["type"] == "message":
                    member, _, milliseconds = message["data"].decode().partition(" ")
                    yield member, float(milliseconds) / 1000
        except (redis.RedisError, OSError):
            heard(False)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 2.0)
        finally:
            with contextlib.suppress(Exception):
                await pubsub.aclose()
                await connection.aclose()


_desks: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Desk] = weakref.WeakKeyDictionary()


def current() -> Desk:
    """The desk of the running loop."""
    loop = asyncio.get_running_loop()
    if (found := _desks.get(loop)) is None:
        found = _desks[loop] = Desk()
    return found


async def close() -> None:
    """Close the desk of the running loop."""
    opened = _desks.pop(asyncio.get_running_loop(), None)
    if opened is not None:
        await opened.close()
