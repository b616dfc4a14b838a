"""The waiting line of each caller and kind: one start per interval, so many running at once, the rest in order.

A request over the limit waits (its connection stays open); it is refused only when five times as many as may run are
already there. One script call (line.lua) decides, for the team's limits and for the token's own below them. Whoever
waits is called when its turn comes, so that nobody asks again and again; whoever is silent for 30 s is given up, so a
crash frees its places by itself. Refused and abandoned requests cost no start. With Redis away each process keeps lines
of its own (local_line), with a share of the limits: never unlimited, never a hang.
"""

import asyncio
import contextlib
import time
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from pollweb.accounts import desk, local_line, models, standing
from pollweb.accounts.errors import LineFull, TooManyWaiting
from pollweb.accounts.identity import Principal
from pollweb.lib import redis, traces

TIERS = tuple(name for name, _ in models.TIERS)  # lowest first
SCRIPT = Path(__file__).with_suffix(".lua").read_text(encoding="utf-8")
PATIENCE = 30.0
RENEWAL = PATIENCE / 3
PLACES = 5  # the line holds this many times the concurrency, running ones included
BLIND = 0.25  # seconds between two looks of one whom nobody can call
JOBS = "jobs"  # the desk of what is made to be kept: nobody stands in line for it, and any worker may be called


@dataclass(frozen=True, slots=True)
class Own:
    """A line beside the caller's usual one, for the model `name`; what is None is as the tier has it."""

    name: str
    interval: float | None = None
    concurrency: int | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Whose line of which kind, and its limits: `interval` in seconds, `suffix` what a member's name says of its
    token's own ones."""

    name: str
    kind: str
    interval: float
    concurrency: int
    suffix: str = ""
    own_interval: float = 0.0
    own_concurrency: int = 0

    @property
    def places(self) -> int:
        return self.concurrency * PLACES

    @property
    def slowest(self) -> float:
        """Seconds between two starts by all limits together."""
        return max(self.interval, self.own_interval)

    @property
    def most(self) -> int:
        """How many run at once by all limits together."""
        return min(self.concurrency, self.own_concurrency or self.concurrency)

    @property
    def key(self) -> str:
        return redis.key("line", f"{{{self.name}}}")


@dataclass(frozen=True, slots=True)
class Step:
    """`admitted`, or about `wait` seconds at `position` (1 is next). `full`: there was no place in the line.

    `free` more may start at once, the next one in `reset` seconds. `again`: when to ask again, unless one is called.
    `maker`: the member that makes the same already; `record`: what it left, where it has just been made. This one has
    then neither a place nor a start.
    """

    admitted: bool
    wait: float = 0.0
    position: int = 0
    full: bool = False
    free: int = 0
    reset: float = 0.0
    again: float = 0.0
    maker: str = ""
    record: bytes = b""

    @property
    def is_shared(self) -> bool:
        """Another member makes the same, or has made it."""
        return bool(self.maker or self.record)


def limits(principal: Principal, kind: str, own: Own | None = None) -> Limits:
    """What holds for requests of `kind` (image, text or audio) from this caller, in a model's own line or the usual."""
    tier = settings.DESIGN.tiers[principal.tier]
    interval, concurrency, name = tier.interval_of(kind), tier.concurrency, kind
    if own is not None:
        name = own.name
        interval = interval if own.interval is None else own.interval
        concurrency = concurrency if own.concurrency is None else own.concurrency
    every, most = principal.own_interval or 0.0, principal.own_concurrency or 0
    suffix = f"/{principal.token_id}/{int(every * 1000)}/{most}" if every or most else ""
    return Limits(f"{principal.key}:{name}", kind, interval, concurrency, suffix, every, most)


LEASE = 15  # seconds; what is made is nobody's any more when its maker was silent for so long


def _arguments(wanted: str, limits: Limits, member: str) -> list[Any]:
    return [
        wanted,
        member,
        int(limits.interval * 1000),
        limits.concurrency,
        limits.places,
        int(PATIENCE * 1000),
        redis.key("desk", ""),
        LEASE,
    ]


