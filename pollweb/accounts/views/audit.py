"""Who did what in a team, filtered by the address, page by page or as one CSV."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
from django.http import HttpResponse, HttpResponseRedirect, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from pollweb.accounts import scopes
from pollweb.accounts.models import AuditEvent, Team
from pollweb.accounts.models.audit import AuditEventQuerySet
from pollweb.accounts.pages import team_page
from pollweb.accounts.tables import cell
from pollweb.accounts.words import ACTION_NAMES, DETAIL_NAMES
from pollweb.lib.paging import page
from pollweb.lib.punctuation import in_turn, listed, named

PAGE = 50
COLUMNS = ("time", "who", "action", "on", "detail", "from")


@dataclass(frozen=True, slots=True)
class Filters:
    """What is looked for; what cannot be read is not looked for."""

    action: str = ""
    actor: str = ""
    since: str = ""
    until: str = ""

    @classmethod
    def of(cls, query: QueryDict) -> "Filters":
        given = {name: query.get(name, "").replace("\0", "")[:150].strip() for name in cls.__slots__}
        for name in ("since", "until"):
            given[name] = given[name] if _day(given[name]) else ""
        return cls(**given)

    def apply(self, rows: AuditEventQuerySet) -> AuditEventQuerySet:
        if self.action:
            rows = rows.filter(action=self.action)
        if self.actor:
            rows = rows.filter(actor_name=self.actor)
        if day := _day(self.since):
            rows = rows.filter(created_at__gte=day)
        if day := _day(self.until):
            rows = rows.filter(created_at__lt=day + timedelta(days=1))
        return rows

    def query(self, **place: str) -> str:
        """The part of an address that says all this, with its question mark."""
        query = QueryDict(mutable=True)
        own = {name: getattr(self, name) for name in self.__slots__}
        query.update({name: value for name, value in {**own, **place}.items() if value})
        return f"?{query.urlencode()}" if query else ""


def _day(text: str) -> datetime | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return datetime(day.year, day.month, day.day, tzinfo=UTC) if 1970 < day.year < 9999 else None


@require_safe
@team_page("audit.see")
def audit(request: Any) -> HttpResponse:
    team: Team = request.visit.team
    filters = Filters.of(request.GET)
    rows = filters.apply(AuditEvent.objects.filter(team=team)).newest_first()
    after, before = request.GET.get("after", ""), request.GET.get("before", "")
    found = page(rows, PAGE, after=after, before=before)
    here = reverse("team-audit", args=[team.slug])
    if before and len(found.rows) < PAGE:
        return HttpResponseRedirect(here + filters.query())  # the top of the list is a page of its own
    context = {
        "events": [(event, ACTION_NAMES.get(event.action), told(event)) for event in found.rows],
        "filters": filters,
        "is_filtered": filters != Filters(),
        "actions": _choices(filters.action),
        "actors": sorted({*team.memberships.values_list("user__username", flat=True)[:500], filters.actor} - {""}),
        "older_url": here + filters.query(after=found.older) if found.older else "",
        "newer_url": here + filters.query(before=found.newer) if found.newer else "",
        "csv_url": reverse("team-audit-csv", args=[team.slug]) + filters.query(),
    }
    return render(request, "teams/audit.html", context)


def _choices(chosen: str) -> list[tuple[str, Any]]:
    known: dict[str, Any] = dict(ACTION_NAMES)
    if chosen:
        known.setdefault(chosen, chosen)
    return list(known.items())


def told(event: AuditEvent) -> str:
    """The details as a page tells them."""
    return listed(
        named(DETAIL_NAMES.get(name, name), _scopes(value) if name == "scopes" else _plain(value))
        for name, value in event.detail.items()
    )


def details(event: AuditEvent) -> str:
    """`before: member, after: admin`."""
    return ", ".join(f"{name}: {_plain(value)}" for name, value in event.detail.items())


def _scopes(value: Any) -> str:
    names = value if isinstance(value, list) else [value]
    return in_turn(scopes.WORDS.get(str(name), name) for name in names) or "—"


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value)) or "—"
    return value if isinstance(value, str) else orjson.dumps(value, default=str).decode()


@require_safe
@team_page("audit.see")
def audit_csv(request: Any) -> StreamingHttpResponse:
    """What the page shows with these filters, all of it, as it is read from the database."""
    team: Team = request.visit.team
    rows = Filters.of(request.GET).apply(AuditEvent.objects.filter(team=team)).newest_first()
    answer = StreamingHttpResponse(_lines(rows), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="audit-{team.slug}.csv"'
    return answer


class _Line:
    """What csv writes to: it hands each line back."""

    def write(self, line: str) -> str:
        return line


def _lines(rows: AuditEventQuerySet) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield writer.writerow(COLUMNS)
    for event in rows.iterator(chunk_size=500):
        yield writer.writerow(
            [
                event.created_at.isoformat(timespec="seconds"),
                *map(cell, (event.actor_name, event.action, event.target, details(event), event.address)),
            ]
        )
