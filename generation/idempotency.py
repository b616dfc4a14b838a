"""`Idempotency-Key`: the same key and request get the same answer, however often and however late it is asked again.

A key belongs to its principal and lives for a day. What it leads to is a generation's row, so a replay works after a
restart, and twenty requests at once make one. A request that is refused before it has a row leaves no key behind.
"""

import asyncio
import time
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from generation.errors import Conflict, InvalidRequest
from generation.models import IdempotencyKey
from pollweb.lib import db

KEPT = timedelta(hours=24)
POLL_SECONDS = 0.05
# Whoever holds a key without a row this long has died on the way to it.
ABANDONED = timedelta(minutes=6)


def checked(key: str) -> str:
    """A key as a client sent it; InvalidRequest unless it is 1 to 255 printable ASCII characters."""
    if not 1 <= len(key) <= 255 or not key.isascii() or not key.isprintable():
        raise InvalidRequest("Idempotency-Key must be 1 to 255 printable characters.", code="invalid_idempotency_key")
    return key


def _begin(principal: str, key: str, request_hash: str) -> IdempotencyKey | None:
    """None when the key is now ours; else what it stands for already."""
    now = timezone.now()
    held = IdempotencyKey.objects.filter(principal=principal, key=key)
    held.filter(created_at__lt=now - KEPT).delete()
    held.filter(generation=None, created_at__lt=now - ABANDONED).delete()
    try:
        with transaction.atomic():
            IdempotencyKey.objects.create(principal=principal, key=key, request_hash=request_hash, created_at=now)
    except IntegrityError:
        return held.first()
    return None


def _attach(principal: str, key: str, pk: Any) -> None:
    IdempotencyKey.objects.filter(principal=principal, key=key).update(generation_id=pk)


def _drop(principal: str, key: str) -> None:
    IdempotencyKey.objects.filter(principal=principal, key=key, generation=None).delete()


async def begin(principal: str, key: str, request_hash: str, *, deadline: float) -> Any:
    """The id of the row this key leads to, or None when the key is ours to use now.

    Another request with the key that has no row yet is waited for. InvalidRequest (422) when the key was used for
    something else, Conflict (409) when the other one still has no row at the deadline (time.monotonic()).
    """
    while True:
        held = await db.run(_begin, principal, key, request_hash)
        if held is None:
            return None
        if held.request_hash != request_hash:
            raise InvalidRequest(
                "This Idempotency-Key was used for another request. Use a new key.",
                code="idempotency_key_reused",
                status=422,
            )
        if held.generation_id is not None:
            return held.generation_id
        if time.monotonic() >= deadline:
            raise Conflict("A request with this Idempotency-Key is still on its way.", retry_after=2)
        await asyncio.sleep(POLL_SECONDS)


async def attach(principal: str, key: str, pk: Any) -> None:
    """The key leads to this row from now on."""
    await db.run(_attach, principal, key, pk)


async def drop(principal: str, key: str) -> None:
    """The request was refused before it had a row: the key may be used again."""
    await db.run(_drop, principal, key)
