"""Wrong secrets, counted by address: ten in a minute, in any process and at any door, then 429."""

from django.http import HttpRequest
from django.utils.translation import gettext as _

from pollweb.accounts.errors import TooManyTries
from pollweb.lib import http, redis

MOST = 10
SECONDS = 60


def _key(request: HttpRequest) -> str:
    return redis.key("tries", http.network_of(http.client_address(request)))


def _judge(tries: int) -> None:
    if tries > MOST:
        raise TooManyTries(_("Too many wrong credentials from your address. Wait a minute."), retry_after=SECONDS)


async def failed(request: HttpRequest) -> None:
    """Count one. TooManyTries from the eleventh of an address within a minute on.

    With Redis away nothing is counted: what is tried has 128 random bits and more, so guessing is hopeless either way.
    """
    try:
        async with redis.client().pipeline() as pipe:
            pipe.incr(_key(request))
            pipe.expire(_key(request), SECONDS, nx=True)
            tries, _set = await pipe.execute()
    except (redis.RedisError, OSError):
        return
    _judge(tries)


def failed_sync(request: HttpRequest) -> None:
    """The same for pages."""
    try:
        with redis.sync_client().pipeline() as pipe:
            pipe.incr(_key(request))
            pipe.expire(_key(request), SECONDS, nx=True)
            tries, _set = pipe.execute()
    except (redis.RedisError, OSError):
        return
    _judge(tries)
