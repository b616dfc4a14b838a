"""PostgreSQL is away: once one has waited for it in vain, one at a time waits, and everybody else is told so at once.

So a short absence, as of a restart, is waited out by all. In a longer one each question would hold one of a process's
few database threads for its whole patience, and before them a queue of requests would grow until the database is back.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

_lock = threading.Lock()
_is_away = False
_is_waited_for = False


def begin() -> None:
    global _is_away
    _is_away = True


def end() -> None:
    global _is_away
    _is_away = False


@contextmanager
def noticed() -> Iterator[None]:
    """Around getting a connection. Raises psycopg.OperationalError while somebody else waits."""
    waits = _takes_its_turn()
    try:
        yield
    except psycopg.OperationalError:
        begin()
        raise
    else:
        end()
    finally:
        if waits:
            _gives_it_up()


def _takes_its_turn() -> bool:
    global _is_waited_for
    with _lock:
        if not _is_away:
            return False
        if _is_waited_for:
            raise psycopg.OperationalError("the database is away")
        _is_waited_for = True
        return True


def _gives_it_up() -> None:
    global _is_waited_for
    _is_waited_for = False
