"""What the leader has taken in and not yet told: in Redis, in order, so that a leader that dies loses nothing.

An item stays here for the moderation delay, then goes into the stream by the script that publishes everything. Both
steps may be done again at any time: what was taken in during the last ten minutes is not taken in twice, and the stream
refuses what it was given.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
from django.db import connection

from feeds import outbox, policy
from feeds.events import FeedEvent
from feeds.models import Outbox
from feeds.relay import lease
from feeds.relay.lease import Fenced
from feeds.relay.sources import Source
from pollweb.lib import redis

REMEMBERED = 600.0
MOST_WAITING = 2000
AT_ONCE = 25

# KEYS: lease, seen, waiting, places. ARGV: token, event id, event, delay and memory in milliseconds, most that may
# wait, the source, its last event id. `seen` is a sorted set of event ids by the millisecond they came in, `waiting` a
# list of "<millisecond when it is due> <event>", `places` a hash of each source's last event id.
TAKE_IN = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'fenced' end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[8] ~= '' then redis.call('HSET', KEYS[4], ARGV[7], ARGV[8]) end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[5])
if redis.call('ZSCORE', KEYS[2], ARGV[2]) then return 'duplicate' end
if redis.call('LLEN', KEYS[3]) >= tonumber(ARGV[6]) then return 'full' end
redis.call('ZADD', KEYS[2], now, ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[5])
redis.call('RPUSH', KEYS[3], string.format('%.0f ', now + ARGV[4]) .. ARGV[3])
return 'taken'
"""

# KEYS: lease, waiting. ARGV: token, how many.
CLEAR = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('LTRIM', KEYS[2], ARGV[2], -1)
return 1
"""


def _key(name: str) -> str:
    return redis.key("feed", "relay", name)


async def last_id(source: Source) -> str:
    """Where the last leader was in this feed, or nothing."""
    client: Any = redis.client()
    found = await client.hget(_key("places"), source.key)
    return found.decode() if found else ""


def _in_thread[**P, T](ask: Callable[P, T]) -> Callable[P, T]:
    """A thread of the relay's keeps no connection to the database."""

    def asked(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return ask(*args, **kwargs)
        finally:
            connection.close_if_unusable_or_obsolete()

    return asked


_holds, _keep, _decided = _in_thread(policy.holds), _in_thread(policy.keep), _in_thread(policy.current)


async def take_in(token: str, source: Source, event: FeedEvent, last_id: str) -> str:
    """`taken`, `duplicate`, `held` for the operator to look at, or `full` when too many wait. Fenced when another one
    leads."""
    if reason := await asyncio.to_thread(_holds, event):
        return "held" if await asyncio.to_thread(_keep, event, reason) else "duplicate"
    client: Any = redis.client()
    keys = [lease.key(), _key("seen"), _key("waiting"), _key("places")]
    delay = int((await asyncio.to_thread(_decided)).delay * 1000)
    said = [token, event.id, event.to_json(), delay, int(REMEMBERED * 1000), MOST_WAITING, source.key, last_id]
    outcome = (await client.eval(TAKE_IN, len(keys), *keys, *said)).decode()
    if outcome == "fenced":
        raise Fenced
    return outcome


async def tell_due(token: str) -> list[tuple[dict[str, Any], bool]]:
    """Tell what is due, oldest first: each event, and whether the stream did not have it yet."""
    if (await asyncio.to_thread(_decided)).is_paused:
        return []
    client: Any = redis.client()
    seconds, microseconds = await client.time()
    now = seconds * 1000 + microseconds // 1000
    due: list[dict[str, Any]] = []
    for entry in await client.lrange(_key("waiting"), 0, AT_ONCE - 1):
        at, _, data = entry.partition(b" ")
        if int(at) > now:
            break
        due.append(orjson.loads(data))
    if not due:
        return []
    rows = [Outbox(event_id=event["id"], kind=event["kind"], payload=event) for event in due]
    places = await asyncio.to_thread(outbox.append, rows, lease.key(), token)
    if places is None or not await client.eval(CLEAR, 2, lease.key(), _key("waiting"), token, len(due)):
        raise Fenced
    return [(event, bool(place)) for event, place in zip(due, places, strict=True)]
