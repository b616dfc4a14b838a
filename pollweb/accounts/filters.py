"""The filters that Usage and Requests share: read from the address, written back into it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Self

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

RANGES = {
    "24h": _("24 hours"),
    "7d": _("7 days"),
    "30d": _("30 days"),
    "month": _("This month"),
    "custom": _("Dates"),
}
KINDS = ("image", "text", "audio", "embedding", "moderation")
STATES = {
    "succeeded": _("Succeeded"),
    "failed": _("Failed"),
    "cancelled": _("Cancelled"),
    "cached": _("From the cache"),
}
MOST_DAYS = 366
# Up to this long, hours are shown; beyond it, days.
HOURS = timedelta(hours=48)


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` up to but without `end`, both UTC, in steps of an hour or a day."""

    start: datetime
    end: datetime

    @property
    def step(self) -> timedelta:
        return timedelta(hours=1) if self.end - self.start <= HOURS else timedelta(days=1)

    @property
    def is_hourly(self) -> bool:
        return self.step < timedelta(days=1)

    @property
    def before(self) -> "Period":
        """The one of the same length before it."""
        return Period(self.start - (self.end - self.start), self.start)

    def steps(self) -> list[datetime]:
        return [self.start + n * self.step for n in range(round((self.end - self.start) / self.step))]


@dataclass(frozen=True, slots=True)
class Filters:
    """What is asked for. Empty means everything; nothing a visitor may type makes an error."""

    range: str = "30d"
    begin: date | None = None
    until: date | None = None
    kind: str = ""
    model: str = ""
    token: int | None = None
    referrer: str = ""
    member: int | None = None
    state: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str], usual: str = "30d") -> Self:
        begin, until = _day(query.get("from", "")), _day(query.get("to", ""))
        chosen = query.get("range", "") or ("custom" if begin or until else usual)
        if chosen not in RANGES or (chosen == "custom" and not (begin or until)):
            chosen = usual
        if chosen != "custom":
            begin = until = None
        elif begin and until and until < begin:
            begin, until = until, begin
        kind, state = query.get("kind", ""), query.get("state", "")
        return cls(
            range=chosen,
            begin=begin,
            until=until,
            kind=kind if kind in KINDS else "",
            model=query.get("model", "")[:100],
            token=_number(query.get("token", "")),
            referrer=query.get("referrer", "")[:253],
            member=_number(query.get("member", "")),
            state=state if state in STATES else "",
        )

    def query(self, **changes: object) -> str:
        """As the end of an address, with `?`; what is empty or usual stays out of it."""
        values: dict[str, object] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value not in (None, "", field.default):
                values[{"begin": "from", "until": "to"}.get(field.name, field.name)] = value
        if "range" in changes:
            values.pop("from", None), values.pop("to", None)
        query = QueryDict(mutable=True)
        query.update({name: str(value) for name, value in {**values, **changes}.items() if value not in (None, "")})
        return f"?{query.urlencode()}" if query else ""

    @property
    def is_narrow(self) -> bool:
        """Whether anything but the time is chosen."""
        return self != replace(type(self)(), range=self.range, begin=self.begin, until=self.until)

    def period(self, now: datetime | None = None) -> Period:
        now = (now or timezone.now()).astimezone(UTC)
        next_hour = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        today = datetime.combine(now.date(), time(), UTC)
        tomorrow = today + timedelta(days=1)
        match self.range:
            case "24h":
                return Period(next_hour - timedelta(hours=24), next_hour)
            case "7d":
                return Period(tomorrow - timedelta(days=7), tomorrow)
            case "month":
                return Period(today.replace(day=1), tomorrow)
            case "custom":
                end = datetime.combine(self.until, time(), UTC) + timedelta(days=1) if self.until else tomorrow
                start = datetime.combine(self.begin, time(), UTC) if self.begin else end - timedelta(days=30)
                if start >= end:
                    start = end - timedelta(days=1)
                return Period(max(start, end - timedelta(days=MOST_DAYS)), end)
        return Period(tomorrow - timedelta(days=30), tomorrow)


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 2000 <= found.year < 2200 else None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
