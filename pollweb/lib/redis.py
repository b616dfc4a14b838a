"""The one place that opens Redis connections.

Request paths use `client()`: answers within half a second or `RedisError`, one retry. Blocking reads and subscriptions
use `listener()`, which waits without limit. Both are per event loop, since a connection is bound to the loop it was
opened in; `sync_client()` is for threads and commands. Every key starts with `settings.REDIS_PREFIX`.
"""

import asyncio
import weakref
from typing import Any

import redis
import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

__all__ = ["RedisError", "client", "close", "key", "listener", "sync_client"]

_clients: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, redis.asyncio.Redis] = weakref.WeakKeyDictionary()
_sync: dict[str, redis.Redis] = {}


def key(*parts: object) -> str:
    """`key("line", 7)` → `pollweb:line:7`."""
    return ":".join((settings.REDIS_PREFIX, *map(str, parts)))


def client() -> redis.asyncio.Redis:
    """The shared client of the running loop: 0.5 s to connect, 0.5 s to answer, one retry."""
    loop = asyncio.get_running_loop()
    if loop not in _clients:
        _clients[loop] = redis.asyncio.Redis.from_url(
            settings.REDIS_URL,
            socket_timeout=0.5,
            socket_connect_timeout=0.5,
            max_connections=500,
            retry=AsyncRetry(NoBackoff(), 1),
        )
    return _clients[loop]


def listener() -> redis.asyncio.Redis:
    """A client of its own for blocking reads and subscriptions; whoever asks for it closes it."""
    return redis.asyncio.Redis.from_url(settings.REDIS_URL, socket_timeout=None, socket_connect_timeout=0.5)


def sync_client() -> redis.Redis:
    """The shared client for code without an event loop."""
    url = settings.REDIS_URL
    if url not in _sync:
        _sync[url] = redis.Redis.from_url(
            url, socket_timeout=2, socket_connect_timeout=0.5, retry=Retry(NoBackoff(), 1)
        )
    return _sync[url]


async def close() -> None:
    """Close what the running loop has opened with `client()`."""
    opened: Any = _clients.pop(asyncio.get_running_loop(), None)
    if opened is not None:
        await opened.aclose()
