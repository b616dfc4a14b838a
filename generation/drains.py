"""Providers that an operator has taken out of service: they are given no new work, and finish what they have.

The rows are the truth. Redis tells their names to all processes, each of which asks once a second; the leading worker
writes them there again every few seconds, in case Redis was emptied. With Redis away what was known goes on holding.
"""

import logging
import time

import orjson
from django.db import transaction
from django.http import HttpRequest

from generation.models import Drain
from pollweb.accounts import audit
from pollweb.accounts.models import User
from pollweb.lib import redis

log = logging.getLogger(__name__)

FRESH = 1.0  # seconds

_asked_at = float("-inf")
_known: frozenset[str] = frozenset()


def _key() -> str:
    return redis.key("drained")


async def current() -> frozenset[str]:
    """The names of the providers that are given nothing now, at most a second old."""
    global _asked_at, _known
    now = time.monotonic()
    if now - _asked_at >= FRESH:
        _asked_at = now  # one asks, and the others do not ask with it
        try:
            if (told := await redis.client().get(_key())) is not None:
                _known = frozenset(orjson.loads(told))
        except (redis.RedisError, OSError, ValueError):
            log.debug("nobody says what is drained", exc_info=True)
    return _known


def forget() -> None:
    global _asked_at, _known
    _asked_at, _known = float("-inf"), frozenset()


def names() -> frozenset[str]:
    """The same from the rows."""
    return frozenset(Drain.objects.values_list("provider", flat=True))


def tell() -> None:
    """Say it to all processes. Nothing happens while Redis is away: the leading worker says it again."""
    try:
        redis.sync_client().set(_key(), orjson.dumps(sorted(names())))
    except (redis.RedisError, OSError):
        log.debug("what is drained could not be told", exc_info=True)


@transaction.atomic
def drain(provider: str, by: User, *, reason: str = "", request: HttpRequest | None = None) -> bool:
    """No new work from now on, in all processes. False when it was so already."""
    _row, is_new = Drain.objects.get_or_create(provider=provider, defaults={"by": by, "reason": reason})
    if is_new:
        audit.record("upstream.drained", team=None, actor=by, target=provider, request=request, reason=reason)
        transaction.on_commit(tell)
    return is_new


@transaction.atomic
def undrain(provider: str, by: User, *, request: HttpRequest | None = None) -> bool:
    """It is asked again. False when it was already."""
    gone, _ = Drain.objects.filter(provider=provider).delete()
    if gone:
        audit.record("upstream.undrained", team=None, actor=by, target=provider, request=request)
        transaction.on_commit(tell)
    return bool(gone)
