"""What the feeds keep: the outbox, the operator's decisions, and the walls that teams have made.

The outbox has exactly one row for each public generation, written in the transaction that finishes it.
"""

from typing import Self

from django.db import models
from django.utils import timezone

from feeds.choices import Choices
from feeds.events import FeedEvent
from pollweb.accounts.models import App, Team, User


class OutboxQuerySet(models.QuerySet["Outbox"]):
    def due(self) -> Self:
        """Not yet told, past the moderation delay, and held back by nothing; oldest first."""
        return self.filter(published_at=None, held="", release_at__lte=timezone.now()).order_by("pk")

    def held(self) -> Self:
        """Waiting for somebody who looks at it."""
        return self.filter(published_at=None).exclude(held="")


class Outbox(models.Model):
    """Something everyone will be told. `event_id` is the generation's id, and makes telling it twice impossible."""

    event_id = models.UUIDField(unique=True)
    kind = models.CharField(max_length=8)
    payload = models.JSONField()
    release_at = models.DateTimeField(default=timezone.now)
    published_at = models.DateTimeField(null=True)
    held = models.CharField(
        max_length=8, blank=True, default="", db_default="", help_text="why it is not told before somebody has looked"
    )

    objects = OutboxQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["id"], name="outbox_due", condition=models.Q(published_at=None, held="")),
            models.Index(fields=["id"], name="outbox_held", condition=models.Q(published_at=None) & ~models.Q(held="")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"

    @property
    def event(self) -> FeedEvent:
        return FeedEvent.from_dict(self.payload)


class Policy(models.Model):
    """What an operator has decided about the feed at its page: one row. Where it says nothing the file holds."""

    is_paused = models.BooleanField(default=False)
    approves_first = models.BooleanField(default=False)
    delay = models.FloatField(null=True, blank=True, help_text="seconds")
    words = models.JSONField(default=list, blank=True)
    threshold = models.FloatField(null=True, blank=True, help_text="from this score of the classifier on, 0 to 1")
    follows = models.BooleanField(null=True, blank=True)
    blocked = models.JSONField(default=list, blank=True, help_text="sources, as feeds.moderation names them")
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "policies"

    def __str__(self) -> str:
        return "the feed's policy"


class WallQuerySet(models.QuerySet["Wall"]):
    def kept(self) -> Self:
        return self.filter(team__deleted_at=None)


class Wall(models.Model):
    """A live wall with a name and bounds of its own. It shows a part of what everybody may see, never more.

    `own` shows only what its team made, with `app` only what that application did; with `collection` only what that
    holds, and nothing when it is gone or was made private. Of `words` one has to occur.
    """

    team = models.ForeignKey(Team, models.CASCADE, related_name="walls")
    slug = models.SlugField(max_length=60, unique=True, help_text="its address: /wall/<slug>")
    name = models.CharField(max_length=80)
    own = models.BooleanField(default=False)
    app = models.ForeignKey(App, models.SET_NULL, null=True, blank=True, related_name="+")
    collection = models.CharField(max_length=22, blank=True, default="", db_default="", help_text="its public id")
    kind = models.CharField(max_length=8, blank=True, help_text="image, text or audio; nothing: all of them")
    words = models.JSONField(default=list, blank=True)
    revision = models.PositiveIntegerField(default=1, help_text="screens that have another one load their page anew")
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = WallQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class ScreenQuerySet(models.QuerySet["Screen"]):
    def kept(self) -> Self:
        return self.filter(wall__team__deleted_at=None)


class Screen(models.Model):
    """A screen in a room, which shows a wall in one way. It has a display key, of which we keep the digest only."""

    wall = models.ForeignKey(Wall, models.CASCADE, related_name="screens")
    name = models.CharField(max_length=80)
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of its key, in hexadecimal digits")
    last_four = models.CharField(max_length=4)
    choices = models.JSONField(default=dict, blank=True, help_text="what feeds.choices reads")
    revision = models.PositiveIntegerField(default=1, help_text="as the wall's")
    last_seen_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ScreenQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    @property
    def shown(self) -> Choices:
        return Choices.read(self.choices)
