"""Overview: how a team stands now, and its first steps while it has not taken them."""

import statistics
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from generation.models import Generation, State
from pollweb.accounts import allowances, charts, line
from pollweb.accounts.filters import Filters
from pollweb.accounts.identity import Principal
from pollweb.accounts.models import Team
from pollweb.accounts.pages import team_page
from pollweb.accounts.reports import Report

# Medians and the latest errors are of so many at most: enough to be true, few enough to be quick.
TIMED = 500
ERRORS = 200


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds from a request's arrival to its end, of the latest `count` of the last day."""

    median: float
    slow: float
    count: int


@dataclass(frozen=True, slots=True)
class Failure:
    """Failures of one sort in the last day; `message` is the latest one's."""

    code: str
    message: str
    count: int
    public_id: str
    at: Any


@require_safe
@team_page("team.see")
def page(request: Any) -> HttpResponse:
    """The whole page, or, asked with `part`, what changes by itself: `now` or `steps`."""
    team = request.visit.team
    if request.GET.get("part") == "now":
        return render(request, "teams/overview.html#now", now_of(team))
    if request.GET.get("part") == "steps":
        return render(request, "teams/overview.html#steps", {"steps": steps_of(team)})
    day = Report(team, Filters(range="24h"), "state")
    steps = steps_of(team)
    context = {
        "day": day.totals,
        "spark": charts.line([sums.requests for sums in day.series.values()]),
        "times": times_of(team),
        "failures": failures_of(team),
        "steps": steps,
        "is_new": not all(steps.values()),
        "tier": settings.DESIGN.tiers[team.tier],
        "allowances": allowances.of(team),
        **now_of(team),
    }
    return render(request, "teams/overview.html", context)


def steps_of(team: Team) -> dict[str, bool]:
    """The three first steps, and whether each was taken."""
    return {
        "token": team.tokens.exists(),
        "referrer": team.referrers.exists(),
        "request": Generation.objects.used_by(team).exists(),
    }


def now_of(team: Team) -> dict[str, Any]:
    """What runs and waits, and when each kind may start its next one."""
    states = Counter(Generation.objects.used_by(team).active().values_list("state", flat=True)[:10_000])
    caller = Principal(key=f"team:{team.pk}", tier=team.tier, team_id=team.pk)
    waits = {kind: line.Turn(caller, kind, name="overview").look_sync().reset for kind in ("image", "text", "audio")}
    return {
        "running": states[State.RUNNING],
        "waiting": states[State.QUEUED],
        "allowed": settings.DESIGN.tiers[team.tier].concurrency,
        "waits": waits,
        "longest_wait": max(waits.values()),
    }


def _last_day(team: Team) -> Any:
    now = timezone.now()
    return Generation.objects.used_by(team).made_between(now - timedelta(days=1), now + timedelta(minutes=5))


def times_of(team: Team) -> Times | None:
    rows = _last_day(team).filter(state=State.SUCCEEDED).newest_first().values_list("created_at", "finished_at")[:TIMED]
    seconds = sorted((end - start).total_seconds() for start, end in rows if end is not None)
    if not seconds:
        return None
    return Times(statistics.median(seconds), seconds[min(len(seconds) - 1, int(len(seconds) * 0.95))], len(seconds))


def failures_of(team: Team) -> list[Failure]:
    rows = (
        _last_day(team)
        .filter(state__in=[State.FAILED, State.EXPIRED])
        .newest_first()
        .values_list("error_code", "error_message", "public_id", "created_at")[:ERRORS]
    )
    found = list(rows)
    counts = Counter(code for code, *_ in found)
    latest = {code: rest for code, *rest in reversed(found)}
    return [Failure(code, *_told(latest[code], count)) for code, count in counts.most_common(5)]


def _told(latest: list[Any], count: int) -> tuple[str, int, str, Any]:
    message, public_id, at = latest
    return message, count, public_id, at
