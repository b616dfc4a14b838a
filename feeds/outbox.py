"""From the database to the Redis Stream: what a transaction announced is told once, after it is committed.

The row is the truth: as long as it is due, somebody publishes it, whatever happened to Redis or to a process. The
stream itself refuses an event that it already holds, so any number of processes may publish at once without a lock.

The stream. An entry's own id is `<epoch>-<seq>`: `epoch` the millisecond in which the stream began, `seq` counted from
1 without holes. Outside it is written `<epoch>.<seq>`. A stream that was lost begins again with another epoch.
Fields: `t` event or remove · `kind` · `model` · `public_id` · `mature` "1" or nothing · `sent_ns` · `event` as JSON ·
`team` and `app`, the keys of who made it, or nothing.
"""

import logging
import time
from collections import deque
from collections.abc import Iterable
from datetime import timedelta
from threading import Lock
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from feeds import policy
from feeds.events import FeedEvent
from feeds.models import Outbox, OutboxQuerySet
from pollweb.lib import ids, redis

log = logging.getLogger(__name__)

TOLD_KEPT = timedelta(days=7)


# KEYS: stream, told, and where a lease is needed its key. ARGV: milliseconds now, history, the lease's token or "",
# then for each event its id and the nine fields. Nothing happens when somebody else has the lease.
# `told` is a sorted set of the ids that the stream was given lately; "-public_id" stands for a removal, after which a
# late publisher cannot bring the item back. Answers with one id for each event, empty where nothing was added.
PUBLISH = """
if ARGV[3] ~= '' and redis.call('GET', KEYS[3]) ~= ARGV[3] then return false end
local head = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local epoch, seq = ARGV[1], 0
if head then
  epoch, seq = string.match(head[1], '^(%d+)%-(%d+)$')
else
  redis.call('DEL', KEYS[2])
end
local answer = {}
for i = 4, #ARGV, 10 do
  local id, t, public_id = ARGV[i], ARGV[i + 1], ARGV[i + 4]
  local new = redis.call('ZADD', KEYS[2], 'NX', ARGV[1], id) == 1
  if t == 'remove' then
    redis.call('ZADD', KEYS[2], ARGV[1], '-' .. public_id)
  elseif redis.call('ZSCORE', KEYS[2], '-' .. public_id) then
    new = false
  end
  if new then
    seq = string.format('%.0f', seq + 1)
    redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], epoch .. '-' .. seq,
      't', t, 'kind', ARGV[i + 2], 'model', ARGV[i + 3], 'public_id', public_id,
      'mature', ARGV[i + 5], 'sent_ns', ARGV[i + 6], 'event', ARGV[i + 7],
      'team', ARGV[i + 8], 'app', ARGV[i + 9])
    answer[#answer + 1] = epoch .. '.' .. seq
  else
    answer[#answer + 1] = ''
  end
end
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -2 * ARGV[2] - 1)
redis.call('EXPIRE', KEYS[2], 86400)
return answer
"""

_redis_away = False
_committed: deque[str] = deque()
_publishing = Lock()


def stream_key() -> str:
    return redis.key("feed", "stream")


def announce(event: FeedEvent, *, delay: float | None = None) -> None:
    """Tell everyone, `delay` seconds after the caller's transaction is committed; by default as the operator set it.

    What the operator wants to look at first is held. Announcing an event again changes nothing.
    """
    wait = policy.current().delay if delay is None else delay
    held = policy.holds(event)
    row = Outbox(
        event_id=event.id,
        kind=event.kind,
        payload=event.as_dict(),
        release_at=timezone.now() + timedelta(seconds=wait),
        held=held,
    )
    Outbox.objects.bulk_create([row], ignore_conflicts=True)
    if wait <= 0 and not held:
        _publish_after_commit(event.id)


