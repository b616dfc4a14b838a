"""What the operator tells everybody: a banner for a while, and what went wrong, on the status page."""

from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.utils import timezone
from django.utils.translation import get_language

from pollweb.accounts.models import User

KEPT_DAYS = 90  # as the status page looks back


class AnnouncementQuerySet(models.QuerySet["Announcement"]):
    def lately(self) -> Self:
        """What is to come, holds, or ended within the days that the status page shows; newest first."""
        since = timezone.now() - timedelta(days=KEPT_DAYS)
        return self.filter(models.Q(ends_at=None) | models.Q(ends_at__gt=since)).order_by("-begins_at", "-pk")


class Announcement(models.Model):
    """Words in both languages; without Chinese ones the English are shown."""

    words_en = models.CharField(max_length=500)
    words_zh = models.CharField(max_length=500, blank=True)
    is_incident = models.BooleanField(default=False, help_text="stands on the status page, also when it is over")
    begins_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField(null=True, help_text="nobody knows yet")
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")

    objects = AnnouncementQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["-begins_at", "-id"], name="announcements_newest")]

    def __str__(self) -> str:
        return self.words

    @property
    def words(self) -> str:
        """In the reader's language."""
        return self.words_zh if self.words_zh and (get_language() or "").startswith("zh") else self.words_en

    def holds(self, at: datetime) -> bool:
        return self.begins_at <= at and (self.ends_at is None or self.ends_at > at)

    @property
    def state(self) -> str:
        """`planned`, `current` or `over`."""
        now = timezone.now()
        return "current" if self.holds(now) else "planned" if self.begins_at > now else "over"
