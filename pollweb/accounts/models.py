"""Who there is: users, teams, their members and tokens, and what they used."""

from typing import Self

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.utils import timezone

TIERS = [("anonymous", "anonymous"), ("seed", "seed"), ("flower", "flower"), ("nectar", "nectar")]


class User(AbstractUser):
    """A person. Teams own everything; a person owns memberships."""


class Team(models.Model):
    """A group with tokens, a tier and usage. A person alone has a team of one."""

    name = models.CharField(max_length=80, unique=True)
    tier = models.CharField(max_length=16, choices=TIERS, default="seed")
    visibility = models.CharField(
        max_length=8,
        choices=[("public", "public"), ("private", "private")],
        default="private",
        help_text="What the team's results are when a request does not say.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    ROLES = [("owner", "owner"), ("admin", "admin"), ("member", "member"), ("viewer", "viewer")]

    team = models.ForeignKey(Team, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=8, choices=ROLES, default="member")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "user"], name="one_membership")]

    def __str__(self) -> str:
        return f"{self.user} · {self.role}"


class TokenQuerySet(models.QuerySet["Token"]):
    def usable(self) -> Self:
        """Neither revoked nor expired."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()), revoked_at=None)


class Token(models.Model):
    """A secret of a team, of which we keep the digest only: the secret itself is shown once, when it is made."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=80, default="token")
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the secret, in hexadecimal digits")
    last_four = models.CharField(max_length=4)
    visibility = models.CharField(max_length=8, blank=True, help_text="public or private; nothing: the team's")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects = TokenQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.name} (pw_…{self.last_four})"


class UsageHour(models.Model):
    """What a caller used in one hour of one model. Plain names and numbers: nothing here points up to generations."""

    team = models.ForeignKey(Team, models.CASCADE, null=True, related_name="usage")
    token = models.ForeignKey(Token, models.SET_NULL, null=True)
    kind = models.CharField(max_length=16)
    model = models.CharField(max_length=100)
    hour = models.DateTimeField()
    # What the unique constraint compares, since NULLs are never equal: "team:token".
    owner = models.CharField(max_length=80)
    succeeded = models.PositiveBigIntegerField(default=0)
    failed = models.PositiveBigIntegerField(default=0)
    prompt_tokens = models.PositiveBigIntegerField(default=0)
    completion_tokens = models.PositiveBigIntegerField(default=0)
    seconds = models.FloatField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "kind", "model", "hour"], name="one_usage_hour")]
        indexes = [models.Index(fields=["team", "hour"])]

    def __str__(self) -> str:
        return f"{self.owner} {self.kind} {self.model} {self.hour:%Y-%m-%d %H}h"
