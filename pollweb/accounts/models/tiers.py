"""A team's wish for a higher tier, and what the operator answered."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from pollweb.accounts.models.people import TIERS, Team, User

STATES = [("open", "open"), ("granted", "granted"), ("denied", "denied"), ("withdrawn", "withdrawn")]


class TierRequestQuerySet(models.QuerySet["TierRequest"]):
    def open(self) -> Self:
        """Not answered yet, of living teams."""
        return self.filter(state="open", team__deleted_at=None)


class TierRequest(models.Model):
    """At most one of a team is open; answered ones stay as its history."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="tier_requests")
    asked_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    wanted = models.CharField(max_length=16, choices=TIERS)
    purpose = models.TextField(help_text="what it is for")
    load = models.CharField(max_length=300, help_text="what is expected, in words")
    links = models.CharField(max_length=500, blank=True)
    state = models.CharField(max_length=9, choices=STATES, default="open")
    answer = models.TextField(blank=True, help_text="the operator's reason")
    decided_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    decided_at = models.DateTimeField(null=True, blank=True)

    objects = TierRequestQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team"], condition=Q(state="open"), name="one_open_wish")]
        indexes = [models.Index(fields=["state", "-id"])]

    def __str__(self) -> str:
        return f"{self.team} wants {self.wanted}: {self.state}"
