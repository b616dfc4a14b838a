"""Counts of who used what, by the hour and by the day. Plain names and numbers: nothing points up to generations.

`count` belongs into the transaction that ends a job, so that it happens exactly once. Answers that were given again end
no job; they are noted in memory and written a few seconds later (pollweb.accounts.tallies).
"""

from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from pollweb.accounts.models import UsageDay, UsageHour
from pollweb.accounts.models.usage import COUNTS


@dataclass(frozen=True, slots=True)
class Key:
    """Whose usage of what. A team's own, or that of a caller whom its registered referrer stands for."""

    kind: str
    model: str
    team_id: int | None = None
    token_id: int | None = None
    app_id: int | None = None
    referrer: str = ""

    @property
    def owner(self) -> str:
        if not self.team_id:
            return "anonymous"
        return f"{self.team_id}:{self.token_id or 0}:{self.app_id or 0}:{self.referrer}"


@dataclass(slots=True)
class Counts:
    """What is added up. `seconds` were spent on making; `cost` is in millionths of the operator's currency."""

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

    def add(self, other: "Counts") -> None:
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))


assert tuple(field.name for field in fields(Counts)) == COUNTS


def count(key: Key, counts: Counts, at: datetime | None = None) -> None:
    """Add to the hour of now, or of `at`."""
    count_all({(key, hour_of(at or timezone.now())): counts})


def hour_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def count_all(counted: Mapping[tuple[Key, datetime], Counts]) -> None:
    """Add many at once, hours and days in one transaction; always in one order, so that two never wait crosswise."""
    days: dict[tuple[Key, datetime], Counts] = {}
    for (key, hour), counts in counted.items():
        days.setdefault((key, hour.replace(hour=0)), Counts()).add(counts)
    with transaction.atomic(), connection.cursor() as cursor:
        for model, column, rows in ((UsageHour, "hour", counted), (UsageDay, "day", days)):
            cursor.executemany(
                _upsert(model, column), sorted(_row(key, at, counts, column) for (key, at), counts in rows.items())
            )


@cache
def _upsert(model: Any, column: str) -> str:
    """One statement for a new row and for a known one. A token that is gone meanwhile is left out, not an error."""
    table = model._meta.db_table
    known = {"team_id": "accounts_team", "token_id": "accounts_token", "app_id": "accounts_app"}
    names = ("owner", "kind", "model", column, *known, "referrer", *COUNTS)
    values = ", ".join(
        f"(SELECT id FROM {known[name]} WHERE id = %s)" if name in known else "%s"  # noqa: S608
        for name in names
    )
    sums = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in COUNTS)
    return f"""INSERT INTO {table} ({", ".join(names)}) VALUES ({values})
        ON CONFLICT (owner, kind, model, {column}) DO UPDATE SET {sums}"""  # noqa: S608


def _row(key: Key, at: datetime, counts: Counts, column: str) -> tuple[Any, ...]:
    adapted = (
        connection.ops.adapt_datetimefield_value(at)
        if column == "hour"
        else connection.ops.adapt_datefield_value(at.date())
    )
    # 0 is nobody's id: sorting compares no None.
    ids = (key.team_id or 0, key.token_id or 0, key.app_id or 0)
    return (key.owner, key.kind, key.model[:100], adapted, *ids, key.referrer, *astuple(counts))
