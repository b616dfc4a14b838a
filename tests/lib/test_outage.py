"""PostgreSQL is away: one waits for it, and the others are told so at once."""

import threading
from collections.abc import Iterator

import psycopg
import pytest

from pollweb.lib.postgresql import outage


@pytest.fixture(autouse=True)
def _afterwards() -> Iterator[None]:
    yield
    outage.end()


def fail() -> None:
    with pytest.raises(psycopg.OperationalError, match="refused"), outage.noticed():
        raise psycopg.OperationalError("refused")


def test_while_it_is_there_as_many_connect_at_once_as_like() -> None:
    with outage.noticed(), outage.noticed():
        pass


def test_who_comes_while_another_waits_is_told_so_at_once() -> None:
    fail()
    waits, done = threading.Event(), threading.Event()

    def wait() -> None:
        with outage.noticed():
            waits.set()
            done.wait(10)

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert waits.wait(10)
    with pytest.raises(psycopg.OperationalError, match="the database is away"), outage.noticed():
        pytest.fail("two wait")
    done.set()
    waiting.join()
    with outage.noticed(), outage.noticed():  # the one who waited got a connection
        pass


def test_one_after_the_other_waits_until_it_is_back() -> None:
    for _ in range(3):
        fail()
    with outage.noticed():
        pass


def test_what_is_wrong_with_us_is_no_outage() -> None:
    with pytest.raises(psycopg.ProgrammingError), outage.noticed():
        raise psycopg.ProgrammingError("a mistake")
    with outage.noticed(), outage.noticed():
        pass
