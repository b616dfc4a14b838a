"""What has had its time goes, a piece at a time: nothing that grows with use stays for ever unasked.

Usage, which is counts by hour, and what a team has made stay until somebody deletes them. Each step may run twice, run
beside others, and be interrupted.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from feeds import outbox
from generation import artifacts, forgetting, search, store
from generation.idempotency import KEPT
from generation.models import ACTIVE, Generation, IdempotencyKey, State
from pollweb.lib import ids

BATCH = 500
MOST = 100_000  # rows of one kind in one run


def prune() -> dict[str, int]:
    """How many of each went."""
    kept = settings.DESIGN.retention
    steps: dict[str, Callable[[], int]] = {
        "prompts blanked": forgetting.forget_prompts,
        "results of visitors": lambda: _erase(_of_visitors(), kept.visitors_days),
        "failed generations": lambda: _erase(_failed(), kept.failed_days),
        "idempotency keys": _keys,
        "feed events": outbox.prune,
        "files": artifacts.collect,
        "half-written files": store.sweep_parts,
        "search entries": search.sweep,
    }
    return {name: step() for name, step in steps.items()}


def _of_visitors() -> Any:
    return Generation.objects.filter(team=None).exclude(state__in=ACTIVE)


def _failed() -> Any:
    return Generation.objects.filter(state__in=[State.FAILED, State.CANCELLED, State.EXPIRED])


def _erase(rows: Any, days: int) -> int:
    """Rows older than so many days, and what feeds said of them; ids grow with time."""
    if not days:
        return 0
    due = rows.filter(pk__lt=ids.first_of(timezone.now() - timedelta(days=days))).order_by("pk")
    count = 0
    while count < MOST and (found := list(due[:BATCH])):
        outbox.forget([(row.pk, row.public_id) for row in found if row.visibility == "public"])
        Generation.objects.filter(pk__in=[row.pk for row in found]).delete()
        count += len(found)
    return count


def _keys() -> int:
    return IdempotencyKey.objects.filter(created_at__lt=timezone.now() - KEPT).delete()[0]
