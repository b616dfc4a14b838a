"""Announcements as pages read them: from a copy in the cache, which every change renews.

Most pages look into the database when the copy is a minute old: two processes may have written it at once. A page that
must not need the database takes the copy as it is.
"""

import time

from django.db import DatabaseError, transaction
from django.utils import timezone

from pollweb.gallery.models import Announcement
from pollweb.lib import copies

KEY = "announcements"
FRESH_SECONDS = 60.0
KEPT_SECONDS = 90 * 24 * 3600
MOST = 100
CLOSED = "pollweb_closed"  # the cookie of what a browser has closed: numbers, the latest first
MOST_CLOSED = 20


def lately(*, ask: bool = True) -> list[Announcement]:
    """Newest first. `ask` the database where the copy is old; none when neither of them is there."""
    copied_at, rows = copies.kept(KEY) or (0.0, [])
    if not ask or time.time() - copied_at < FRESH_SECONDS:
        return list(rows)
    try:
        return _copied()
    except DatabaseError:
        return list(rows)


def _copied() -> list[Announcement]:
    rows = list(Announcement.objects.lately()[:MOST])
    copies.keep(KEY, (time.time(), rows), KEPT_SECONDS)
    return rows


def current(*, ask: bool = True) -> list[Announcement]:
    """What every page says now, incidents first."""
    now = timezone.now()
    return sorted((each for each in lately(ask=ask) if each.holds(now)), key=lambda each: not each.is_incident)


def incidents() -> list[Announcement]:
    """What went wrong lately, newest first, by the copy; what is only planned is no incident yet."""
    now = timezone.now()
    return [each for each in lately(ask=False) if each.is_incident and each.begins_at <= now]


def changed() -> None:
    """Every process reads it anew, as soon as the change is stored."""
    transaction.on_commit(_copied)
