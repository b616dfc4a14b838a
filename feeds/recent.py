"""What was told last, for pages: read from the stream without the hub, and nothing when Redis is away."""

import time
from typing import Any

from feeds import frames
from feeds.frames import Item
from feeds.outbox import stream_key
from pollweb.lib import redis

LOOKED_AT = 120  # entries of the stream
FRESH = 5.0  # seconds for which a rate is told again without asking

_rate: tuple[float, int | None] = (0.0, None)


def _entries(count: int) -> list[Item]:
    """The newest entries, newest first."""
    found: Any = redis.sync_client().xrevrange(stream_key(), count=count)
    return [Item.from_entry(entry_id, fields) for entry_id, fields in found]


def latest(kinds: frozenset[str], most: int) -> tuple[list[dict[str, Any]], str]:
    """Up to `most` item frames of the wall, newest first, and the newest place in the stream ("" when unknown)."""
    try:
        entries = _entries(LOOKED_AT)
    except redis.RedisError:
        return [], ""
    withdrawn = {item.public_id for item in entries if item.t == "remove"}
    shown = [
        frames.wall(item)
        for item in entries
        if item.t != "remove" and item.kind in kinds and not item.mature and item.public_id not in withdrawn
    ]
    return shown[:most], entries[0].id if entries else ""


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
