"""The one place that opens Redis connections.

Request paths use `client()`: answers within half a second or `RedisError`, one retry where a connection was lost, and
none for a moment after it was silent (pollweb.lib.rest). Blocking reads and subscriptions use `listener()`, which is
patient, and `heard()`. Both are per event loop, since a connection is bound to the loop it was opened in;
`sync_client()` is for threads and commands. `run()` runs a script. Every key starts with
`settings.REDIS_PREFIX`.
"""

import asyncio
import hashlib
import weakref
from collections.abc import AsyncIterator, Sequence
from functools import lru_cache
from typing import Any

import redis
import redis.asyncio
import redis.asyncio.sentinel
import redis.sentinel
from django.conf import settings
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import NoScriptError, RedisError

from pollweb.lib import rest, sentinels
from pollweb.lib.pipe import Pipe

__all__ = ["Cache", "RedisError", "client", "close", "heard", "key", "listener", "run", "run_sync", "sync_client"]

# A subscriber notices within twice this time that Redis is away without a word.
QUIET_SECONDS = 5.0
# Of a listener for one answer: longer than the blocking reads of feeds.hub, so that they end by themselves.
LISTENER_SECONDS = 10.0

# Of `sync_client`. Somebody waits for what a web process asks; a worker (pollweb.celery) may be patient.
sync_seconds = 0.5

_clients: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, redis.asyncio.Redis] = weakref.WeakKeyDictionary()
_pipes: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Pipe] = weakref.WeakKeyDictionary()
_sync: dict[str, redis.Redis] = {}


def key(*parts: object) -> str:
    """`key("line", 7)` → `pollweb:line:7`."""
    return ":".join((settings.REDIS_PREFIX, *map(str, parts)))


def _opened(library: Any, **options: Any) -> Any:
    """A client of `library`, redis or redis.asyncio, for the server or for the master that its Sentinels name."""
    url = settings.REDIS_URL
    if not url.startswith("sentinel:"):
        return library.Redis.from_url(url, **options)
    told = sentinels.parse(url)
    asked = library.sentinel.Sentinel(told.hosts, sentinel_kwargs=told.own_options, **told.options)
    return asked.master_for(told.master, **options)


class _CacheClient(RedisCacheClient):
    """Django's cache on the connections that everything else uses, so that it finds the master too."""

    def get_client(self, key: Any = None, *, write: bool = False) -> redis.Redis:
        return sync_client()


class Cache(RedisCache):
    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = _CacheClient


def client() -> redis.asyncio.Redis:
    """The shared client of the running loop: 0.5 s to connect, 0.5 s to answer, one retry."""
    loop = asyncio.get_running_loop()
    if loop not in _clients:
        _clients[loop] = _opened(
            redis.asyncio,
            socket_timeout=0.5,
            socket_connect_timeout=0.5,
            max_connections=500,
            retry=rest.Once(),
        )
    return _clients[loop]


def listener() -> redis.asyncio.Redis:
    """A client of its own for blocking reads and subscriptions; whoever asks for it closes it."""
    client: redis.asyncio.Redis = _opened(redis.asyncio, socket_timeout=LISTENER_SECONDS, socket_connect_timeout=0.5)
    return client


async def heard(pubsub: Any) -> AsyncIterator[dict[str, Any]]:
    """For ever: what is told to a subscriber. Who hears nothing for long asks whether Redis is still there, since a
    machine that vanished says nothing either; RedisError when it does not answer."""
    asked = False
    while True:
        message = await pubsub.get_message(timeout=QUIET_SECONDS)
        if message is None and asked:
            raise Disconnected("Redis does not answer any more")
        if message is None:
            await pubsub.ping()
        elif message["type"] != "pong":
            yield message
        asked = message is None


def sync_client() -> redis.Redis:
    """The shared client for code without an event loop."""
    url = settings.REDIS_URL
    if url not in _sync:
        _sync[url] = _opened(redis, socket_timeout=sync_seconds, socket_connect_timeout=0.5, retry=rest.OnceSync())
    return _sync[url]


def _pipe() -> Pipe:
    loop = asyncio.get_running_loop()
    if loop not in _pipes:
        _pipes[loop] = Pipe(client().connection_pool.make_connection)
    return _pipes[loop]


@lru_cache
def _digest(script: str) -> str:
    return hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()


async def run(script: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
    """Run a short Lua script by its digest, on the loop's shared pipe; a server that has forgotten it is told anew."""
    try:
        return await _pipe().run("EVALSHA", _digest(script), len(keys), *keys, *arguments)
    except NoScriptError:
        return await _pipe().run("EVAL", script, len(keys), *keys, *arguments)


def run_sync(script: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
    """The same for code without an event loop."""
    try:
        return sync_client().evalsha(_digest(script), len(keys), *keys, *arguments)
    except NoScriptError:
        return sync_client().eval(script, len(keys), *keys, *arguments)


async def close() -> None:
    """Close what the running loop has opened with `client()` and `run()`."""
    if (pipe := _pipes.pop(asyncio.get_running_loop(), None)) is not None:
        await pipe.close()
    opened: Any = _clients.pop(asyncio.get_running_loop(), None)
    if opened is not None:
        await opened.aclose()
