"""Requests: the log of a team, for finding out what became of a request and why."""

import json
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from generation.models import Generation, State
from generation.requests import Request
from generation.web.samples import samples
from pollweb.accounts.filters import Filters
from pollweb.accounts.models import Team
from pollweb.accounts.pages import team_page
from pollweb.accounts.views.usage import filter_choices
from pollweb.lib.errors import NotFound
from pollweb.lib.paging import page as page_of

PAGE = 50
STATES = {
    "succeeded": (State.SUCCEEDED,),
    "failed": (State.FAILED, State.EXPIRED),
    "cancelled": (State.CANCELLED,),
}
SEEN = (
    "public_id",
    "kind",
    "model",
    "state",
    "visibility",
    "created_at",
    "started_at",
    "finished_at",
    "error_code",
    "error_status",
    "width",
    "height",
    "duration",
    "prompt_tokens",
    "completion_tokens",
    "registered_referrer",
    "usage_team_id",
    "token__name",
    "token__last_four",
)


def log(team: Team, filters: Filters) -> QuerySet[Generation]:
    """The rows that the filters leave, newest first; only what the table shows of them."""
    period = filters.period()
    chosen: dict[str, Any] = {
        "kind": filters.kind,
        "model": filters.model,
        "token_id": filters.token,
        "registered_referrer": filters.referrer,
        "token__created_by_id": filters.member,
        "state__in": STATES.get(filters.state, ()),
    }
    narrowed = {name: value for name, value in chosen.items() if value not in (None, "", ())}
    rows = Generation.objects.used_by(team).made_between(period.start, period.end).filter(**narrowed)
    return (rows if filters.state != "cached" else rows.none()).select_related("token").only(*SEEN).newest_first()


@require_safe
@team_page("requests.see")
def page(request: Any) -> HttpResponse:
    """The log, or, for its live tail, the rows of the newest page alone."""
    filters = Filters.read(request.GET, usual="30d")
    found = page_of(
        log(request.visit.team, filters), PAGE, after=request.GET.get("after", ""), before=request.GET.get("before", "")
    )
    context: dict[str, Any] = {"rows": found.rows, "filters": filters}
    if request.GET.get("part") == "rows":
        return render(request, "teams/requests.html#rows", context)
    later = bool(request.GET.get("after") or request.GET.get("before"))
    context |= {
        **filter_choices(request, filters),
        "older_url": filters.query(after=found.older) if found.older else "",
        "newer_url": filters.query(before=found.newer) if found.newer and later else "",
        "is_later": later,
    }
    return render(request, "teams/requests.html", context)


@dataclass(frozen=True, slots=True)
class Moment:
    """A step of a request's way: its name, when, and the seconds since it arrived."""

    name: str
    at: Any
    since: float


@require_safe
@team_page("requests.see")
def detail(request: Any, public_id: str) -> HttpResponse:
    """One request, as a page of its own, or as a drawer when a script asks for it."""
    team = request.visit.team
    found = Generation.objects.used_by(team).filter(public_id=public_id)
    row = found.select_related("token", "app", "artifact").first()
    if row is None:
        raise NotFound(_("There is no such request of this team."))
    # What a stranger asked for by the team's referrer is theirs: only what they made public is shown.
    shows_wish = (row.team_id == team.pk or row.is_visible) and not row.deleted_at
    wish = row.request() if shows_wish else None
    context = {
        "row": row,
        "moments": _moments(row),
        "shows_wish": shows_wish,
        "parameters": _parameters(row) if shows_wish else [],
        "prompt": row.prompt if shows_wish else "",
        "curl": _curl(wish) if wish is not None and row.prompt else "",
        "has_item": row.state == State.SUCCEEDED and shows_wish,
    }
    in_drawer = bool(getattr(request, "htmx", False))
    response = render(request, "teams/request.html#facts" if in_drawer else "teams/request.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _moments(row: Generation) -> list[Moment]:
    steps = [
        (_("Received"), row.created_at),
        (_("Sent to the engine"), row.started_at),
        (_("Done") if row.state == State.SUCCEEDED else _("Ended"), row.finished_at),
    ]
    return [Moment(name, at, max(0.0, (at - row.created_at).total_seconds())) for name, at in steps if at is not None]


def _parameters(row: Generation) -> list[tuple[str, str]]:
    """The request's fields but its words and media: name and JSON value."""
    left_out = {"request", "text", "messages", "images", "data", "model"}
    return [
        (name, json.dumps(value, ensure_ascii=False)[:2000])
        for name, value in row.params.items()
        if name not in left_out
    ]


def _curl(wish: Request) -> str:
    """The command that sends the same again, where the kind has one."""
    return next((sample.code for sample in samples(wish) if "curl" in sample.name.lower()), "")
