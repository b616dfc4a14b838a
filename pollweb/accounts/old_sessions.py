"""Sessions that have ended leave nothing behind."""

from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.utils import timezone

BATCH = 1000
MOST = 100_000  # rows in one run


def prune() -> int:
    """Remove them and what is listed of them; returns how many rows that were."""
    ended = Session.objects.filter(expire_date__lt=timezone.now()).values_list("pk", flat=True)
    count = 0
    while count < MOST and (keys := list(ended[:BATCH])):
        UserSession.objects.filter(session_key__in=keys).delete()
        count += _gone(Session.objects.filter(pk__in=keys))
    return count


def _gone(rows: Any) -> int:
    count: int = rows.delete()[0]
    return count
