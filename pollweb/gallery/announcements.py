"""Announcements as pages read them: from a copy in the cache, since every page shows them and `/status` is to work
without the database. Whoever changes one takes the copy away."""

from django.core.cache import cache
from django.db import DatabaseError, transaction
from django.utils import timezone

from pollweb.gallery.models import Announcement

KEY = "announcements"
KEPT_SECONDS = 24 * 3600
MOST = 100
CLOSED = "pollweb_closed"  # the cookie of what a browser has closed: numbers, the latest first
MOST_CLOSED = 20


def lately(*, ask: bool = True) -> list[Announcement]:
    """Newest first; none when neither the copy nor the database is there, or may be asked."""
    kept: list[Announcement] | None = cache.get(KEY)
    if kept is None and not ask:
        return []
    if kept is None:
        try:
            kept = list(Announcement.objects.lately()[:MOST])
        except DatabaseError:
            return []
        cache.set(KEY, kept, KEPT_SECONDS)
    return kept


def current(*, ask: bool = True) -> list[Announcement]:
    """What every page says now, incidents first."""
    now = timezone.now()
    return sorted((each for each in lately(ask=ask) if each.holds(now)), key=lambda each: not each.is_incident)


def incidents() -> list[Announcement]:
    """What went wrong lately, newest first; what is only planned is no incident yet."""
    now = timezone.now()
    return [each for each in lately() if each.is_incident and each.begins_at <= now]


def changed() -> None:
    """Every process reads anew, as soon as the change is stored."""
    transaction.on_commit(lambda: cache.delete(KEY))
