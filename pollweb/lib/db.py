"""Database work of async code.

The API lane leaves out Django's per-request signals and its thread-sensitive context, so its database work gets threads
of its own: a few, each with its own connection, which is closed when it has become unusable.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from django.conf import settings
from django.db import connections

_pool: ThreadPoolExecutor | None = None


def _threads() -> ThreadPoolExecutor:
    global _pool
    if _pool is None:
        _pool = ThreadPoolExecutor(settings.DATABASE_THREADS, thread_name_prefix="database")
    return _pool


def _work[T](work: Callable[[], T]) -> T:
    """Run in a thread whose connection stays open from one piece of work to the next.

    Django closes connections by their age at the end of each request. Here no request ends, the threads are few and
    their own, and opening a connection costs more than most queries: only a broken one is closed.
    """
    try:
        return work()
    finally:
        for connection in connections.all(initialized_only=True):
            connection.close_at = None
            if connection.errors_occurred:
                connection.close_if_unusable_or_obsolete()


async def run[**P, T](work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run synchronous database work in one of the database threads and wait for it."""
    return await asyncio.get_running_loop().run_in_executor(_threads(), partial(_work, partial(work, *args, **kwargs)))


def without_haste(cursor: Any) -> None:
    """On PostgreSQL: what is asked in this transaction may take as long as it takes, for a command that reads all rows.
    The connection waits from now on, for it belongs to that command."""
    cursor.execute("SET LOCAL statement_timeout = 0")
    cursor.connection.silence = None


def shutdown() -> None:
    """Close the threads and their connections (process end, tests)."""
    global _pool
    if _pool is not None:
        pool, _pool = _pool, None
        for _ in range(settings.DATABASE_THREADS):
            pool.submit(connections.close_all)
        pool.shutdown(wait=True)


async def close() -> None:
    """`shutdown` without stopping the loop meanwhile."""
    await asyncio.to_thread(shutdown)
