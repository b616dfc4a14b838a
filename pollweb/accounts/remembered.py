"""What was looked up in the database, remembered in this process, and forgotten everywhere within five seconds.

A key in Redis holds a random value that each change replaces. Every process looks at it every two seconds while there
is something to answer, and forgets all it knows when it differs. With Redis away nothing is believed for longer than
four seconds, so that a revoked token is refused everywhere within five, whatever happens.
"""

import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

from pollweb.lib import redis

SECONDS = 60.0
ALONE_SECONDS = 4.0
LOOK_SECONDS = 2.0
MOST = 20_000

_all: list["Remembered[Any]"] = []
_version: Any = None
_looked_at = float("-inf")
_is_told = False  # whether Redis tells of changes
_epoch = 0


class Remembered[T]:
    """`await known.get(key, look_up)`; "not there" is an answer, and is remembered as well."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, tuple[float, T]] = OrderedDict()
        _all.append(self)

    async def get(self, key: str, look_up: Callable[[str], Awaitable[T]]) -> T:
        now = time.monotonic()
        if now - _looked_at > LOOK_SECONDS:
            await _look()
        held = self._entries.get(key)
        if held is not None and now - held[0] < (SECONDS if _is_told else ALONE_SECONDS):
            return held[1]
        epoch = _epoch
        found = await look_up(key)
        if epoch == _epoch:  # else it may be from before a change that we have heard of meanwhile
            self._entries[key] = (now, found)
            self._entries.move_to_end(key)
            if len(self._entries) > MOST:
                self._entries.popitem(last=False)
        return found

    def clear(self) -> None:
        self._entries.clear()


def forget() -> None:
    """Drop all that this process remembers."""
    global _epoch
    _epoch += 1
    for each in _all:
        each.clear()


async def _look() -> None:
    """Whether anything has changed since the last look."""
    global _version, _looked_at, _is_told
    _looked_at = time.monotonic()
    try:
        version = await redis.client().get(redis.key("identity"))
    except (redis.RedisError, OSError):
        _is_told = False
        return
    if version != _version or not _is_told:
        _version, _is_told = version, True
        forget()


def changed() -> None:
    """A token, a referrer, a team or its tier has changed. Call it when the change is committed."""
    forget()
    try:
        redis.sync_client().set(redis.key("identity"), secrets.token_hex(8))
    except (redis.RedisError, OSError):
        return  # without Redis the others believe nothing for longer than four seconds
