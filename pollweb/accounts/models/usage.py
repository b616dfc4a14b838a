"""What was used. Plain names and numbers: nothing here points up to generations."""

from typing import Self

from django.db import models
from django.db.models import F, Sum

from pollweb.accounts.models.credentials import App, Token
from pollweb.accounts.models.people import Team


class UsageQuerySet(models.QuerySet["Usage"]):
    def of_team(self, team: Team) -> Self:
        return self.filter(team=team)

    def sums(self) -> dict[str, float]:
        """All counts together, by name; 0 where there is nothing."""
        found = self.aggregate(**{name: Sum(name) for name in COUNTS})
        return {name: value or 0 for name, value in found.items()}


class Usage(models.Model):
    """What a caller used of one model in one stretch of time."""

    # Without an index of its own, which PostgreSQL would prefer to the one by team and time, and read everything.
    team = models.ForeignKey(Team, models.CASCADE, null=True, db_index=False, related_name="%(class)ss")
    token = models.ForeignKey(Token, models.SET_NULL, null=True)
    app = models.ForeignKey(App, models.SET_NULL, null=True)
    referrer = models.CharField(max_length=253, blank=True, help_text="the registered one that stood for the team")
    kind = models.CharField(max_length=16)
    model = models.CharField(max_length=100)
    # What the unique constraint compares, since NULLs are never equal: "team:token:app:referrer".
    owner = models.CharField(max_length=340)
    # Each request is in exactly one of the first four.
    succeeded = models.PositiveBigIntegerField(default=0)
    failed = models.PositiveBigIntegerField(default=0)
    cancelled = models.PositiveBigIntegerField(default=0)
    cached = models.PositiveBigIntegerField(default=0, help_text="answers that were given again; not in `succeeded`")
    prompt_tokens = models.PositiveBigIntegerField(default=0)
    completion_tokens = models.PositiveBigIntegerField(default=0)
    images = models.PositiveBigIntegerField(default=0)
    audio_seconds = models.FloatField(default=0)
    seconds = models.FloatField(default=0, help_text="spent on making")
    cost = models.PositiveBigIntegerField(default=0, help_text="in millionths of the operator's currency")

    objects = UsageQuerySet.as_manager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.owner} {self.kind} {self.model}"


OUTCOMES = ("succeeded", "failed", "cancelled", "cached")
AMOUNTS = ("prompt_tokens", "completion_tokens", "images", "audio_seconds", "seconds", "cost")
COUNTS = (*OUTCOMES, *AMOUNTS)
REQUESTS = F("succeeded") + F("failed") + F("cancelled") + F("cached")


class UsageHour(Usage):
    """The counts of one hour."""

    hour = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "kind", "model", "hour"], name="one_usage_hour")]
        indexes = [models.Index(fields=["team", "hour"])]


class UsageDay(Usage):
    """The same counts by the day (UTC), written together with the hours: long ranges are read from here."""

    day = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "kind", "model", "day"], name="one_usage_day")]
        indexes = [models.Index(fields=["team", "day"])]
