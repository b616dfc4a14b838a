"""The outbox: exactly one row for each public generation, written in the transaction that finishes it."""

from typing import Self

from django.db import models
from django.utils import timezone


class OutboxQuerySet(models.QuerySet["Outbox"]):
    def due(self) -> Self:
        """Not yet told, and past the moderation delay; oldest first."""
        return self.filter(published_at=None, release_at__lte=timezone.now()).order_by("pk")


class Outbox(models.Model):
    """Something everyone will be told. `event_id` is the generation's id, and makes telling it twice impossible."""

    event_id = models.UUIDField(unique=True)
    kind = models.CharField(max_length=8)
    payload = models.JSONField()
    release_at = models.DateTimeField(default=timezone.now)
    published_at = models.DateTimeField(null=True)

    objects = OutboxQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["id"], name="outbox_due", condition=models.Q(published_at=None))]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"