def _read(answer: list[Any]) -> Step:
    said, wait, position, free, last, *more = answer
    if said == 2:
        return Step(False, maker=more[0].decode())
    if said == 3:
        return Step(False, record=more[0])
    if said == 1:
        return Step(True, free=free, reset=last / 1000)
    return Step(False, wait / 1000, position, full=said == -1, free=free, reset=wait / 1000, again=last / 1000)


async def _ask(wanted: str, limits: Limits, member: str, made: str) -> Step:
    try:
        return _read(await redis.run(SCRIPT, [limits.key, made], _arguments(wanted, limits, member)))
    except (redis.RedisError, OSError):
        return _locally(limits, member)


def _locally(limits: Limits, member: str) -> Step:
    share = max(1, settings.WEB_PROCESSES)
    answer = local_line.step(
        limits.name,
        member,
        interval=limits.slowest * share,
        concurrency=max(1, limits.most // share),
        places=PLACES,
        patience=PATIENCE,
    )
    return Step(**answer)


class Turn:
    """One request's way through the line: `step` until it is admitted, `leave` when it has ended.

    `waited` are the seconds that it stood in line, `last` what it was told last.
    """

    def __init__(
        self, principal: Principal, kind: str, own: Own | None = None, *, name: str = "", made: str = ""
    ) -> None:
        """`name` is for whoever comes back from another process: desk.NAME. `made` is what is to be made, where equal
        wishes share it; a step then tells who makes it already, if somebody does."""
        self.made = redis.key("made", made) if made else ""
        self.principal = principal
        self.limits = limits(principal, kind, own)
        self.member = (name or desk.current().name_member()) + self.limits.suffix
        self.waited = 0.0
        self.last = Step(False)
        self.used = True
        self.goes_on = False  # what it is for outlives it: others hear it when its own asker has left
        self._began = 0.0
        self._left = False

    async def step(self) -> Step:
        """Ask for admission, or ask again. The place in line is kept for 30 s after the last time of asking."""
        return self._told(await _ask("step", self.limits, self.member, self.made))

    def step_sync(self) -> Step:
        """The same for code without an event loop."""
        arguments = _arguments("step", self.limits, self.member)
        try:
            return self._told(_read(redis.run_sync(SCRIPT, [self.limits.key, ""], arguments)))
        except (redis.RedisError, OSError):
            return self._told(_locally(self.limits, self.member))

    def look_sync(self) -> Step:
        """How it stands, without taking or keeping a place."""
        arguments = _arguments("look", self.limits, self.member)
        try:
            return _read(redis.run_sync(SCRIPT, [self.limits.key, ""], arguments))
        except (redis.RedisError, OSError):
            return Step(False)

    def _told(self, step: Step) -> Step:
        if step.admitted and not self.last.admitted:
            self._began = time.monotonic()
        self.last = step
        standing.note(limits=self.limits, step=None if step.is_shared else step)
        return step

    async def renew(self) -> None:
        """Keep the place among the running for another 30 s, also when Redis has forgotten it."""
        if self._left:
            return  # since the renewals of all that runs began: the place would be taken again, by nobody
        local_line.renew(self.limits.name, self.member, PATIENCE)
        with contextlib.suppress(redis.RedisError, OSError):
            await redis.run(SCRIPT, [self.limits.key, self.made], _arguments("renew", self.limits, self.member))

    async def _renew_made(self) -> None:
        """Say for another while that it is being made, without a place."""
        with contextlib.suppress(redis.RedisError, OSError):
            if await redis.client().get(self.made) == self.member.encode():
                await redis.client().expire(self.made, LEASE)

    def unused(self) -> None:
        """Nothing was started after all: leaving gives the start back."""
        self.used = False

    async def give_back(self) -> None:
        """Leave at once, as if it had never started."""
        self.unused()
        desk.current().running.pop(self.member, None)
        await self.leave()

    async def leave(self, record: tuple[str, bytes, int] | None = None, *, given: int = 0) -> bool:
        """Give the place back, in the line or among the running; once, however often it is called.

        `record` is (key of a stream, a JSON object, longest length): the same call appends it as field `r`, and gives
        it for `given` seconds to those who ask for the same. False when it could not be appended. A place that cannot
        be given back now ends by itself in 30 s.
        """
        if self._left and record is None:
            return True
        ran = int((time.monotonic() - self._began) * 1000) if self._began and not self._left else -1
        self._left = True
        local_line.leave(self.limits.name, self.member)
        still_made = self.goes_on and record is None
        keys = [self.limits.key, "" if still_made else self.made]
        arguments = _arguments("leave", self.limits, self.member)
        running = desk.current().running
        if still_made and self.made:
            running[self.member] = self._renew_made
        else:
            running.pop(self.member, None)
        arguments += [ran, "" if self.used else "1"]
        if record is not None:
            keys.append(record[0])
            arguments += [*record[1:], given]
        try:
            await redis.run(SCRIPT, keys, arguments)
        except (redis.RedisError, OSError):
            return record is None
        return True

    def leave_sync(self) -> None:
        """The same for code without an event loop."""
        local_line.leave(self.limits.name, self.member)
        arguments = [*_arguments("leave", self.limits, self.member), -1, "" if self.used else "1"]
        with contextlib.suppress(redis.RedisError, OSError):
            redis.run_sync(SCRIPT, [self.limits.key, ""], arguments)

    def refusal(self) -> LineFull:
        """What a caller is told for whom there was no place."""
        who = "this team" if self.principal.team_id else "your address"
        return LineFull(
            f"Queue full for {who}: {self.last.position} requests already queued (max: {self.limits.places}). "
            "Wait, or ask for a higher tier.",
            retry_after=max(1.0, self.last.wait),
        )


def job_of(member: str) -> str:
    """Which job a member of the desk JOBS stands for."""
    return member.partition(".")[2].partition("/")[0]


def rank(principal: Principal) -> int:
    """Whom the workers serve first, highest first: tokens before registered referrers before anonymous callers, and
    among them by tier."""
    who = 2 if principal.token_id or principal.team_id else 1 if principal.referrer_team_id else 0
    return who * len(TIERS) + TIERS.index(principal.tier)


def turn(
    principal: Principal, kind: str, own: Own | None = None, *, deadline: float, made: str = ""
) -> AbstractAsyncContextManager[Turn]:
    """Wait for admission, run, and give the place back, whatever happens. With `made`, a turn whose last step is
    shared has no place.

    `deadline` is a time of `time.monotonic()`. LineFull (429) when there is no place, TooManyWaiting (503) when this
    process holds too many waiting connections or the deadline comes first.
    """
    return _Taken(Turn(principal, kind, own, made=made), deadline)


class _Taken:
    """A turn taken for the time of a `with`."""

    def __init__(self, mine: Turn, deadline: float) -> None:
        self._mine, self._deadline, self._here = mine, deadline, desk.current()

    async def __aenter__(self) -> Turn:
        mine = self._mine
        try:
            with traces.span("line", kind=mine.limits.kind) as span:
                if not (await mine.step()).admitted:
                    span.set(position=mine.last.position)
                    if mine.last.full:
                        raise mine.refusal()
                    if not mine.last.is_shared:
                        await _wait(mine, self._here, self._deadline)
            if mine.last.is_shared:
                return mine
        except BaseException:
            await self.__aexit__()
            raise
        self._here.running[mine.member] = mine.renew
        return mine

    async def __aexit__(self, *exc: object) -> None:
        mine = self._mine
        self._here.running.pop(mine.member, None)
        if not mine._left and not mine.last.full and not mine.last.is_shared:
            await asyncio.shield(mine.leave())


async def _wait(mine: Turn, here: desk.Desk, deadline: float) -> None:
    if len(here.waiting) >= settings.DESIGN.limits.waiting:
        raise TooManyWaiting("Too many requests are waiting here. Try again shortly.", retry_after=5)
    began = time.monotonic()
    with here.standing(mine.member) as place:
        while not mine.last.admitted and not mine.last.is_shared:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TooManyWaiting(
                    "This request's turn did not come before its deadline.", code="waited_too_long", retry_after=5
                )
            again = mine.last.again if here.hears else min(mine.last.again, BLIND)
            await place.called(min(left, again))
            await mine.step()
            if mine.last.full:
                raise mine.refusal()
    mine.waited = time.monotonic() - began
    standing.note(waited=mine.waited)
