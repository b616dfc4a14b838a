"""`GET /v1/usage`: a token's own usage, or, with the scope usage.read, its team's."""

from dataclasses import replace
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from pollweb.accounts import reports
from pollweb.accounts.filters import KINDS, RANGES, STATES, Filters
from pollweb.accounts.identity import Principal, identify
from pollweb.accounts.models import Team
from pollweb.accounts.reports import Report, Sums
from pollweb.lib import db
from pollweb.lib.errors import BadRequest

# The words that may be chosen from, by parameter; anything else is told, not passed over as on the page.
CHOICES = {"range": tuple(RANGES), "kind": KINDS, "state": tuple(STATES), "group": tuple(reports.SPLITS)}


@require_safe
async def read(request: HttpRequest) -> HttpResponse:
    """`range` or `from` and `to` (dates, UTC), `group`, and filters. What is counted is whole hours or days."""
    principal = await identify(request)
    if principal.token_id is None:
        principal.require("usage.read")  # refuses, and says what is needed
    query = request.GET.dict()
    for name, allowed in CHOICES.items():
        if query.get(name) and query[name] not in allowed:
            raise BadRequest(f"{name} must be one of {', '.join(allowed)}.", code="invalid_parameter")
    filters = Filters.read(query)
    for name, found in (("from", filters.begin), ("to", filters.until)):
        if query.get(name) and found is None and filters.range == "custom":
            raise BadRequest(f"{name} must be a date such as 2026-03-01.", code="invalid_parameter")
    if (query.get("from") or query.get("to")) and filters.range != "custom":
        raise BadRequest("from and to must be dates such as 2026-03-01, and no other range.", code="invalid_parameter")
    whole = principal.may("usage.read")
    if not whole:
        filters = replace(filters, token=principal.token_id, member=None)
    answer = JsonResponse(await db.run(_answer, principal, filters, query.get("group") or "model", whole))
    answer["Cache-Control"] = "private, no-store"
    return answer


def _answer(principal: Principal, filters: Filters, group: str, whole: bool) -> dict[str, Any]:
    team = Team.objects.get(tokens=principal.token_id or 0)
    report = Report(team, filters, group)
    if group == "token":
        report.token_names = {token.pk: token.name for token in reports.token_names(team)}
    period = report.period
    return {
        "object": "usage",
        "of": "team" if whole else "token",
        "team": team.slug,
        "from": period.start.isoformat(),
        "to": period.end.isoformat(),
        "step": "hour" if period.is_hourly else "day",
        "group": group,
        "currency": settings.DESIGN.site.currency,
        "totals": _told(report.totals),
        "data": [{group: row.label, **_told(row.sums)} for row in report.shares],
        "series": [{"from": step.isoformat(), **_told(sums)} for step, sums in report.series.items()],
    }


def _told(sums: Sums) -> dict[str, Any]:
    return {
        "requests": sums.requests,
        "succeeded": sums.succeeded,
        "failed": sums.failed,
        "cancelled": sums.cancelled,
        "cached": sums.cached,
        "prompt_tokens": sums.prompt_tokens,
        "completion_tokens": sums.completion_tokens,
        "images": sums.images,
        "audio_seconds": round(sums.audio_seconds, 3),
        "seconds": round(sums.seconds, 3),
        "cost": sums.cost / 1_000_000,
    }
