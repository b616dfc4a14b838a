"""Finished records of relayed answers, on their way from a web process to the database.

A web process appends the record to a Redis stream before it sends the last byte, in the call that gives the caller's
place back: its death loses nothing that was answered. A Celery task, told of it once a second, stores what is there:
rows, usage and the feed's outbox in one transaction for each batch, each record once. Until then whoever asks for the
same is given the record. With Redis away the web process stores its records itself.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import orjson
from django.db import transaction
from django.utils import timezone

from feeds import outbox
from generation import fulfilment, notices, search
from generation.errors import QueueAway
from generation.models import Generation, State
from pollweb.accounts import line, usage
from pollweb.accounts.models import Team
from pollweb.lib import db, redis

log = logging.getLogger(__name__)

BATCH = 200
# About a quarter of an hour at a thousand answers a second; the oldest are stored long before.
MOST_WAITING = 1_000_000
DRAIN_SECONDS = 30
OWN_STORES = 4
# So long a record is given to those who ask for the same: longer than it takes to be stored.
GIVEN_SECONDS = 5

FIELDS = [field.attname for field in Generation._meta.concrete_fields]
# What JSON has as a text, and how it becomes what it was.
TYPES: dict[str, Callable[[str], Any]] = {"DateTimeField": datetime.fromisoformat, "UUIDField": UUID}
READ = {
    field.attname: TYPES[field.get_internal_type()]
    for field in Generation._meta.concrete_fields
    if field.get_internal_type() in TYPES
}
Entries = list[tuple[bytes, dict[bytes, bytes]]]
_storing = asyncio.Semaphore(OWN_STORES)


def stream_key() -> str:
    return redis.key("relayed")


def as_json(row: Generation) -> bytes:
    return orjson.dumps({name: getattr(row, name) for name in FIELDS}, default=str)


def from_json(data: bytes | str) -> Generation:
    """What another release wrote may have other columns: what is not known here is left out."""
    told: dict[str, Any] = orjson.loads(data)
    values = {name: told[name] for name in FIELDS if name in told}
    for name, read in READ.items():
        if isinstance(value := values.get(name), str):
            values[name] = read(value)
    return Generation.new(**values)


async def keep(row: Generation, turn: line.Turn) -> None:
    """Keep the record of a final row and give its caller's place back, in one call.

    Raises QueueAway (503) when neither Redis nor the database takes the record.
    """
    may_be_given = row.state == State.SUCCEEDED and row.fingerprint
    if await turn.leave((stream_key(), as_json(row), MOST_WAITING), given=GIVEN_SECONDS if may_be_given else 0):
        return
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
        # A team may have been erased while its answer was on its way: what belongs to nobody is not kept.
        asked = {row.team_id for row in rows if row.team_id}
        gone = asked - set(Team.objects.filter(pk__in=asked).values_list("pk", flat=True)) if asked else set()
        new = list({row.pk: row for row in rows if row.pk not in known and row.team_id not in gone}.values())
        Generation.objects.bulk_create(new)
        _count(new)
        notices.tell_end(new)
        for row in new:
            if row.is_visible:
                outbox.announce(fulfilment.event(row))
        search.expect(row.pk for row in new if row.is_visible)
    return len(new)


def _count(rows: list[Generation]) -> None:
    """Usage by caller and model: one write for each pair, however many rows."""
    hour = usage.hour_of(timezone.now())
    sums: dict[tuple[usage.Key, datetime], usage.Counts] = {}
    for row in rows:
        counts = row.counts()
        sums.setdefault((row.usage_key, hour), usage.Counts()).add(counts)
        row.end_hold(counts.cost)
    if sums:
        usage.count_all(sums)


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
