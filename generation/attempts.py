"""The one loop that tries again: over all sources of a model, before its first word.

At most three attempts for a request. Another source comes before another attempt at the same one, since it may be had
at once; the same one is asked again after a pause, if its failure says that this may help, while its budget lasts.
Nothing below repeats a request by itself, so a failing upstream is asked at most three times for one wish.
"""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from generation import drains, faults
from generation.breaker import Breaker, breaker
from generation.catalogue import Source
from generation.errors import ProviderBusy, ProviderDrained, ProviderError, ProviderUnavailable
from generation.providers import registry
from generation.requests import Request
from generation.results import Delta, Piece, Sound
from pollweb.lib import traces

MOST = 3
# The pause before an attempt is drawn evenly between these, so that those who failed together do not return together.
PAUSES = ((0.2, 1.0), (0.2, 4.0))
# What must be left of the time for another attempt to make sense.
LEAST_SECONDS = 0.5


@dataclass
class Budget:
    """So many repetitions a provider bears: a fifth of its requests, and three a second.

    A provider that fails everybody is asked little more often than one that works.
    """

    SHARE = 0.2
    PER_SECOND = 3.0
    MOST = 10.0

    left: float = MOST
    at: float = field(default_factory=time.monotonic)

    def request(self) -> None:
        self._grow(self.SHARE)

    def take(self) -> bool:
        """True when one more repetition is paid for."""
        self._grow(0)
        if self.left < 1:
            return False
        self.left -= 1
        return True

    def _grow(self, more: float) -> None:
        now = time.monotonic()
        self.left = min(self.MOST, self.left + more + (now - self.at) * self.PER_SECOND)
        self.at = now


_budgets: dict[str, Budget] = {}


def forget() -> None:
    _budgets.clear()


@dataclass
class _Try:
    """One source within one request."""

    source: Source
    breaker: Breaker
    budget: Budget
    asked: int = 0
    failure: ProviderError | None = None


async def generate(
    sources: Sequence[Source], request: Request, *, deadline: float, streamed: bool = True
) -> AsyncGenerator[Piece]:
    """Pieces and the Result of the first source that makes it.

    Raises the last failure; at once, with `retry_after`, ProviderUnavailable where every source's breaker is open, and
    ProviderDrained where every provider is drained.
    """
    drained = await drains.current()
    tries = [
        _Try(s, breaker(s), _budgets.setdefault(s.provider, Budget())) for s in sources if s.provider not in drained
    ]
    if not tries:
        raise ProviderDrained("All that make this are taken out of service for a while. Try again later.")
    for _ in range(MOST):
        chosen = await _choose(tries, deadline)
        if chosen is None:
            break
        chosen.asked += 1
        provider = registry.provider(chosen.source.provider)
        pieces = provider.generate(request, model=chosen.source.model, deadline=deadline, streamed=streamed)
        said = False
        try:
            with _traced(chosen):
                async with chosen.breaker.watching(), aclosing(pieces) as stream:  # type: ignore[type-var]
                    async for piece in stream:
                        said = said or isinstance(piece, Delta | Sound)
                        yield piece
            return
        except ProviderError as exc:
            await faults.keep(chosen.source, exc)
            if said or deadline - time.monotonic() < LEAST_SECONDS:
                raise
            chosen.failure = exc
    failures = [one.failure for one in tries if one.failure is not None]
    if failures:
        raise max(failures, key=lambda failure: failure.again)
    waits = [await one.breaker.wait() for one in tries]
    raise ProviderUnavailable("All that make this are failing at the moment. Try again later.", retry_after=min(waits))


def _traced(one: _Try) -> traces.Span:
    source = one.source
    return traces.span("attempt", role="client", provider=source.provider, model=source.model, number=one.asked)


async def _choose(tries: list[_Try], deadline: float) -> _Try | None:
    """The next source to be asked, after the pause that belongs before it; None when there is none."""
    for one in tries:
        if not one.asked and await one.breaker.admits():
            one.budget.request()
            return one
    attempts = sum(one.asked for one in tries)
    for one in sorted(tries, key=lambda one: one.asked):
        if one.failure is None or not one.failure.again:
            continue
        pause = random.uniform(*PAUSES[min(attempts, len(PAUSES)) - 1])
        if isinstance(one.failure, ProviderBusy) and one.failure.retry_after is not None:
            pause = max(pause, one.failure.retry_after)
        if time.monotonic() + pause + LEAST_SECONDS > deadline or not one.budget.take():
            continue
        await asyncio.sleep(pause)
        if await one.breaker.admits():
            return one
    return None
