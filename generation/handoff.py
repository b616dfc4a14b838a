"""Pieces and endings, from the worker that makes something to everyone who waits for it; leaving, the other way.

Each job has a short-lived Redis stream of its pieces, so that whoever joins late hears it from the beginning. A
published message is only a knock: the waiting process then reads the stream. When Redis forgets or is away, one poller
per process asks the database for the state of all it waits for, so an answer may come late and in one piece, but comes.
"""

import asyncio
import contextlib
import secrets
import time
import weakref
from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson

from generation.errors import ProviderTimeout
from generation.models import ACTIVE, Generation
from pollweb.lib import db, redis

PIECES_KEPT = 20_000
KEPT_SECONDS = 600
POLL_SECONDS = 1.0
HEARD_SECONDS = 0.5  # for a subscription to be confirmed
PRESENCE_SECONDS = 30

# Registered as waiting until it leaves or is silent for 30 s, by Redis's clock. KEYS: the waiters of each job.
PRESENT = """
local t = redis.call('TIME')
for _, key in ipairs(KEYS) do
  redis.call('ZADD', key, t[1] + ARGV[2], ARGV[1])
  redis.call('EXPIRE', key, ARGV[2] * 2)
end
"""

# The answer is how many others still wait.
LEAVE = """
redis.call('ZREM', KEYS[1], ARGV[1])
local t = redis.call('TIME')
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', t[1])
return redis.call('ZCARD', KEYS[1])
"""


def _pieces(job: str) -> str:
    return redis.key("job", job, "pieces")


def _waiters(job: str) -> str:
    return redis.key("job", job, "waiters")


def _knocks(job: str) -> str:
    return redis.key("job", job)


def _cancels() -> str:
    return redis.key("cancels")


class Sender:
    """The worker's end of one job."""

    def __init__(self, job: str, fence: int) -> None:
        self.job = job
        self.fence = fence
        self._sent = 0

    @property
    def sent(self) -> int:
        """How many pieces were passed on."""
        return self._sent

    async def send(self, piece: dict[str, Any]) -> None:
        """Pass a piece on; its `data`, if any, are bytes. A Redis that is away costs the piece, not the job: the
        result is stored whole. An upstream's own event is not passed on."""
        self._sent += 1
        data = piece.get("data", b"")
        rest = {name: value for name, value in piece.items() if name not in ("data", "event")}
        await self._append({"n": self._sent, "fence": self.fence, **rest}, data)

    async def end(self) -> None:
        """Everything is committed; whoever waits may look."""
        await self._append({"end": True, "fence": self.fence})

    async def _append(self, entry: dict[str, Any], data: bytes = b"") -> None:
        fields: dict[Any, Any] = {b"p": orjson.dumps(entry), **({b"d": data} if data else {})}
        with contextlib.suppress(redis.RedisError, OSError):
            async with redis.client().pipeline(transaction=False) as pipe:
                pipe.xadd(_pieces(self.job), fields, maxlen=PIECES_KEPT, approximate=True)
                pipe.expire(_pieces(self.job), KEPT_SECONDS)
                pipe.publish(_knocks(self.job), b"")
                await pipe.execute()


async def listeners(job: str) -> int:
    """How many processes wait for it; 1 when Redis cannot say."""
    try:
        seconds, _ = await redis.client().time()
        return int(await redis.client().zcount(_waiters(job), seconds, "+inf"))
    except (redis.RedisError, OSError):
        return 1


async def forget(job: str) -> None:
    """What was passed on of it is not to be heard any more."""
    with contextlib.suppress(redis.RedisError, OSError):
        await redis.client().delete(_pieces(job))


async def announce_end(job: str) -> None:
    """Tell those who wait that the row is final, when no worker did (cancelled or expired in line)."""
    await Sender(job, 0).end()


