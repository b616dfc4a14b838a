"""A row that ends without a result: its state, its caller's counts, and what pages and webhooks are told of it."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from generation import notices
from generation.errors import Cancelled, ProviderTimeout
from generation.models import Generation, State
from pollweb.lib.errors import PollwebError


def badly(row: Generation, fence: int, held: State | str, error: PollwebError) -> bool:
    """`row` ends with this error, if it is as its holder knows it: in the state `held`, with this fence. False when
    somebody else has had it since."""
    ended: dict[str, Any] = {
        "state": state_of(error),
        "finished_at": timezone.now(),
        "error_code": error.code,
        "error_message": error.message,
    }
    with transaction.atomic():
        mine = Generation.objects.filter(pk=row.pk, fence=fence, state=held)
        if not mine.update(lease_until=None, dedupe_key=None, error_status=error.status, **ended):
            return False
        for name, value in ended.items():
            setattr(row, name, value)
        row.count()
        notices.tell_end([row])
    return True


def state_of(error: PollwebError) -> State:
    if isinstance(error, Cancelled):
        return State.CANCELLED
    return State.EXPIRED if isinstance(error, ProviderTimeout) else State.FAILED
