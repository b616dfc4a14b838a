"""What stands in for a team at the API's door: tokens, which are secrets, and referrers, which are not."""

from datetime import timedelta
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from pollweb.accounts.models.people import VISIBILITIES, Team, User

SOON = timedelta(days=14)


class App(models.Model):
    """A team's registered application: what its referrers and tokens are for."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="apps")
    name = models.CharField(max_length=80)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="one_app_of_a_name")]

    def __str__(self) -> str:
        return self.name


class ReferrerQuerySet(models.QuerySet["Referrer"]):
    def in_force(self) -> Self:
        """Those that raise a caller's tier: verified domains and identifiers, of living teams."""
        counts = Q(kind="identifier") | Q(verified_at__isnull=False)
        return self.filter(counts, blocked_at=None, team__deleted_at=None)


class Referrer(models.Model):
    """A domain (`app.example.com`, `*.example.com`) or a free identifier (`MyPythonApp`) that a team has registered.

    Several teams may claim a domain; the one that verifies it has it. An identifier is first come.
    """

    KINDS = [("domain", "domain"), ("wildcard", "wildcard"), ("identifier", "identifier")]

    team = models.ForeignKey(Team, models.CASCADE, related_name="referrers")
    app = models.ForeignKey(App, models.CASCADE, null=True, blank=True, related_name="referrers")
    kind = models.CharField(max_length=10, choices=KINDS)
    pattern = models.CharField(max_length=253, help_text="as compared: IDNA, lower case, without port")
    proof = models.CharField(max_length=64, help_text="what the owner publishes at the domain")
    verified_at = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=300, blank=True, help_text="why the last check failed")
    blocked_at = models.DateTimeField(null=True, blank=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ReferrerQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "pattern"], name="one_claim_of_a_team"),
            models.UniqueConstraint(fields=["pattern"], condition=Q(kind="identifier"), name="one_identifier"),
            models.UniqueConstraint(
                fields=["pattern"], condition=Q(verified_at__isnull=False), name="one_verified_domain"
            ),
        ]
        indexes = [models.Index(fields=["pattern"])]

    def __str__(self) -> str:
        return self.pattern

    @property
    def is_in_force(self) -> bool:
        """As `in_force`, for one row of a living team."""
        return self.blocked_at is None and (self.kind == "identifier" or self.verified_at is not None)


class SeenHost(models.Model):
    """A host that sent a team's identifier without being registered: for the team to register or to block."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="seen_hosts")
    host = models.CharField(max_length=253)
    requests = models.PositiveBigIntegerField(default=0)
    first_seen_at = models.DateTimeField(default=timezone.now, editable=False)
    last_seen_at = models.DateTimeField(default=timezone.now)
    blocked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "host"], name="one_seen_host")]

    def __str__(self) -> str:
        return self.host


class TokenQuerySet(models.QuerySet["Token"]):
    def usable(self) -> Self:
        """Neither revoked nor expired, of a living team."""
        now = timezone.now()
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None, team__deleted_at=None)

    def expiring(self) -> Self:
        """Usable, and at their end within two weeks."""
        return self.usable().filter(expires_at__lt=timezone.now() + SOON)

    def expired(self) -> Self:
        return self.filter(revoked_at=None, expires_at__lte=timezone.now())

    def revoked(self) -> Self:
        return self.filter(revoked_at__isnull=False)


class Token(models.Model):
    """A secret of a team, of which we keep the digest only: the secret itself is shown once, when it is made.

    A rotated token keeps its name, limits and history; the secret before works until `previous_until`.
    """

    team = models.ForeignKey(Team, models.CASCADE, related_name="tokens")
    app = models.ForeignKey(App, models.SET_NULL, null=True, blank=True, related_name="tokens")
    name = models.CharField(max_length=80, default="token")
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the secret, in hexadecimal digits")
    last_four = models.CharField(max_length=4)
    previous_digest = models.CharField(max_length=64, unique=True, null=True, blank=True)
    previous_until = models.DateTimeField(null=True, blank=True)
    previous_used_at = models.DateTimeField(null=True, blank=True)
    previous_uses = models.PositiveBigIntegerField(default=0, db_default=0, help_text="since the rotation, at least")
    visibility = models.CharField(
        max_length=8, choices=VISIBILITIES, blank=True, help_text="public or private; nothing: the team's"
    )
    # What it may do, below what its team may. None or an empty list: nothing of its own.
    scopes = models.JSONField(default=list, blank=True, help_text="names of pollweb.accounts.scopes; none: the usual")
    allowed_models = models.JSONField(default=list, blank=True, help_text="public model names; none: all")
    networks = models.JSONField(default=list, blank=True, help_text="addresses it may come from, in CIDR; none: all")
    interval = models.FloatField(null=True, blank=True, help_text="seconds between two starts")
    concurrency = models.PositiveIntegerField(null=True, blank=True, help_text="how many run at once")
    monthly_quota = models.PositiveBigIntegerField(null=True, blank=True, help_text="requests a month")
    monthly_budget = models.PositiveBigIntegerField(null=True, blank=True, help_text="money a month, in millionths")
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="tokens")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_reason = models.CharField(max_length=200, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_used_from = models.CharField(max_length=64, blank=True, help_text="the address, truncated")
    last_used_by = models.CharField(max_length=120, blank=True, help_text="the program, as it calls itself")
    seen_in_url_at = models.DateTimeField(null=True, blank=True)

    objects = TokenQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["team", "-created_at"])]

    def __str__(self) -> str:
        return f"{self.name} (pw_…{self.last_four})"

    @property
    def state(self) -> str:
        """active, expiring (within two weeks), expired or revoked."""
        if self.revoked_at:
            return "revoked"
        if self.expires_at is None or self.expires_at > timezone.now() + SOON:
            return "active"
        return "expiring" if self.expires_at > timezone.now() else "expired"

    @property
    def previous_works(self) -> bool:
        """Whether the secret before the last rotation is still taken."""
        return self.previous_until is not None and self.previous_until > timezone.now()