class Exchange:
    """What one event loop waits for: one subscription, one poller, any number of jobs."""

    def __init__(self) -> None:
        self.name = secrets.token_hex(8)
        self.bells: dict[str, set[asyncio.Event]] = {}
        self.final: set[str] = set()
        self.ready: dict[str, asyncio.Event] = {}
        self.tasks: list[asyncio.Task[None]] = []
        self.pubsub: Any = None  # while it is connected

    def _start(self) -> None:
        if not self.tasks or any(task.done() for task in self.tasks):
            for task in self.tasks:
                task.cancel()
            self.tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._poll())]

    async def _listen(self) -> None:
        pause = 0.1
        while True:
            connection = pubsub = None
            try:
                connection = redis.listener()
                pubsub = connection.pubsub()
                # One channel is always there, so that the connection exists before the first job comes.
                await pubsub.subscribe(redis.key("exchange", self.name))
                # Only now: whoever asked an unconnected one would connect it, however long that takes.
                self.pubsub, pause = pubsub, 0.1
                if self.bells:
                    await pubsub.subscribe(*map(_knocks, self.bells))
                async for message in redis.heard(pubsub):
                    job = message["channel"].decode().rsplit(":", 1)[-1]
                    if message["type"] == "subscribe" and job in self.ready:
                        self.ready[job].set()
                    elif message["type"] == "message":
                        self._ring(job)
            except (redis.RedisError, OSError):
                await asyncio.sleep(pause)
                pause = min(pause * 2, 2.0)
            finally:
                self.pubsub = None
                with contextlib.suppress(Exception):
                    if pubsub is not None:
                        await pubsub.aclose()
                    if connection is not None:
                        await connection.aclose()

    async def _poll(self) -> None:
        """Once a second: which of the jobs waited for are final? And: we are still waiting for the others."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            jobs = [job for job in self.bells if job not in self.final]
            if not jobs:
                continue
            with contextlib.suppress(Exception):
                rows = [job for job in jobs if "." not in job]  # not the makers of generation.sharing
                for job in await db.run(_final_among, rows) if rows else ():
                    self.final.add(job)
                    self._ring(job)
            with contextlib.suppress(redis.RedisError, OSError):
                await self._present(jobs)

    async def _present(self, jobs: list[str]) -> None:
        present = redis.client().register_script(PRESENT)
        await present(keys=[*map(_waiters, jobs)], args=[self.name, PRESENCE_SECONDS])

    def _ring(self, job: str) -> None:
        for bell in self.bells.get(job, ()):
            bell.set()

    async def join(self, job: str) -> asyncio.Event:
        self._start()
        bell = asyncio.Event()
        first = job not in self.bells
        self.bells.setdefault(job, set()).add(bell)
        if first:
            self.ready[job] = asyncio.Event()
            try:
                await self._be_heard(job)
            except BaseException:  # its client has left meanwhile, with no bell to give back
                await asyncio.shield(self.leave(job, bell))
                raise
        return bell

    async def _be_heard(self, job: str) -> None:
        with contextlib.suppress(redis.RedisError, OSError, TimeoutError):
            await self._present([job])
            if self.pubsub is not None:
                async with asyncio.timeout(HEARD_SECONDS):
                    await self.pubsub.subscribe(_knocks(job))
                    await self.ready[job].wait()

    async def leave(self, job: str, bell: asyncio.Event) -> int:
        """How many others still wait, here or elsewhere (1 when Redis cannot say)."""
        here = self.bells.get(job, set())
        here.discard(bell)
        if here:
            return len(here)
        self.bells.pop(job, None)
        self.ready.pop(job, None)
        self.final.discard(job)
        try:
            if self.pubsub is not None:
                async with asyncio.timeout(HEARD_SECONDS):
                    await self.pubsub.unsubscribe(_knocks(job))
            return int(await redis.client().register_script(LEAVE)(keys=[_waiters(job)], args=[self.name]))
        except (redis.RedisError, OSError):  # TimeoutError is one of these
            return 1

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks = []


def _final_among(jobs: list[str]) -> list[str]:
    # A row that is not there is not final: whoever waits begins to listen before it inserts the row.
    ended = Generation.objects.filter(pk__in=jobs).exclude(state__in=ACTIVE)
    return [str(pk) for pk in ended.values_list("pk", flat=True)]


_exchanges: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Exchange] = weakref.WeakKeyDictionary()


def exchange() -> Exchange:
    loop = asyncio.get_running_loop()
    if (found := _exchanges.get(loop)) is None:
        found = _exchanges[loop] = Exchange()
    return found


async def close() -> None:
    """Stop listening in this loop."""
    opened = _exchanges.pop(asyncio.get_running_loop(), None)
    if opened is not None:
        await opened.close()


class Waiting:
    """One asker's end of one job: the pieces as they come, until the row is final.

    `deadline` is a time of `time.monotonic()`; ProviderTimeout when nobody has ended the row by then.
    """

    def __init__(self, job: str, deadline: float) -> None:
        self.job = job
        self.deadline = deadline
        self._exchange = exchange()
        self._bell: asyncio.Event | None = None
        self.others = 1  # who else waits, known after leaving
        self.has_ended = False  # the row is final, and we were told

    async def __aenter__(self) -> "Waiting":
        self._bell = await self._exchange.join(self.job)
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.others = await asyncio.shield(self._leave())

    async def _leave(self) -> int:
        assert self._bell is not None
        return await self._exchange.leave(self.job, self._bell)

    async def pieces(self) -> AsyncIterator[dict[str, Any]]:
        """Each piece once, in order, until the row is final. A second attempt counts only if the first was silent.

        The bytes that came with a piece are its `data`.
        """
        assert self._bell is not None
        last, fence, heard = "-", 0, 0
        while True:
            self._bell.clear()
            ended = self.job in self._exchange.final
            try:
                entries: Any = await redis.client().xrange(_pieces(self.job), min=last, max="+")
            except (redis.RedisError, OSError):
                entries = []
            for entry_id, fields in entries:
                last = f"({entry_id.decode()}"
                entry = orjson.loads(fields[b"p"])
                if entry.get("end"):
                    self.has_ended = True
                    return
                if entry["fence"] < fence or (entry["fence"] > fence and heard):
                    continue
                fence = entry["fence"]
                heard += 1
                if b"d" in fields:
                    entry["data"] = fields[b"d"]
                yield entry
            if ended:
                self.has_ended = True
                return
            try:
                await asyncio.wait_for(self._bell.wait(), self.deadline - time.monotonic())
            except TimeoutError:
                raise ProviderTimeout("This was not made before its deadline. Try again.", retry_after=5) from None


async def cancel(job: str) -> None:
    """Ask whichever worker makes this to stop. The row's state is the truth; this only makes it quick."""
    with contextlib.suppress(redis.RedisError, OSError):
        await redis.client().publish(_cancels(), job)


def cancel_sync(job: str) -> None:
    with contextlib.suppress(redis.RedisError, OSError):
        redis.sync_client().publish(_cancels(), job)


async def listen_for_cancels(heard: Callable[[str], None]) -> None:
    """For ever: call `heard` with each job somebody gave up. Lives in the worker's loop."""
    pause = 0.2
    while True:
        connection = redis.listener()
        pubsub = connection.pubsub()
        try:
            await pubsub.subscribe(_cancels())
            async for message in redis.heard(pubsub):
                pause = 0.2
                if message["type"] == "message":
                    heard(message["data"].decode())
        except (redis.RedisError, OSError):
            await asyncio.sleep(pause)
            pause = min(pause * 2, 2.0)
        finally:
            with contextlib.suppress(Exception):
                await pubsub.aclose()
                await connection.aclose()
