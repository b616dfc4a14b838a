"""What the dashboards ask of the counts: totals, a series over time, and shares by model, token, referrer, kind, state.

Every number comes from the same rows, so that the parts add up to the whole. Hours are read for up to two days, days
for everything longer. A team's rows of that time are read once, summed by step and value of the split, from which all
else follows; where that could be too many sums (referrers, hundreds of tokens), each question is a query of its own.
"""

from collections.abc import AsyncIterator, Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.db.models import F, QuerySet, Sum
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from pollweb.accounts import charts
from pollweb.accounts.filters import STATES, Filters, Period
from pollweb.accounts.models import Team, Token, UsageDay, UsageHour
from pollweb.accounts.models.usage import AMOUNTS, COUNTS, OUTCOMES, REQUESTS
from pollweb.lib.numbers import grouped

SPLITS = {"model": "model", "token": "token_id", "referrer": "referrer", "kind": "kind", "state": ""}
MOST_ROWS = 200
MOST_PARTS = 5000
TOP = 5


@dataclass(slots=True)
class Sums:
    """Counts that belong together. `requests` are those of the states that are looked at."""

    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    cached: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    images: int = 0
    audio_seconds: float = 0.0
    seconds: float = 0.0
    cost: int = 0

    @property
    def requests(self) -> int:
        return self.succeeded + self.failed + self.cancelled + self.cached

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    @property
    def success(self) -> float | None:
        """Share of those that were not given up by their callers; None when there are none."""
        tried = self.succeeded + self.cached + self.failed
        return (self.succeeded + self.cached) / tried if tried else None

    @property
    def cached_share(self) -> float | None:
        return self.cached / self.requests if self.requests else None

    @property
    def mean_seconds(self) -> float | None:
        return self.seconds / self.succeeded if self.succeeded else None

    def plus(self, other: "Sums", sign: int = 1) -> "Sums":
        return Sums(**{name: getattr(self, name) + sign * getattr(other, name) for name in COUNTS})


@dataclass(slots=True)
class Row:
    """One line of the table: a value of the split and what was counted for it."""

    value: Any
    label: str
    sums: Sums
    is_rest: bool = False


