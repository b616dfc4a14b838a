"""Statements of PostgreSQL that are planned once; on SQLite nothing is different."""

import pytest
from django.db import connection
from django.db.models import F

from pollweb.lib.prepared import AnyOf, Literal, prepared, prepared_cursor
from tests.gallery.conftest import make
from tests.generation.search.conftest import found, public

__all__ = ["make", "public"]

pytestmark = pytest.mark.django_db


def statements() -> list[str]:
    """What this connection has planned, oldest first. SQLite plans each time: nothing, whatever is asked."""
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements ORDER BY prepare_time")
        return [statement for (statement,) in cursor.fetchall()]


@pytest.mark.parametrize("number", [0, 1, 3])
def test_any_of_finds_what_in_finds(make, number):
    rows = [make(prompt=f"a fox {n}") for n in range(4)]
    wanted = [row.pk for row in rows[:number]]
    query = type(rows[0]).objects.order_by("pk")
    with prepared():
        assert list(query.filter(AnyOf(F("pk"), wanted))) == list(query.filter(pk__in=wanted)) == rows[:number]


def planned(*said: str) -> list[str]:
    """What is expected to be planned: nothing on SQLite."""
    return list(said) if connection.vendor == "postgresql" else []


def test_one_statement_serves_any_number_of_values(make):
    rows = [make(prompt=f"a fox {n}") for n in range(4)]
    before = len(statements())
    for number in (1, 2, 4):
        with prepared():
            assert len(type(rows[0]).objects.filter(AnyOf(F("pk"), [row.pk for row in rows[:number]]))) == number
    assert len(statements()[before:]) == len(planned("one"))


def test_what_is_asked_elsewhere_is_planned_each_time(make):
    before = len(statements())
    make(prompt="a fox")
    with prepared_cursor() as cursor:
        cursor.execute("SELECT %s + 1", [1])
        assert cursor.fetchone() == (2,)
        with connection.cursor() as other:
            other.execute("SELECT %s + 2", [1])
            assert other.fetchone() == (3,)
    assert statements()[before:] == planned("SELECT $1 + 1")


def test_a_search_is_planned_once_for_all_its_words(public):
    for word in ("fox", "owl", "cat"):
        public(f"a {word}")
        assert found(word) == [f"a {word}"]
    asked = [statement for statement in statements() if "@@ $1::tsquery" in statement]
    assert len(asked) == len(planned("one"))


def test_a_literal_stands_in_the_statement_itself(make):
    row = make(prompt="a fox")
    query = type(row).objects.filter(kind=Literal("image"))
    assert list(query) == [row]
    statement, values = query.query.sql_with_params()
    assert statement.endswith("= 'image'")
    assert values == ()
    assert not query.filter(kind=Literal("text")).exists()


@pytest.mark.parametrize("value", ["", "it's", "a b", "x; --", "%s", "\\"])
def test_a_literal_is_a_word_and_nothing_else(value):
    with pytest.raises(ValueError, match="no word"):
        Literal(value)


def test_explore_is_planned_once_for_each_kind_and_for_all_models(client, public):
    public("a fox")
    before = len(statements())
    for filters in ("", "?kind=image", "?kind=text", "?model=flux", "?model=turbo", "?model=it%27s"):
        for _ in range(2):
            assert client.get(f"/{filters}").status_code == 200
    asked = [statement for statement in statements()[before:] if "'succeeded'" in statement]
    assert len(asked) == len(planned("all", "images", "texts", "a model"))
