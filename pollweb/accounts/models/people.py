"""People, the teams they are in, and the invitations that bring them there."""

import secrets
from datetime import datetime, timedelta
from typing import Self

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.text import slugify

TIERS = [("anonymous", "anonymous"), ("seed", "seed"), ("flower", "flower"), ("nectar", "nectar")]
# From the most to the least that one may do; pollweb.accounts.permissions says what.
ROLES = [("owner", "owner"), ("admin", "admin"), ("member", "member"), ("viewer", "viewer")]
# How long a deleted team can be had back.
UNDO = timedelta(days=7)
VISIBILITIES = [("public", "public"), ("private", "private")]


class User(AbstractUser):
    """A person. Teams own everything; a person owns memberships."""

    preferences = models.JSONField(default=dict, blank=True, help_text="What programs keep here by the auth API.")
    metrics = models.JSONField(default=dict, blank=True, help_text="What the operator's programs count here.")
    settings = models.JSONField(default=dict, blank=True, help_text="How this person wants to see the site.")
    leaving_at = models.DateTimeField(null=True, blank=True, help_text="when they asked to have everything deleted")

    class Meta(AbstractUser.Meta):
        constraints = [
            models.UniqueConstraint(Lower("email"), condition=~Q(email=""), name="one_account_for_an_address"),
        ]


class TeamQuerySet(models.QuerySet["Team"]):
    def living(self) -> Self:
        """Not deleted: a deleted team can be had back for a week, and until then nobody acts in its name."""
        return self.filter(deleted_at=None)

    def restorable_by(self, user: User) -> Self:
        """Deleted ones that this person, an owner, can still have back."""
        return self.filter(
            deleted_at__gt=timezone.now() - UNDO, memberships__user=user, memberships__role="owner"
        ).order_by("name")

    def gone(self) -> Self:
        """Deleted so long ago that nobody can have them back: to be erased."""
        return self.filter(deleted_at__lte=timezone.now() - UNDO)

    def of(self, user: User) -> Self:
        """The living teams that this person is in, the personal one first."""
        return self.living().filter(memberships__user=user).order_by(models.F("person").asc(nulls_last=True), "name")


class Team(models.Model):
    """A group with tokens, a tier and usage. A person alone has a team of one."""

    name = models.CharField(max_length=80)
    slug = models.SlugField(max_length=60, unique=True, help_text="its name in addresses")
    person = models.OneToOneField(
        User, models.CASCADE, null=True, blank=True, related_name="personal_team", help_text="whose team of one it is"
    )
    tier = models.CharField(max_length=16, choices=TIERS, default="seed")
    visibility = models.CharField(
        max_length=8,
        choices=VISIBILITIES,
        default="private",
        help_text="What the team's results are when a request does not say.",
    )
    # The team's policy: what holds whatever a request says.
    always_private = models.BooleanField(default=False)
    always_safe = models.BooleanField(default=False)
    allowed_models = models.JSONField(default=list, blank=True, help_text="public model names; none: all")
    requires_second_factor = models.BooleanField(default=False)
    monthly_quota = models.PositiveBigIntegerField(null=True, blank=True, help_text="requests a month; nothing: no end")
    monthly_budget = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="money a month, in millionths of the operator's currency; nothing: no end"
    )
    prompt_days = models.PositiveSmallIntegerField(
        default=90, help_text="days that prompts of private results are kept; 0: not at all"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True)
    deleted_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    objects = TeamQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["name"]),
            models.Index(fields=["deleted_at"], name="deleted_teams", condition=Q(deleted_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: object, **kwargs: object) -> None:
        if not self.slug:
            self.slug = free_slug(self.name)
        super().save(*args, **kwargs)  # type: ignore[arg-type]

    @property
    def erased_on(self) -> datetime | None:
        """When a deleted team can no longer be had back."""
        return self.deleted_at + UNDO if self.deleted_at else None


def free_slug(name: str) -> str:
    """A name for addresses that no team has yet. Names without Latin letters get a random one."""
    base = slugify(name)[:50] or f"team-{secrets.token_hex(4)}"
    if not Team.objects.filter(slug=base).exists():
        return base
    return f"{base}-{secrets.token_hex(3)}"


class MembershipQuerySet(models.QuerySet["Membership"]):
    def owners(self) -> Self:
        return self.filter(role="owner")


class Membership(models.Model):
    team = models.ForeignKey(Team, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=8, choices=ROLES, default="member")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "user"], name="one_membership")]

    def __str__(self) -> str:
        return f"{self.user} · {self.role}"


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> Self:
        """Neither used, withdrawn nor expired."""
        return self.filter(accepted_at=None, revoked_at=None, expires_at__gt=timezone.now())


class Invitation(models.Model):
    """A link into a team: 128 random bits of which we keep the digest, for one person, once, for a week."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="invitations")
    email = models.EmailField(blank=True, help_text="only an account with this address may use it; nothing: anybody")
    role = models.CharField(max_length=8, choices=ROLES, default="member")
    digest = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.email or 'anybody'} to {self.team}"