@dataclass
class Report:
    """A team's usage as `filters` ask for it, split by `split`."""

    team: Team
    filters: Filters
    split: str = "model"
    now: datetime | None = None
    token_names: dict[int, str] = field(default_factory=dict)

    @cached_property
    def period(self) -> Period:
        return self.filters.period(self.now)

    @property
    def outcomes(self) -> tuple[str, ...]:
        return (self.filters.state,) if self.filters.state else OUTCOMES

    @property
    def counts(self) -> tuple[str, ...]:
        """The counts that this state has: only what succeeded has tokens, pictures, sound, time and cost."""
        return (*self.outcomes, *(AMOUNTS if self.filters.state in ("", "succeeded") else ()))

    def rows(self, period: Period | None = None) -> QuerySet[Any]:
        """The counted rows of the time, filtered. `step` is the hour or the day."""
        period = period or self.period
        chosen = {
            "kind": self.filters.kind,
            "model": self.filters.model,
            "token_id": self.filters.token,
            "referrer": self.filters.referrer,
            "token__created_by_id": self.filters.member,
        }
        narrowed = {name: value for name, value in chosen.items() if value not in (None, "")}
        if period.is_hourly:
            found = UsageHour.objects.of_team(self.team).filter(hour__gte=period.start, hour__lt=period.end)
            return found.filter(**narrowed).annotate(step=F("hour"))
        days = UsageDay.objects.of_team(self.team).filter(day__gte=period.start.date(), day__lt=period.end.date())
        return days.filter(**narrowed).annotate(step=F("day"))

    def _summed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.annotate(**{f"sum_{name}": Sum(name) for name in self.counts})

    def _sums(self, found: dict[str, Any]) -> Sums:
        return Sums(**{name: found[f"sum_{name}"] or 0 for name in self.counts})

    @cached_property
    def parts(self) -> list[tuple[datetime, Any, Sums]] | None:
        """What each value of the split has in each step; None where there may be too many of them to hold."""
        # Not asked with a limit: PostgreSQL would sort all rows for the sake of the first.
        tokens = len(self.token_names) + 1 if self.split == "token" else 1
        if self.split == "referrer" or tokens * len(self.period.steps()) > MOST_PARTS:
            return None
        names = ["step", *filter(None, [SPLITS[self.split]])]
        found = self._summed(self.rows().values(*names)).order_by()
        return [(_moment(row["step"]), row.get(SPLITS[self.split]), self._sums(row)) for row in found]

    @cached_property
    def series(self) -> dict[datetime, Sums]:
        """Every step of the period, oldest first, also those without anything."""
        if self.parts is None:
            known = {_moment(row["step"]): self._sums(row) for row in self._summed(self.rows().values("step"))}
        else:
            known = _together((step, sums) for step, _value, sums in self.parts)
        return {step: known.get(step, Sums()) for step in self.period.steps()}

    @cached_property
    def totals(self) -> Sums:
        total = Sums()
        for sums in self.series.values():
            total = total.plus(sums)
        return total

    @cached_property
    def before(self) -> Sums:
        """The totals of the period before."""
        asked = {f"sum_{name}": Sum(name) for name in self.counts}
        return self._sums(self.rows(self.period.before).aggregate(**asked))

    @cached_property
    def shares(self) -> list[Row]:
        """What each value of the split has, most requests first; a last line holds the rest, so that it all adds up."""
        if self.split == "state":
            return [
                Row(state, str(STATES[state]), Sums(**{state: getattr(self.totals, state)}))
                for state in self.outcomes
                if getattr(self.totals, state)
            ]
        if self.parts is None:
            rows = self._first_rows()
        else:
            whole = _together((value, sums) for _step, value, sums in self.parts)
            rows = [Row(value, "", sums) for value, sums in whole.items()]
            rows.sort(key=lambda row: (-row.sums.requests, row.value is None, row.value))
        if len(rows) > MOST_ROWS:
            rows = rows[:MOST_ROWS]
            rest = self.totals
            for row in rows:
                rest = rest.plus(row.sums, -1)
            rows.append(Row(None, _("Other"), rest, is_rest=True))
        for row in rows:
            row.label = row.label or self.label(row.value)
        return rows

    def _first_rows(self) -> list[Row]:
        column = SPLITS[self.split]
        requests = sum((F(f"sum_{name}") for name in self.outcomes[1:]), F(f"sum_{self.outcomes[0]}"))
        in_order = requests.desc(), F(column).asc(nulls_last=True)
        found = self._summed(self.rows().values(column)).order_by(*in_order)[: MOST_ROWS + 1]
        return [Row(row[column], "", self._sums(row)) for row in found]

    def label(self, value: Any) -> str:
        """What a value of the split is called."""
        if self.split == "token":
            if value is None:
                return _("Without a token")
            return self.token_names.get(value) or _("A token that is gone")
        if self.split == "referrer":
            return value or _("Without a registered referrer")
        return str(KIND_NAMES[value]()) if self.split == "kind" and value in KIND_NAMES else str(value)

    @cached_property
    def stacks(self) -> list[tuple[str, list[int]]]:
        """For the chart: (label, requests in each step) of the first five, and of all others together."""
        steps = self.period.steps()
        if self.split == "state":
            return [(row.label, [getattr(self.series[step], row.value) for step in steps]) for row in self.shares]
        top = [row for row in self.shares if row.sums.requests and not row.is_rest][:TOP]
        rest = {step: self.series[step].requests for step in steps}
        stacks: dict[Any, dict[datetime, int]] = {row.value: dict.fromkeys(steps, 0) for row in top}
        for step, value, sums in self._parts_of(list(stacks)):
            stacks[value][step] += sums.requests
            rest[step] -= sums.requests
        told = [(row.label, list(stacks[row.value].values())) for row in top]
        return [*told, (_("Other"), list(rest.values()))] if any(rest.values()) else told

    def _parts_of(self, values: list[Any]) -> list[tuple[datetime, Any, Sums]]:
        if self.parts is not None:
            return [part for part in self.parts if part[1] in values]
        column = SPLITS[self.split]
        named = [value for value in values if value is not None]
        wanted = self.rows().filter(**{f"{column}__in": named}) if named else self.rows().none()
        if len(named) < len(values):
            wanted = wanted | self.rows().filter(**{f"{column}__isnull": True})
        found = self._summed(wanted.values("step", column))
        return [(_moment(row["step"]), row[column], self._sums(row)) for row in found]

    # --- as a file ----------------------------------------------------------------------------------------------------

    @property
    def columns(self) -> list[str]:
        split = [] if self.split == "state" else [self.split]
        return ["from", "to", *split, "requests", *self.counts]

    async def lines(self) -> AsyncIterator[list[Any]]:
        """Every step and value of the split, oldest first: what the page shows, row by row as the database gives it."""
        column = SPLITS[self.split]
        names = ["step", *([column] if column else [])]
        found = self._summed(self.rows().values(*names)).order_by(*names)
        async for row in found.aiterator(chunk_size=500):
            start, sums = _moment(row["step"]), self._sums(row)
            value = [self.label(row[column]) if self.split == "token" else row[column]] if column else []
            counts = [_plain(getattr(sums, name)) for name in self.counts]
            yield [_iso(start), _iso(start + self.period.step), *value, sums.requests, *counts]


