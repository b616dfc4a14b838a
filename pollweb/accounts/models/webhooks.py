"""Addresses of a team's own that are told what happens, and what they were told."""

import uuid
from datetime import timedelta
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from pollweb.accounts.models.people import Team, User
from pollweb.lib import ids

OVERLAP = timedelta(hours=24)


class WebhookQuerySet(models.QuerySet["Webhook"]):
    def kept(self) -> Self:
        return self.filter(removed_at=None)

    def in_force(self) -> Self:
        """Those that are told of things: neither removed nor stopped, of living teams."""
        return self.kept().filter(stopped_at=None, team__deleted_at=None)


class Webhook(models.Model):
    """One address. Its secret must be had back to sign, so it lies sealed (pollweb.lib.sealing), not hashed."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="webhooks")
    url = models.CharField(max_length=2000)
    events = models.JSONField(default=list, help_text="names of pollweb.accounts.webhooks.EVENTS")
    secret = models.CharField(max_length=400, help_text="sealed")
    previous_secret = models.CharField(max_length=400, blank=True, help_text="sealed; signs too for a day")
    rotated_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0, help_text="tries that failed since the last that did not")
    delivered_at = models.DateTimeField(null=True, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)
    stopped_reason = models.CharField(max_length=20, blank=True, help_text="failures, gone or paused")
    # A row stays for an hour after its removal: a job that ends in that moment may still refer to it.
    removed_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = WebhookQuerySet.as_manager()

    def __str__(self) -> str:
        return self.url

    @property
    def previous_until(self) -> object:
        """Until when the secret before the last rotation signs too; None when it does not."""
        if not self.previous_secret or self.rotated_at is None or self.rotated_at + OVERLAP < timezone.now():
            return None
        return self.rotated_at + OVERLAP


class WebhookDeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    def due(self) -> Self:
        """To be sent now."""
        return self.filter(
            state="waiting",
            next_at__lte=timezone.now(),
            webhook__stopped_at=None,
            webhook__removed_at=None,
            webhook__team__deleted_at=None,
        )

    def finished(self) -> Self:
        return self.exclude(state="waiting")


class WebhookDelivery(models.Model):
    """One message to one webhook, the same at each try."""

    STATES = [("waiting", "waiting"), ("delivered", "delivered"), ("failed", "failed")]

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries", db_index=False)
    event = models.CharField(max_length=40)
    body = models.TextField()
    state = models.CharField(max_length=9, choices=STATES, default="waiting")
    attempts = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField(default=timezone.now)
    tried_at = models.DateTimeField(null=True, blank=True)
    status = models.PositiveSmallIntegerField(null=True, blank=True, help_text="of the last answer")
    answer = models.TextField(blank=True, help_text="the beginning of the last answer")
    problem = models.CharField(max_length=300, blank=True, help_text="why there was no answer")
    seconds = models.FloatField(default=0, help_text="the last try took")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["webhook", "-id"]),
            models.Index(fields=["next_at"], condition=Q(state="waiting"), name="waiting_deliveries"),
            models.Index(fields=["created_at"]),
        ]

    def __str__(self) -> str:
        return self.message_id

    @property
    def message_id(self) -> str:
        """What `webhook-id` says at each try."""
        return f"msg_{uuid.UUID(str(self.pk)).hex}"
