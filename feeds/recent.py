"""What was told last, for pages: read from the stream without the hub, and nothing when Redis is away."""

import time
from itertools import islice
from typing import Any

from feeds import frames
from feeds.frames import Item
from feeds.hub import Wants
from feeds.outbox import stream_key
from pollweb.lib import redis

LOOKED_AT = 120  # entries of the stream
LOOKED_AT_WITHIN = 1000  # for a named wall, which may pass over most of them
FRESH = 5.0  # seconds for which a rate is told again without asking

_rate: tuple[float, int | None] = (0.0, None)


def _entries(count: int) -> list[Item]:
    """The newest entries, newest first."""
    found: Any = redis.sync_client().xrevrange(stream_key(), count=count)
    return [Item.from_entry(entry_id, fields) for entry_id, fields in found]


def latest(wants: Wants, most: int, age: float = 0) -> tuple[list[dict[str, Any]], str]:
    """Up to `most` item frames of the wall, newest first, told at least `age` seconds ago, and the newest place in the
    stream that was looked at ("" when unknown)."""
    try:
        entries = _entries(LOOKED_AT_WITHIN if wants.within else LOOKED_AT)
    except redis.RedisError:
        return [], ""
    withdrawn = {item.public_id for item in entries if item.t == "remove"}
    until = time.time_ns() - int(age * 1e9)
    old = [item for item in entries if item.sent_ns <= until]
    found = (item for item in old if item.t != "remove" and item.public_id not in withdrawn and wants(item))
    return [frames.wall(item) for item in islice(found, most)], old[0].id if old else ""


def told() -> list[Item]:
    """What was told lately and not withdrawn, newest first; nothing while Redis is away."""
    try:
        entries = _entries(LOOKED_AT)
    except redis.RedisError:
        return []
    withdrawn = {item.public_id for item in entries if item.t == "remove"}
    return [item for item in entries if item.t != "remove" and item.public_id not in withdrawn]


def rate() -> int | None:
    """Items told during the last minute, at most LOOKED_AT; None when nobody knows."""
    global _rate
    asked, known = _rate
    if time.monotonic() - asked < FRESH:
        return known
    try:
        since = time.time_ns() - 60_000_000_000
        found: int | None = sum(item.t != "remove" and item.sent_ns >= since for item in _entries(LOOKED_AT))
    except redis.RedisError:
        found = None
    _rate = (time.monotonic(), found)
    return found
