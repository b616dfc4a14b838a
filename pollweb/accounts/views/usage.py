"""A team's usage: as a page with a chart and its table, and the same numbers as a file."""

import csv
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from pollweb.accounts import allowances, charts, money, reports
from pollweb.accounts.filters import KINDS, RANGES, STATES, Filters
from pollweb.accounts.pages import team_page
from pollweb.accounts.reports import Report, Row, Sums
from pollweb.accounts.tables import cell
from pollweb.lib.numbers import grouped

SPLITS = {
    "model": gettext_lazy("Model"),
    "token": gettext_lazy("Token"),
    "referrer": gettext_lazy("Referrer"),
    "kind": gettext_lazy("Kind"),
    "state": gettext_lazy("State"),
}
# Columns that the table can be sorted by: word in the address → (heading, the number in it).
SORTS: dict[str, tuple[Any, Any]] = {
    "requests": (gettext_lazy("Requests"), lambda sums: sums.requests),
    "failed": (gettext_lazy("Failed"), lambda sums: sums.failed),
    "cached": (gettext_lazy("Cached"), lambda sums: sums.cached),
    "tokens": (gettext_lazy("Tokens"), lambda sums: sums.tokens),
    "images": (gettext_lazy("Images"), lambda sums: sums.images),
    "audio": (gettext_lazy("Audio"), lambda sums: sums.audio_seconds),
    "time": (gettext_lazy("Time"), lambda sums: sums.seconds),
    "cost": (gettext_lazy("Cost"), lambda sums: sums.cost),
}


def model_names() -> list[str]:
    models = settings.DESIGN.models
    return list(
        dict.fromkeys(name for kind in ("image", "text", "audio", "transcription") for name in getattr(models, kind))
    )


def filter_choices(request: Any, filters: Filters) -> dict[str, Any]:
    """What the filter bar offers: its context, shared by Usage and Requests."""
    team = request.visit.team
    tokens = reports.token_names(team)
    makers = {token.created_by_id: token.created_by.get_username() for token in tokens if token.created_by}
    referrers = list(team.referrers.order_by("pattern").values_list("pattern", flat=True)[:500])
    if filters.referrer and filters.referrer not in referrers:
        referrers.append(filters.referrer)
    names = model_names()
    if filters.model and filters.model not in names:
        names.append(filters.model)
    return {
        "filters": filters,
        "cleared": replace(Filters(), range=filters.range, begin=filters.begin, until=filters.until).query(),
        "ranges": [(name, label, filters.query(range=name)) for name, label in RANGES.items() if name != "custom"],
        "kinds": [(name, reports.KIND_NAMES[name]()) for name in KINDS],
        "models": names,
        "tokens": tokens,
        "referrers": referrers,
        "members": sorted(makers.items(), key=lambda maker: maker[1]),
        "states": list(STATES.items()),
    }


