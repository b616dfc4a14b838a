"""Redis was asked in vain a moment ago: whoever comes shortly after is told so at once, and does not wait for the same.

A refused connection costs nothing; a machine that vanished, a server that hangs, or Sentinels that are away cost every
question its whole time. A request asks several, so without a memory their times would add up.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import TimeoutError as Silent
from redis.retry import Retry

SECONDS = 0.5
COSTLY = 0.1  # seconds: what fails sooner may be tried by everybody
_until = 0.0  # of time.monotonic()


def begin() -> None:
    global _until
    _until = time.monotonic() + SECONDS


def end() -> None:
    global _until
    _until = 0.0


def check() -> None:
    """Raises redis.exceptions.ConnectionError while nobody is to ask."""
    if time.monotonic() < _until:
        raise Disconnected("Redis was away a moment ago")


@contextmanager
def _noticed() -> Iterator[None]:
    check()
    began = time.monotonic()
    try:
        yield
    except (Disconnected, Silent):
        if time.monotonic() - began > COSTLY:
            begin()
        raise


class Once(AsyncRetry):
    """A lost connection is opened again, once; silence is not tried again."""

    def __init__(self) -> None:
        super().__init__(NoBackoff(), 1, (Disconnected,))

    async def call_with_retry(self, do: Callable[[], Any], *args: Any, **options: Any) -> Any:
        with _noticed():
            return await super().call_with_retry(do, *args, **options)


class OnceSync(Retry):
    """The same for code without an event loop."""

    def __init__(self) -> None:
        super().__init__(NoBackoff(), 1, (Disconnected,))

    def call_with_retry(self, do: Callable[[], Any], *args: Any, **options: Any) -> Any:
        with _noticed():
            return super().call_with_retry(do, *args, **options)