def _together[K](parts: Iterable[tuple[K, Sums]]) -> dict[K, Sums]:
    """What belongs to one key, summed."""
    found: dict[K, Sums] = {}
    for key, sums in parts:
        found[key] = found[key].plus(sums) if key in found else sums
    return found


KIND_NAMES: dict[str, Callable[[], str]] = {
    "image": lambda: _("Images"),
    "text": lambda: _("Text"),
    "audio": lambda: _("Audio"),
    "embedding": lambda: _("Embeddings"),
    "moderation": lambda: _("Moderation"),
}


DAYS = 30


@dataclass(frozen=True, slots=True)
class Lately:
    """The requests of the last thirty days, today (UTC) included, and the line that they draw."""

    requests: int
    line: charts.Line

    @property
    def said(self) -> str:
        return grouped(self.requests)


def lately(team: Team, column: str, values: Collection[Any]) -> dict[Any, Lately]:
    """For lists: what each token (`token_id`) or registered referrer (`referrer`) of the team had, in one query."""
    today = datetime.now(UTC).date()
    first = today - timedelta(days=DAYS - 1)
    days = {value: [0] * DAYS for value in values}
    found = UsageDay.objects.of_team(team).filter(**{"day__gte": first, f"{column}__in": list(days)})
    for value, day, requests in found.values_list(column, "day").annotate(sum_requests=Sum(REQUESTS)).order_by():
        if day <= today:
            days[value][(day - first).days] = requests
    return {value: Lately(sum(each), charts.line(each)) for value, each in days.items()}


def requests_lately(team: Team) -> int:
    """Of the last thirty days, all that the team's tokens and referrers brought."""
    return lately(team, "team_id", [team.pk])[team.pk].requests


def token_names(team: Team, most: int = 500) -> list[Token]:
    """The team's tokens with who made them, for filters: newest first."""
    return list(
        Token.objects.filter(team=team)
        .select_related("created_by")
        .only("name", "last_four", "team_id", "created_by__username")
        .order_by("-created_at")[:most]
    )


def _moment(step: Any) -> datetime:
    """An hour, or the beginning of a day."""
    return step.astimezone(UTC) if isinstance(step, datetime) else datetime.combine(step, time(), UTC)


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%MZ}"


def _plain(number: float) -> float:
    """Seconds to a thousandth: sums of floats are not exact beyond."""
    return round(number, 3) if isinstance(number, float) else number
