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


def _held(principal: str, key: str) -> IdempotencyKey | None:
    """What the key stands for; what has had its time is forgotten."""
    now = timezone.now()
    held = IdempotencyKey.objects.filter(principal=principal, key=key)
    held.filter(created_at__lt=now - KEPT).delete()
    held.filter(generation=None, created_at__lt=now - ABANDONED).delete()
    return held.first()


def _begin(principal: str, key: str, request_hash: str) -> IdempotencyKey | None:
    """None when the key is now ours; else what it stands for already."""
    if held := _held(principal, key):
        return held
    try:
        take(principal, key, request_hash)
    except IntegrityError:
        return IdempotencyKey.objects.filter(principal=principal, key=key).first()
    return None


def take(principal: str, key: str, request_hash: str, pk: Any = None) -> None:
    """Make the key, which leads to this row; IntegrityError when somebody else has it."""
    with transaction.atomic():
        IdempotencyKey.objects.create(principal=principal, key=key, request_hash=request_hash, generation_id=pk)


def forget(pk: Any) -> None:
    """No key leads to this row any more."""
    IdempotencyKey.objects.filter(generation_id=pk).delete()


def lead(principal: str, key: str, pk: Any) -> None:
    """The key that is ours leads to this row from now on; belongs into the transaction that makes the row."""
    IdempotencyKey.objects.filter(principal=principal, key=key).update(generation_id=pk)


def known(principal: str, key: str, request_hash: str) -> Any:
    """The id of the row that this key leads to, or None while nobody has it.

    InvalidRequest (422) when it was used for something else, Conflict (409) while somebody who waits has no row yet.
    """
    held = _held(principal, key)
    if held is not None and _leads(held, request_hash) is None:
        raise _on_its_way()
    return held and held.generation_id


def _leads(held: IdempotencyKey, request_hash: str) -> Any:
    if held.request_hash != request_hash:
        raise InvalidRequest(
            "This Idempotency-Key was used for another request. Use a new key.",
            code="idempotency_key_reused",
            status=422,
        )
    return held.generation_id


def _on_its_way() -> Conflict:
    return Conflict("A request with this Idempotency-Key is still on its way.", retry_after=2)


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
        if (pk := _leads(held, request_hash)) is not None:
            return pk
        if time.monotonic() >= deadline:
            raise _on_its_way()
        await asyncio.sleep(POLL_SECONDS)


async def attach(principal: str, key: str, pk: Any) -> None:
    """The key leads to this row from now on."""
    await db.run(lead, principal, key, pk)


async def drop(principal: str, key: str) -> None:
    """The request was refused before it had a row: the key may be used again."""
    await db.run(_drop, principal, key)