def _report(request: Any, filters: Filters | None = None) -> Report:
    split = request.GET.get("split", "")
    return Report(
        request.visit.team, filters or Filters.read(request.GET), split if split in reports.SPLITS else "model"
    )


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of the table that sorts by its column."""

    label: Any
    query: str
    order: str  # of aria-sort; empty when the table is sorted by another


@require_safe
@team_page("usage.see")
def page(request: Any) -> HttpResponse:
    filters = Filters.read(request.GET)
    report = _report(request, filters)
    choices = filter_choices(request, filters)
    report.token_names = {token.pk: f"{token.name} ·{token.last_four}" for token in choices["tokens"]}
    sort = request.GET.get("sort", "")
    word, descending = sort.removeprefix("-"), not sort or sort.startswith("-")
    if word not in SORTS:
        word, descending = "requests", True
    shown = [name for name in SORTS if name != "cost" or money.has_prices()]
    rows = sorted(report.shares, key=lambda row: SORTS[word][1](row.sums), reverse=descending)
    rows.sort(key=lambda row: row.is_rest)
    kept = {"split": report.split if report.split != "model" else ""}
    compares = request.GET.get("compare") == "1"
    steps = report.period.steps()
    chart = charts.stacked(steps, report.stacks, report.period.step)
    context = {
        **choices,
        "report": report,
        "split": report.split,
        "splits": [
            (name, label, filters.query(split=name if name != "model" else "")) for name, label in SPLITS.items()
        ],
        "split_label": SPLITS[report.split],
        "chart": chart,
        "chart_words": _chart_words(chart),
        "series": [(bar.when, report.series[step]) for bar, step in zip(chart.bars, steps, strict=True)][::-1],
        "headings": [
            Heading(
                SORTS[name][0],
                filters.query(**kept, sort=name if name == word and descending else f"-{name}"),
                ("descending" if descending else "ascending") if name == word else "",
            )
            for name in shown
        ],
        "rows": [(row, _requests_query(filters, report, row)) for row in rows],
        "shows_cost": "cost" in shown,
        "compares": compares,
        "compare_query": filters.query(**kept, compare="" if compares else "1"),
        "changes": _changes(report.totals, report.before) if compares else {},
        "before": report.period.before if compares else None,
        "counted_at": timezone.now(),
        "allowances": allowances.of(report.team),
        "export_query": filters.query(**kept),
        "last_day": report.period.end - timedelta(seconds=1),
    }
    return render(request, "teams/usage.html", context)


def _chart_words(chart: charts.Bars) -> str:
    """The chart in a sentence, for those who do not see it."""
    if not chart.total:
        return _("No requests in this time.")
    return _("%(total)s requests in %(count)s steps; most of them, %(most)s, at: %(when)s.") % {
        "total": grouped(chart.total),
        "count": len(chart.bars),
        "most": grouped(chart.most.total),
        "when": chart.most.when,
    }


def _changes(now: Sums, before: Sums) -> dict[str, float | None]:
    """By how much each number has grown, in per cent; None where there was nothing before."""
    return {
        name: (getattr(now, name) / was - 1) * 100 if (was := getattr(before, name)) else None
        for name in ("requests", "tokens", "images", "audio_seconds", "cost")
    }


def _requests_query(filters: Filters, report: Report, row: Row) -> str:
    """The same filters with this row's value; empty where the log cannot be asked for it."""
    if row.is_rest or row.value in (None, "", "cached") or row.value in ("embedding", "moderation"):
        return ""
    return filters.query(**{report.split: row.value})


# --- as files ---------------------------------------------------------------------------------------------------------


def _file(lines: AsyncIterator[bytes], report: Report, ending: str, media_type: str) -> StreamingHttpResponse:
    last = report.period.end - timedelta(seconds=1)
    name = f"usage-{report.team.slug}-{report.period.start:%Y%m%d}-{last:%Y%m%d}.{ending}"
    response = StreamingHttpResponse(lines, content_type=media_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _named(request: Any) -> Report:
    report = _report(request)
    if report.split == "token":
        report.token_names = {token.pk: token.name for token in reports.token_names(report.team)}
    return report


@require_safe
@team_page("usage.see")
def as_csv(request: Any) -> StreamingHttpResponse:
    report = _named(request)

    async def lines() -> AsyncIterator[bytes]:
        yield _csv(report.columns)
        async for line in report.lines():
            yield _csv(line)

    return _file(lines(), report, "csv", "text/csv; charset=utf-8")


def _csv(values: list[Any]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(map(cell, values))
    return text.getvalue().encode()


@require_safe
@team_page("usage.see")
def as_json(request: Any) -> StreamingHttpResponse:
    report = _named(request)
    return _file(json_lines(report), report, "json", "application/json")


async def json_lines(report: Report) -> AsyncIterator[bytes]:
    """`{"team", "from", "to", "currency", "rows": […]}`, one row a line: each names its columns."""
    head = {
        "team": report.team.slug,
        "from": f"{report.period.start:%Y-%m-%dT%H:%MZ}",
        "to": f"{report.period.end:%Y-%m-%dT%H:%MZ}",
        "group": report.split,
        "currency": settings.DESIGN.site.currency,
        "cost_unit": 1e-6,
    }
    yield orjson.dumps(head)[:-1] + b',"rows":['
    before = b"\n"
    async for line in report.lines():
        yield before + orjson.dumps(dict(zip(report.columns, line, strict=True)))
        before = b",\n"
    yield b"\n]}\n"
