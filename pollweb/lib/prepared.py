"""Statements that a connection plans once, for all values: half of what a short one takes is its planning.

For those alone whose plan is the same for any value, since it is made without one (plan_cache_mode): not where a
frequent word is found another way than a rare one. The value that a partial index serves is a `Literal`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.models import Lookup, Value
from django.db.models.lookups import In


@contextmanager
def prepared() -> Iterator[None]:
    """What is asked by cursors that are opened in here is prepared, where the database is PostgreSQL."""
    connection.prepares = True  # type: ignore[attr-defined]
    try:
        yield
    finally:
        connection.prepares = False  # type: ignore[attr-defined]


@contextmanager
def prepared_cursor() -> Iterator[Any]:
    with prepared():
        cursor = connection.cursor()
    with cursor:
        yield cursor


class Literal(Value):
    """A word of the code's own that stands in the statement itself."""

    def __init__(self, value: str) -> None:
        if not value.isidentifier():
            raise ValueError(f"{value!r} is no word")
        super().__init__(str(value))

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        return f"'{self.value}'", ()


class AnyOf(Lookup):
    """`filter(AnyOf(F("pk"), […]))`: as `pk__in`, and the same statement for any number of values."""

    lookup_name = "any_of"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        return In(self.lhs, self.rhs).as_sql(compiler, connection)

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        lhs, params = self.process_lhs(compiler, connection)
        return f"{lhs} = ANY(%s)", (*params, list(self.rhs))
