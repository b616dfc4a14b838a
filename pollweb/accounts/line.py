"""The waiting line of each caller: one start per interval, so many running at once, the rest in order.

A request over the limit waits (its connection stays open); it is refused only when five times as many as may run are
already there. Whoever is silent for 30 s is given up, so a crash frees its places by itself. With Redis away each
process keeps lines of its own, with a share of the limit: never unlimited, never a hang.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings

from pollweb.accounts.errors import LineFull, TooManyWaiting
from pollweb.accounts.identity import Principal
from pollweb.lib import redis

SCRIPT = Path(__file__).with_suffix(".lua").read_text(encoding="utf-8")
PATIENCE = 30.0
RENEWAL = 10.0
PLACES = 5  # the line holds this many times the concurrency, running ones included

_waiting_here = 0


@dataclass(frozen=True, slots=True)
class Step:
    """`admitted`, or `wait` seconds at `position` (1 is next). `full`: there was no place in the line."""

    admitted: bool
    wait: float = 0.0
    position: int = 0
    full: bool = False


@dataclass(frozen=True, slots=True)
class Own:
    """A line beside the caller's usual one, for the model `name`; what is None is as the tier has it."""

    name: str
    interval: float | None = None
    concurrency: int | None = None


def _pace(principal: Principal, own: Own | None) -> tuple[str, float, int]:
    """Whose line it is, its seconds between two starts, and how many run at once."""
    tier = settings.DESIGN.tiers[principal.tier]
    if own is None:
        return principal.key, tier.interval, tier.concurrency
    return (
        f"{principal.key}:{own.name}",
        tier.interval if own.interval is None else own.interval,
        tier.concurrency if own.concurrency is None else own.concurrency,
    )


@dataclass(slots=True)
class _LocalLine:
    """A caller's line in this process alone, for the time without Redis."""

    last_start: float = 0.0
    running: dict[str, float] = field(default_factory=dict)
    order: dict[str, float] = field(default_factory=dict)

    def step(self, member: str, interval: float, concurrency: int) -> Step:
        now = time.monotonic()
        for table in (self.running, self.order):
            for gone in [m for m, until in table.items() if until < now]:
                del table[gone]
        if member in self.running:
            self.running[member] = now + PATIENCE
            return Step(True)
        if member not in self.order and len(self.order) + len(self.running) >= concurrency * PLACES:
            return Step(False, wait=max(interval, 1.0), position=len(self.order), full=True)
        self.order[member] = now + PATIENCE
        position = list(self.order).index(member)
        since = now - self.last_start
        if position == 0 and len(self.running) < concurrency and since >= interval:
            del self.order[member]
            self.running[member] = now + PATIENCE
            self.last_start = now
            return Step(True)
        return Step(False, wait=max(interval - since, 0.0) + position * interval, position=position + 1)


_local: dict[str, _LocalLine] = {}


def _local_step(principal: Principal, member: str, own: Own | None) -> Step:
    name, interval, concurrency = _pace(principal, own)
    share = max(1, settings.WEB_PROCESSES)
    if len(_local) > 10_000:
        for key in [key for key, line in _local.items() if not line.running and not line.order]:
            del _local[key]
    return _local.setdefault(name, _LocalLine()).step(member, interval * share, max(1, concurrency // share))


def _call(principal: Principal, member: str, own: Own | None) -> tuple[list[str], list[Any]]:
    name, interval, concurrency = _pace(principal, own)
    keys = [redis.key("line", name, part) for part in ("order", "expiry", "running", "start", "count")]
    return keys, [member, int(interval * 1000), concurrency, concurrency * PLACES, int(PATIENCE * 1000)]


def _read(answer: list[int]) -> Step:
    said, wait, position = answer
    return Step(said == 1, wait=wait / 1000, position=position, full=said == -1)


async def step(principal: Principal, member: str, own: Own | None = None) -> Step:
    """Ask for admission, or ask again. The place in line is kept for 30 s after the last time of asking."""
    keys, arguments = _call(principal, member, own)
    try:
        script = redis.client().register_script(SCRIPT)
        return _read(await script(keys=keys, args=arguments))
    except (redis.RedisError, OSError):
        return _local_step(principal, member, own)


def step_sync(principal: Principal, member: str, own: Own | None = None) -> Step:
    """The same for code without an event loop."""
    keys, arguments = _call(principal, member, own)
    try:
        return _read(redis.sync_client().register_script(SCRIPT)(keys=keys, args=arguments))
    except (redis.RedisError, OSError):
        return _local_step(principal, member, own)


async def leave(principal: Principal, member: str, own: Own | None = None) -> None:
    """Give the place back, in the line or among the running. What cannot be said now ends by itself in 30 s."""
    keys, _ = _call(principal, member, own)
    line = _local.get(_pace(principal, own)[0])
    if line is not None:
        line.running.pop(member, None)
        line.order.pop(member, None)
    try:
        async with redis.client().pipeline(transaction=False) as pipe:
            for key in keys[:3]:
                pipe.zrem(key, member)
            await pipe.execute()
    except (redis.RedisError, OSError):
        return


def refuse(principal: Principal, stepped: Step, own: Own | None = None) -> LineFull:
    places = _pace(principal, own)[2] * PLACES
    who = "this team" if principal.team_id else "your address"
    return LineFull(
        f"Queue full for {who}: {stepped.position} requests already queued (max: {places}). "
        "Wait, or ask for a higher tier.",
        retry_after=max(1.0, stepped.wait),
    )


async def _renew(principal: Principal, member: str, own: Own | None) -> None:
    while True:
        await asyncio.sleep(RENEWAL)
        await step(principal, member, own)


@asynccontextmanager
async def turn(principal: Principal, own: Own | None = None, *, deadline: float) -> AsyncIterator[None]:
    """Wait for admission, run, and give the place back, whatever happens.

    `deadline` is a time of `time.monotonic()`. LineFull (429) when there is no place, TooManyWaiting (503) when this
    process holds too many waiting connections or the deadline comes first.
    """
    global _waiting_here
    member = secrets.token_hex(8)
    stepped = await step(principal, member, own)
    if stepped.full:
        raise refuse(principal, stepped, own)
    renewal: asyncio.Task[None] | None = None
    try:
        if not stepped.admitted:
            if _waiting_here >= settings.DESIGN.limits.waiting:
                raise TooManyWaiting("Too many requests are waiting here. Try again shortly.", retry_after=5)
            _waiting_here += 1
            try:
                while not stepped.admitted:
                    left = deadline - time.monotonic()
                    if left <= 0:
                        raise TooManyWaiting(
                            "This request's turn did not come before its deadline.",
                            code="waited_too_long",
                            retry_after=5,
                        )
                    # The first in line knows when its interval ends; the others look again soon, since a place may
                    # become free at any time.
                    await asyncio.sleep(min(left, max(0.02, min(stepped.wait, 0.25) if stepped.wait else 0.05)))
                    stepped = await step(principal, member, own)
                    if stepped.full:
                        raise refuse(principal, stepped, own)
            finally:
                _waiting_here -= 1
        renewal = asyncio.create_task(_renew(principal, member, own))
        yield
    finally:
        if renewal is not None:
            renewal.cancel()
        await asyncio.shield(leave(principal, member, own))
