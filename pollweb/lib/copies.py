"""Copies of what can be found out again at any time, kept for a while: while Redis is away there are none.

For anything that must not be lost or passed over, such as a count of tries, Django's cache itself is right: it says
when it cannot be asked.
"""

from contextlib import suppress
from typing import Any

from django.core.cache import cache

from pollweb.lib.redis import RedisError


def kept(key: str) -> Any:
    """None when there is no copy."""
    try:
        return cache.get(key)
    except (RedisError, OSError):
        return None


def keep(key: str, value: Any, seconds: float) -> None:
    with suppress(RedisError, OSError):
        cache.set(key, value, seconds)
