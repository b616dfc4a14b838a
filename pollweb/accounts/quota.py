"""The monthly quotas and budgets of teams and tokens: held before the upstream is called, counted once or given back.

    reserve   before anything is made: QuotaExceeded or BudgetExceeded (429) when too little is left; one script call
              decides for requests and money, token and team
    settle    after the ledger (pollweb.accounts.usage) has counted the request, with what it cost in the end
    release   when it failed or was given up

A quota is in requests. A budget is in millionths of the operator's currency; what is held is the most that a request
should cost, so that no number of requests at once goes beyond it.

The ledger is the truth. Redis holds a copy of its sums for this month and what is reserved on top; when it has
forgotten, or somebody's end came while it was away, the sums are read again (quota.lua says how a request that ends in
that moment is counted once). What nobody ends is given up after its time. With Redis away the ledger is asked itself.

Whoever has neither costs nothing here.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Never

from django.db.models import Q, Sum
from django.utils import timezone

from pollweb.accounts import money
from pollweb.accounts.errors import BudgetExceeded, QuotaExceeded
from pollweb.accounts.identity import Principal
from pollweb.accounts.models import UsageDay
from pollweb.lib import db, ids, redis

SCRIPT = Path(__file__).with_suffix(".lua").read_text(encoding="utf-8")
KEPT_SECONDS = 3600  # the sums are read again at least this often
TRIES = 50
PAUSE = 0.02

# Which of these ids the ledger has counted; the app whose requests they are says so when it starts.
counted_among: Callable[[Collection[str]], set[str]] = lambda held: set()  # noqa: E731

# Teams of which an end could not be told to Redis: what it holds of them is not to be trusted.
_untold: set[int] = set()


@dataclass(frozen=True, slots=True)
class Hold:
    """One request of `cost` millionths at most, held for the request `id`: what is settled or released."""

    id: str
    team_id: int
    token_id: int | None
    cost: int = 0
    units: ClassVar[int] = 1

    @property
    def keys(self) -> list[str]:
        of_month = f"{month():%Y-%m}"
        return [_key(self.team_id, part) for part in (of_month, "held", "counted", f"{of_month}:refused")]

    def arguments(self, wanted: str, *more: Any) -> list[Any]:
        return [wanted, self.id, self.token_id or 0, self.units, self.cost, *more]


def _key(team_id: int, part: str) -> str:
    return redis.key("quota", f"{{team:{team_id}}}", part)


def month(now: datetime | None = None) -> datetime:
    """When the running month began (UTC)."""
    return (now or timezone.now()).astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def renewal(now: datetime | None = None) -> datetime:
    """When the next month begins."""
    began = month(now)
    return began.replace(year=began.year + began.month // 12, month=began.month % 12 + 1)


def applies(principal: Principal) -> bool:
    return principal.team_id is not None and any(limit is not None for limit in _limits(principal))


def _limits(principal: Principal) -> tuple[int | None, ...]:
    """As the script wants them."""
    return principal.team_quota, principal.own_quota, principal.team_budget, principal.own_budget


@dataclass(frozen=True, slots=True)
class Used:
    """What the ledger has of a month: requests, and their cost in millionths."""

    requests: int
    cost: int


def used(team_id: int, token_id: int | None = None) -> Used:
    """Of this month: what the team had itself, or one of its tokens. Moderation is free."""
    mine = UsageDay.objects.filter(Q(token_id=token_id) if token_id else Q(), team_id=team_id, referrer="")
    mine = mine.filter(day__gte=month().date()).exclude(kind="moderation")
    found = mine.aggregate(requests=Sum("succeeded", default=0), cost=Sum("cost", default=0))
    return Used(int(found["requests"]), int(found["cost"]))


def refused(team_ids: Iterable[int]) -> dict[int, set[str]]:
    """The limits at which requests of this month were refused, by team: `team:requests:500`, `7:cost:20000`"""
    ids, pipe = list(team_ids), redis.sync_client().pipeline(transaction=False)
    for team_id in ids:
        pipe.smembers(Hold("", team_id, None).keys[3])
    return {team_id: {member.decode() for member in found} for team_id, found in zip(ids, pipe.execute(), strict=True)}


def _exceeded(spent: int, limit: int, whose: str) -> QuotaExceeded:
    renews = renewal()
    return QuotaExceeded(
        f"The monthly quota of this {whose} is used up: {spent} of {limit} requests. "
        f"It renews on {renews:%Y-%m-%d} at 00:00 UTC.",
        retry_after=(renews - timezone.now()).total_seconds(),
        details={"quota": limit, "used": spent, "of": whose, "renews": renews.isoformat()},
    )


def _too_dear(spent: int, limit: int, cost: int, whose: str) -> BudgetExceeded:
    renews = renewal()
    return BudgetExceeded(
        f"The monthly budget of this {whose} does not reach: {money.said(spent)} of {money.said(limit)} are spent or "
        f"held for requests on their way, and this one may cost {money.said(cost)}. "
        f"It resets on {renews:%Y-%m-%d} at 00:00 UTC.",
        retry_after=(renews - timezone.now()).total_seconds(),
        details={
            "budget": money.amount(limit),
            "used": money.amount(spent),
            "needed": money.amount(cost),
            "currency": money.currency(),
            "of": whose,
            "renews": renews.isoformat(),
        },
    )


async def reserve(principal: Principal, id: str, *, cost: int = 0, patience: float) -> Hold | None:
    """Hold a request that costs `cost` at most, for the request `id` (a UUID), given up after `patience` seconds.

    None for a caller without limits. Raises QuotaExceeded and BudgetExceeded. Holding twice for one id holds once.
    """
    if not applies(principal):
        return None
    hold = Hold(id, principal.team_id or 0, principal.token_id, cost)
    if hold.team_id in _untold:
        return await db.run(reserve_sync, principal, id, cost=cost, patience=patience)
    try:
        for _ in range(TRIES):
            answer = await redis.run(SCRIPT, hold.keys, _wish(principal, hold, patience))
            if answer[0] >= 0:
                return _held(hold, answer)
            if not await db.run(_load, hold):
                await asyncio.sleep(PAUSE)
    except (redis.RedisError, OSError):
        pass
    return await db.run(_by_ledger, principal, hold)


def _wish(principal: Principal, hold: Hold, patience: float) -> list[Any]:
    limits = [-1 if limit is None else limit for limit in _limits(principal)]
    return hold.arguments("reserve", int(patience * 1000), *limits)


def reserve_sync(principal: Principal, id: str, *, cost: int = 0, patience: float) -> Hold | None:
    """The same for code without an event loop."""
    if not applies(principal):
        return None
    hold = Hold(id, principal.team_id or 0, principal.token_id, cost)
    try:
        if hold.team_id in _untold:
            redis.sync_client().delete(hold.keys[0])
            _untold.discard(hold.team_id)
        for _ in range(TRIES):
            answer = redis.run_sync(SCRIPT, hold.keys, _wish(principal, hold, patience))
            if answer[0] >= 0:
                return _held(hold, answer)
            if not _load(hold):
                time.sleep(PAUSE)
    except (redis.RedisError, OSError):
        pass
    return _by_ledger(principal, hold)


def _held(hold: Hold, answer: list[int]) -> Hold:
    if answer[0] == 0:
        _, spent, limit, is_own, is_money = answer
        _refuse(hold, spent, limit, is_own=bool(is_own), is_money=bool(is_money))
    return hold


def _refuse(hold: Hold, spent: int, limit: int, *, is_own: bool, is_money: bool) -> Never:
    whose = "token" if is_own else "team"
    raise _too_dear(spent, limit, hold.cost, whose) if is_money else _exceeded(spent, limit, whose)


def _load(hold: Hold) -> bool:
    """Read the ledger for Redis. False when somebody else does so at present."""
    reader = Hold(secrets.token_hex(8), hold.team_id, hold.token_id)
    begun, *held = redis.run_sync(SCRIPT, reader.keys, reader.arguments("begin"))
    if not begun:
        return False
    members = {member.decode().split("|")[0]: member for member in held}
    # Until nothing of what is held ended while the sums were added up: each is in them or still held, never both.
    before = counted_among(members)
    while True:
        team, own = used(hold.team_id), used(hold.team_id, hold.token_id) if hold.token_id else Used(0, 0)
        after = counted_among(members)
        if after == before:
            break
        before = after
    known = [members[id] for id in before]
    sums = (team.requests, team.cost, own.requests, own.cost)
    return bool(redis.run_sync(SCRIPT, reader.keys, reader.arguments("load", *sums, KEPT_SECONDS, *known))[0])


def _by_ledger(principal: Principal, hold: Hold) -> Hold:
    """Without Redis: what is on its way is not known, what was counted is."""
    team_quota, own_quota, team_budget, own_budget = _limits(principal)
    for quota, budget, token in ((own_quota, own_budget, hold.token_id), (team_quota, team_budget, None)):
        if quota is None and budget is None:
            continue
        spent = used(hold.team_id, token)
        if quota is not None and spent.requests + hold.units > quota:
            _refuse(hold, spent.requests, quota, is_own=token is not None, is_money=False)
        if budget is not None and hold.cost and spent.cost + hold.cost > budget:
            _refuse(hold, spent.cost, budget, is_own=token is not None, is_money=True)
    _untold.add(hold.team_id)
    return hold


@dataclass(slots=True)
class Bill:
    """What the thing that is being made has cost: whoever makes it writes it here."""

    cost: int = 0


@asynccontextmanager
async def held(principal: Principal, *, cost: int = 0, patience: float) -> AsyncIterator[Bill]:
    """Hold one request for what is made in here, which counts it in the ledger; free again when it raises."""
    hold, bill = await reserve(principal, str(ids.uuid7()), cost=cost, patience=patience), Bill()
    try:
        yield bill
    except BaseException:
        if hold is not None:
            await asyncio.shield(db.run(release, hold))
        raise
    if hold is not None:
        await asyncio.shield(db.run(settle, hold, bill.cost))


def settle(hold: Hold, cost: int = 0) -> None:
    """The ledger has counted it, and that is committed. Any further end of this hold changes nothing."""
    _end(hold, "settle", cost)


def release(hold: Hold) -> None:
    """It failed or was given up: what was held is free again, once."""
    _end(hold, "release")


def _end(hold: Hold, how: str, *more: int) -> None:
    try:
        redis.run_sync(SCRIPT, hold.keys, hold.arguments(how, *more))
    except (redis.RedisError, OSError):
        _untold.add(hold.team_id)
