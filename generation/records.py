"""Finished records of relayed answers, on their way from a web process to the database.

A web process appends the record to a Redis stream before it sends the last byte, so that its death loses nothing that
was answered. A Celery task, told of it once a second, stores what is there: rows, usage and the feed's outbox in one
transaction for each batch, each record once. With Redis away the web process stores its records itself.
"""

import asyncio
import logging
from collections import Counter
from datetime import datetime
from typing import Any, cast

import orjson
from django.db import transaction

from feeds import outbox
from generation import fulfilment
from generation.errors import QueueAway
from generation.models import Generation, State
from pollweb.accounts import usage
from pollweb.lib import db, redis

log = logging.getLogger(__name__)

BATCH = 200
# About a quarter of an hour at a thousand answers a second; the oldest are stored long before.
MOST_WAITING = 1_000_000
DRAIN_SECONDS = 30
OWN_STORES = 4

FIELDS = [field.attname for field in Generation._meta.concrete_fields]
Entries = list[tuple[bytes, dict[bytes, bytes]]]
_storing = asyncio.Semaphore(OWN_STORES)


def stream_key() -> str:
    return redis.key("relayed")


def as_json(row: Generation) -> bytes:
    return orjson.dumps({name: getattr(row, name) for name in FIELDS}, default=str)


def from_json(data: bytes) -> Generation:
    values: dict[str, Any] = orjson.loads(data)
    for field in Generation._meta.concrete_fields:
        value = values.get(field.attname)
        if isinstance(value, str) and field.get_internal_type() == "DateTimeField":
            values[field.attname] = datetime.fromisoformat(value)
    return Generation(**values)


async def append(row: Generation) -> None:
    """Keep the record of a final row. Raises QueueAway (503) when neither Redis nor the database takes it."""
    try:
        await redis.client().xadd(stream_key(), {b"r": as_json(row)}, maxlen=MOST_WAITING, approximate=True)
    except (redis.RedisError, OSError):
        async with asyncio.timeout(5), _storing:
            try:
                await db.run(store, [row])
            except Exception as exc:
                log.warning("a record could not be kept", exc_info=True)
                raise QueueAway("This answer could not be recorded. Try again.") from exc


def store(rows: list[Generation]) -> int:
    """Insert the rows that are not there yet, with all that their end brings about; returns how many were new."""
    with transaction.atomic():
        known = set(Generation.objects.filter(pk__in=[row.pk for row in rows]).values_list("pk", flat=True))
        new = list({row.pk: row for row in rows if row.pk not in known}.values())
        Generation.objects.bulk_create(new)
        _count(new)
        for row in new:
            if row.is_visible:
                outbox.announce(fulfilment.event(row))
    return len(new)


def _count(rows: list[Generation]) -> None:
    """Usage by caller and model: one write for each pair, however many rows."""
    sums: dict[tuple[Any, ...], Counter[str]] = {}
    for row in rows:
        counts = sums.setdefault((row.kind, row.model, row.team_id, row.token_id), Counter())
        counts["succeeded" if row.state == State.SUCCEEDED else "failed"] += 1
        counts["prompt_tokens"] += row.prompt_tokens
        counts["completion_tokens"] += row.completion_tokens
    for (kind, model, team_id, token_id), counts in sums.items():
        usage.count(kind=kind, model=model, team_id=team_id, token_id=token_id, **counts)


def waiting() -> int:
    """How many records are not stored yet."""
    return int(redis.sync_client().xlen(stream_key()))


def drain() -> int:
    """Store everything that waits, batch by batch; returns how many records were new. One process at a time."""
    client = redis.sync_client()
    lease = redis.key("relayed", "lease")
    if not client.set(lease, b"1", nx=True, ex=DRAIN_SECONDS):
        return 0
    stored = 0
    try:
        while entries := cast(Entries, client.xrange(stream_key(), count=BATCH)):
            stored += store([from_json(fields[b"r"]) for _, fields in entries])
            client.xdel(stream_key(), *(entry_id for entry_id, _ in entries))
            client.expire(lease, DRAIN_SECONDS)
    finally:
        client.delete(lease)
    return stored
