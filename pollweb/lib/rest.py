"""Redis was silent a moment ago: whoever comes shortly after is told so at once, and does not wait for the same again.

A refused connection costs nothing; a machine that vanished, or a server that hangs, costs every question its whole
time. A request asks several, so without a memory their times would add up.
"""

import time
from collections.abc import Callable
from typing import Any

from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import TimeoutError as Silent
from redis.retry import Retry

SECONDS = 0.5
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


class Once(AsyncRetry):
    """A lost connection is opened again, once; silence is not tried again, and remembered."""

    def __init__(self) -> None:
        super().__init__(NoBackoff(), 1, (Disconnected,))

    async def call_with_retry(self, do: Callable[[], Any], *args: Any, **options: Any) -> Any:
        check()
        try:
            return await super().call_with_retry(do, *args, **options)
        except Silent:
            begin()
            raise


class OnceSync(Retry):
    """The same for code without an event loop."""

    def __init__(self) -> None:
        super().__init__(NoBackoff(), 1, (Disconnected,))

    def call_with_retry(self, do: Callable[[], Any], *args: Any, **options: Any) -> Any:
        check()
        try:
            return super().call_with_retry(do, *args, **options)
        except Silent:
            begin()
            raise