def retract(public_id: str) -> None:
    """Take an item off every wall and out of what is replayed; if it was not told yet, it never will be."""
    with transaction.atomic():
        Outbox.objects.filter(published_at=None, payload__public_id=public_id).update(published_at=timezone.now())
        row = Outbox.objects.create(event_id=ids.uuid7(), kind="remove", payload={"public_id": public_id})
        _publish_after_commit(str(row.event_id))


def forget(items: Iterable[tuple[UUID, str]]) -> None:
    """(event id, public id) of what is erased: retract what may still be replayed, and keep nothing of what it said."""
    known = dict(items)
    last = Outbox.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    rows = Outbox.objects.filter(event_id__in=known)
    for event_id in rows.filter(pk__gt=last - 2 * settings.DESIGN.feeds.history).values_list("event_id", flat=True):
        retract(known[event_id])
    rows.delete()


def prune() -> int:
    """Forget what was told long ago and can no longer be replayed; returns how many events that were.

    Their ids kept them from being told twice, and nobody announces a week later. What was made here and refused is
    remembered: it may be in a collection.
    """
    last = Outbox.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    told = Outbox.objects.filter(published_at__lt=timezone.now() - TOLD_KEPT)
    told = told.filter(Q(held="") | Q(payload__remote=True))
    old = told.filter(pk__lte=last - 2 * settings.DESIGN.feeds.history).order_by("pk").values_list("pk", flat=True)
    count = 0
    while count < 100_000 and (pks := list(old[:1000])):
        count += Outbox.objects.filter(pk__in=pks).delete()[0]
    return count


def publish_due(limit: int = 500) -> int:
    """Publish what is due, oldest first, and say how many rows that were. With Redis away: none, and they stay due."""
    return _publish(Outbox.objects.due()[:limit])


def _may_be_told(rows: list[Outbox]) -> list[Outbox]:
    """Without what waits while the operator has paused the feed; removals never wait."""
    return [row for row in rows if row.kind == "remove"] if rows and policy.current().is_paused else rows


def _publish_after_commit(event_id: str) -> None:
    """What is committed while another thread publishes goes together, by the next one that comes."""

    def publish() -> None:
        _committed.append(event_id)
        with _publishing:
            events = [_committed.popleft() for _ in range(len(_committed))]
            if events and not _redis_away:  # else publish_due comes by every second: nobody waits here for a timeout
                _publish(Outbox.objects.due().filter(event_id__in=events))

    transaction.on_commit(publish, robust=True)


def _publish(due: OutboxQuerySet) -> int:
    global _redis_away
    rows = _may_be_told(list(due))
    if not rows:
        return 0
    try:
        append(rows)
    except redis.RedisError as error:
        if not _redis_away:
            log.warning("the feed waits for Redis: %s", error)
        _redis_away = True
        return 0
    _redis_away = False
    unpublished = Outbox.objects.filter(pk__in=[row.pk for row in rows], published_at=None)
    return unpublished.update(published_at=timezone.now())


def append(rows: Iterable[Outbox], lease: str = "", token: str = "") -> list[str] | None:
    """Into the stream: the place of each, "" for those it had already. With a `token`, None when the key `lease` holds
    another one."""
    arguments: list[str | bytes | int] = [time.time_ns() // 1_000_000, settings.DESIGN.feeds.history, token]
    for row in rows:
        payload = row.payload
        arguments += [
            str(row.event_id),
            "remove" if row.kind == "remove" else "event",
            row.kind,
            payload.get("model", ""),
            payload.get("public_id", ""),
            "1" if payload.get("is_mature") else "",
            time.time_ns(),
            b"" if row.kind == "remove" else orjson.dumps(payload),
            payload.get("team") or "",
            payload.get("app") or "",
        ]
    client = redis.sync_client()
    script = client.register_script(PUBLISH)
    keys = [stream_key(), redis.key("feed", "told"), *([lease] if lease else [])]
    answer: Any = script(keys=keys, args=arguments)
    return None if answer is None else [each.decode() for each in answer]
