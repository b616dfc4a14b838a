"""Archives of everything that a team or a person has here."""

import secrets
from datetime import timedelta
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from pollweb.accounts.models.people import Team, User

KEPT = timedelta(days=7)
STATES = [
    ("queued", "queued"),
    ("running", "running"),
    ("ready", "ready"),
    ("failed", "failed"),
    ("expired", "expired"),
]


def secret_name() -> str:
    return secrets.token_urlsafe(16)


class DataExportQuerySet(models.QuerySet["DataExport"]):
    def unfinished(self) -> Self:
        return self.filter(state__in=["queued", "running"])

    def ready(self) -> Self:
        """Can be downloaded now."""
        return self.filter(state="ready", expires_at__gt=timezone.now())

    def chosen_lately(self, team: Team) -> Self:
        """Of chosen results of this team, and of some use still."""
        return self.filter(team=team, chosen__gt=0, created_at__gt=timezone.now() - KEPT).exclude(state="expired")

    def untold(self) -> Self:
        """Came to an end of which whoever asked has not been told; after a week nobody waits for that any more."""
        now = timezone.now()
        return self.filter(state__in=["ready", "failed"], tell_at__lte=now, finished_at__gt=now - KEPT)

    def overdue(self) -> Self:
        """Their file is to be removed."""
        return self.filter(state="ready", expires_at__lte=timezone.now())

    def is_wanted(self, name: str) -> bool:
        """Whether a file of this name is being made, or may be downloaded."""
        return self.filter(name=name, state__in=["running", "ready"]).exists()


class DataExport(models.Model):
    """One archive. Of `team` or of what was chosen there, or without a team of everything that `person` has; only
    `person` may download it."""

    person = models.ForeignKey(User, models.CASCADE, related_name="exports")
    team = models.ForeignKey(Team, models.CASCADE, null=True, blank=True, related_name="exports")
    items = models.JSONField(default=list, blank=True, help_text="public ids of the chosen results; none: everything")
    chosen = models.PositiveIntegerField(default=0, db_default=0, help_text="how many these are")
    state = models.CharField(max_length=7, choices=STATES, default="queued")
    name = models.CharField(max_length=22, default=secret_name, editable=False, help_text="of its file")
    size = models.PositiveBigIntegerField(default=0, help_text="bytes")
    left_out = models.PositiveIntegerField(default=0, help_text="files for which there was no room")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    tell_at = models.DateTimeField(
        null=True, blank=True, help_text="when the mail about its end is due, until it is sent"
    )

    objects = DataExportQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["team"], condition=Q(state__in=["queued", "running"], chosen=0), name="one_export_of_a_team"
            ),
            models.UniqueConstraint(
                fields=["person"],
                condition=Q(state__in=["queued", "running"], team=None),
                name="one_export_of_a_person",
            ),
            models.UniqueConstraint(
                fields=["person"],
                condition=Q(state__in=["queued", "running"], chosen__gt=0),
                name="one_choice_of_a_person",
            ),
        ]
        indexes = [models.Index(fields=["tell_at"], name="untold_exports", condition=Q(tell_at__isnull=False))]

    def __str__(self) -> str:
        return f"{self.team or self.person}: {self.state}"
