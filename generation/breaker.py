"""A breaker before each source: one that mostly fails is left alone for a while, then tried by one request.

Its state is one small value in Redis, shared by all processes; each has a copy that is at most a second old. With Redis
away each process goes by its own copy.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from generation.catalogue import Source
from generation.errors import ProviderError
from pollweb.lib import redis

log = logging.getLogger(__name__)

WINDOW_SECONDS = 30.0
STEP_SECONDS = 3.0
LEAST_CALLS = 10
SHARE = 0.5
SHORTEST, LONGEST = 10.0, 120.0
# A probe that was never heard of again holds the others off for this long.
PROBE_SECONDS = 30.0
COPY_SECONDS = 1.0
KEPT_SECONDS = 600
COLLISIONS = 3

# Write the new state if nobody wrote another since it was read.
SWAP = """
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
"""


@dataclass
class Circuit:
    """The state and its rules; times are seconds of one clock.

    `steps` are [number of the step, calls, failures] of the last 30 s; `level` counts the openings in a row.
    """

    steps: list[list[int]] = field(default_factory=list)
    level: int = 0
    open_until: float = 0.0
    probe_until: float = 0.0

    def admits(self, now: float) -> bool:
        """Closed; or open for long enough, and nobody else is trying it out."""
        return not self.level or (now >= self.open_until and now >= self.probe_until)

    def wait(self, now: float) -> float:
        """Seconds until it may be asked again."""
        return max(0.0, self.open_until - now, self.probe_until - now) if self.level else 0.0

    def probe(self, now: float) -> bool:
        """Take the one trial of a half-open circuit."""
        if not self.admits(now):
            return False
        self.probe_until = now + PROBE_SECONDS
        return True

    def give_back(self) -> None:
        """The trial ended without a verdict: somebody left."""
        self.probe_until = 0.0

    def recent(self, now: float) -> list[list[int]]:
        """Its steps of the last 30 s."""
        return [one for one in self.steps if one[0] > int(now / STEP_SECONDS) - WINDOW_SECONDS / STEP_SECONDS]

    def record(self, calls: int, failures: int, now: float) -> None:
        """Count finished calls; opens when too many of the last ones failed, and closes after a trial that worked."""
        if self.level:
            if now < self.open_until:
                return  # calls that began before it opened
            if failures:
                self._open(now)
            elif calls:
                self.steps, self.level, self.open_until, self.probe_until = [], 0, 0.0, 0.0
            return
        step = int(now / STEP_SECONDS)
        self.steps = self.recent(now)
        if not self.steps or self.steps[-1][0] != step:
            self.steps.append([step, 0, 0])
        self.steps[-1][1] += calls
        self.steps[-1][2] += failures
        total, failed = (sum(one[place] for one in self.steps) for place in (1, 2))
        if total >= LEAST_CALLS and failed >= SHARE * total:
            self._open(now)

    def _open(self, now: float) -> None:
        self.open_until = now + min(LONGEST, SHORTEST * 2**self.level)
        self.steps, self.level, self.probe_until = [], self.level + 1, 0.0


class Breaker:
    """The breaker of one source, as this process sees it."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.key = redis.key("breaker", source)
        self.circuit = Circuit()
        self._calls = self._failures = 0  # not told to the others yet
        self._read_at = float("-inf")

    async def admits(self) -> bool:
        """May it be asked now? Where it is half open, True makes the caller the one who tries it out."""
        await self._exchange()
        now = time.time()
        if not self.circuit.level:
            return True
        if not self.circuit.admits(now):
            return False
        return bool(await self._change(lambda circuit, at: circuit.probe(at)))

    async def wait(self) -> float:
        """Whole seconds after which it may be asked again, at least one."""
        return max(1.0, round(self.circuit.wait(time.time())))

    def watching(self) -> "_Watch":
        """Around one call: hears how it ends."""
        return _Watch(self)

    async def heard(self, kind: type[BaseException] | None, error: BaseException | None) -> None:
        """One call ended so."""
        if isinstance(error, ProviderError):
            await self._report(failed=error.unwell)
        elif kind is not None and issubclass(kind, asyncio.CancelledError | GeneratorExit):
            if self.circuit.level:  # no verdict: another one may try it out
                giving = asyncio.ensure_future(self._change(lambda circuit, now: circuit.give_back()))
                _giving.add(giving)
                giving.add_done_callback(_giving.discard)
        else:
            await self._report(failed=False)  # it worked, or the request was to blame

    async def _report(self, *, failed: bool) -> None:
        self._calls += 1
        self._failures += failed
        await self._exchange(at_once=failed or bool(self.circuit.level))

    async def _exchange(self, *, at_once: bool = False) -> None:
        """Tell the others what was counted here and read what they say, once a second unless something happened."""
        now = time.monotonic()
        if not at_once and now - self._read_at < COPY_SECONDS:
            return
        if self._read_at > 0:
            self._read_at = now  # one asks, and the others do not ask with it
        calls, failures, self._calls, self._failures = self._calls, self._failures, 0, 0
        await self._change(lambda circuit, now: circuit.record(calls, failures, now) if calls else None)

    async def _change(self, change: Callable[[Circuit, float], Any]) -> Any:
        """Apply `change` to the shared state; to our own copy when Redis is away or too many others write."""
        before = self.circuit.level
        try:
            done, answer = await self._swap(change)
        except (redis.RedisError, ValueError, TypeError):
            done, answer = False, None
        if not done:
            answer = change(self.circuit, time.time())
        self._read_at = time.monotonic()
        if self.circuit.level > before:
            log.warning("%s fails too often and is left alone for a while", self.source)
        elif before and not self.circuit.level:
            log.warning("%s works again", self.source)
        return answer

    async def _swap(self, change: Callable[[Circuit, float], Any]) -> tuple[bool, Any]:
        client = redis.client()
        for _ in range(COLLISIONS):
            read = await client.get(self.key) or b""
            circuit = Circuit(**orjson.loads(read)) if read else Circuit()
            answer = change(circuit, time.time())
            written = orjson.dumps(asdict(circuit))
            if written == read or (not read and circuit == Circuit()):
                self.circuit = circuit
                return True, answer
            swapped: Any = client.eval(SWAP, 1, self.key, read, written, KEPT_SECONDS)
            if await swapped:
                self.circuit = circuit
                return True, answer
        return False, None


class _Watch:
    def __init__(self, breaker: Breaker) -> None:
        self._breaker = breaker

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        await self._breaker.heard(kind, error)


_giving: set["asyncio.Task[None]"] = set()
_breakers: dict[Source, Breaker] = {}


def breaker(source: Source) -> Breaker:
    """The breaker of this source; one for the life of the process."""
    known = _breakers.get(source)
    if known is None:
        known = _breakers[source] = Breaker(source)
    return known


def forget() -> None:
    _breakers.clear()
