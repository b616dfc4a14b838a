"""The rows: a Generation is one wish and, in the end, its result; the row is the job. An Artifact is stored bytes."""

from datetime import datetime, timedelta
from typing import Any, Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from generation import requests
from pollweb.accounts import usage
from pollweb.accounts.models import Team, Token
from pollweb.lib import ids

LEASE = timedelta(seconds=20)
MOST_ATTEMPTS = 3


class Artifact(models.Model):
    """Bytes in the media store, known by their SHA-256. `touched_at` keeps collection away from what is being used."""

    digest = models.CharField(primary_key=True, max_length=64)
    media_type = models.CharField(max_length=60)
    size = models.PositiveBigIntegerField()
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    duration = models.FloatField(default=0, help_text="seconds of sound")
    placeholder = models.TextField(blank=True, help_text="a picture of a few pixels, as a data: address")
    colour = models.CharField(max_length=7, blank=True, help_text="average colour, #rrggbb")
    variants = models.JSONField(default=dict, help_text='digests of other forms of it: {"webp-640": "…"}')
    touched_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.digest[:12]


class State(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


ACTIVE = (State.QUEUED, State.RUNNING)


class GenerationQuerySet(models.QuerySet["Generation"]):
    def finished(self) -> Self:
        return self.filter(state=State.SUCCEEDED)

    def public(self) -> Self:
        """May be shown to strangers: finished, public by its own row, not hidden by a moderator, not mature."""
        return self.finished().filter(visibility="public", hidden_at=None, is_mature=False)

    def newest_first(self) -> Self:
        """Ids are made of time, and unique: paging by them never repeats or skips a row."""
        return self.order_by("-pk")

    def active(self) -> Self:
        return self.filter(state__in=ACTIVE)

    def reusable(self, fingerprint: str, scope: str) -> Self:
        """Finished results of the same request that whoever has this scope may be given."""
        return self.finished().filter(fingerprint=fingerprint, scope=scope)

    # Transitions: one conditional UPDATE each; False means somebody else was first.

    def claim(self, pk: Any, owner: str) -> int | None:
        """Queued → running under a new fence, which is returned; None when the row is no longer to be had."""
        now = timezone.now()
        taken = self.filter(pk=pk, state=State.QUEUED).update(
            state=State.RUNNING,
            fence=F("fence") + 1,
            attempts=F("attempts") + 1,
            lease_owner=owner,
            lease_until=now + LEASE,
            started_at=now,
        )
        return self.values_list("fence", flat=True).get(pk=pk) if taken else None

    def renew(self, pk: Any, fence: int) -> bool:
        """Keep the lease. False: the row is not ours any more (cancelled, or given to another worker)."""
        return self.filter(pk=pk, fence=fence, state=State.RUNNING).update(lease_until=timezone.now() + LEASE) == 1

    def finish(self, pk: Any, fence: int, state: State, **values: Any) -> bool:
        """Running → a final state. Belongs into one transaction with everything the end brings about."""
        return (
            self.filter(pk=pk, fence=fence, state=State.RUNNING).update(
                state=state, finished_at=timezone.now(), lease_until=None, dedupe_key=None, **values
            )
            == 1
        )

    def give_back(self, pk: Any, fence: int) -> bool:
        """Running → queued again, for another attempt."""
        return (
            self.filter(pk=pk, fence=fence, state=State.RUNNING).update(
                state=State.QUEUED, lease_until=None, queued_at=timezone.now()
            )
            == 1
        )

    def cancel(self, pk: Any) -> bool:
        return (
            self.filter(pk=pk)
            .active()
            .update(
                state=State.CANCELLED,
                finished_at=timezone.now(),
                lease_until=None,
                dedupe_key=None,
                error_code="cancelled",
            )
            == 1
        )


class Generation(models.Model):
    """One wish and its result. Who may see it is said by `visibility` alone: public only because the row says so."""

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    public_id = models.CharField(max_length=22, unique=True, default=ids.public_id, editable=False)

    # What was asked.
    kind = models.CharField(max_length=8, choices=[("image", "image"), ("text", "text"), ("audio", "audio")])
    model = models.CharField(max_length=100, help_text="the public name that answers")
    prompt = models.TextField(blank=True)
    params = models.JSONField(help_text="the whole request, as generation.requests.store writes it")
    fingerprint = models.CharField(max_length=64)
    scope = models.CharField(max_length=80, help_text="who may be given this result again: public, or a principal")
    # NULL, not "", when the row is final: NULLs are never equal, so the constraint holds for rows in flight only.
    dedupe_key = models.CharField(max_length=150, null=True, unique=True)  # noqa: DJ001
    visibility = models.CharField(
        max_length=8, choices=[("public", "public"), ("private", "private")], default="private"
    )

    # Who asked.
    tier = models.CharField(max_length=16, default="anonymous")
    principal = models.CharField(max_length=80, help_text="team:7, or an address shortened to its network")
    team = models.ForeignKey(Team, models.SET_NULL, null=True, related_name="generations")
    token = models.ForeignKey(Token, models.SET_NULL, null=True, related_name="generations")
    referrer = models.CharField(max_length=255, blank=True)
    source_url = models.TextField(blank=True, help_text="the public address that makes this result, without secrets")

    # The job.
    state = models.CharField(max_length=9, choices=State.choices, default=State.QUEUED)
    slot = models.CharField(max_length=40, help_text="what it occupies while it is made, as its provider says")
    streamed = models.BooleanField(default=False, help_text="who asked first hears the pieces as they come")
    keep = models.BooleanField(default=False, help_text="is made even when nobody waits for it any more")
    fence = models.PositiveIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_owner = models.CharField(max_length=80, blank=True)
    lease_until = models.DateTimeField(null=True)
    deadline = models.DateTimeField(help_text="when nobody wants it any more; waiting counts")
    time_limit = models.FloatField(default=60, help_text="seconds that the making alone may take")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    queued_at = models.DateTimeField(default=timezone.now, help_text="when its message was last sent")
    start_after = models.DateTimeField(null=True, help_text="not to be started before: its turn has not come")
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.TextField(blank=True)
    error_status = models.PositiveSmallIntegerField(default=0)

    # The result.
    made_by = models.CharField(max_length=150, blank=True, help_text="provider/model")
    artifact = models.ForeignKey(Artifact, models.PROTECT, null=True, related_name="generations")
    message = models.JSONField(null=True, help_text="an answer, in OpenAI's shape of a message")
    response = models.TextField(blank=True, help_text="the answer's words, for pages and search")
    finish_reason = models.CharField(max_length=20, blank=True)
    notes = models.JSONField(default=dict)
    seed = models.BigIntegerField(null=True)
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    duration = models.FloatField(default=0)
    prompt_tokens = models.PositiveIntegerField(default=0)
    completion_tokens = models.PositiveIntegerField(default=0)
    is_mature = models.BooleanField(default=False)
    hidden_at = models.DateTimeField(null=True, blank=True)

    objects = GenerationQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["-id"],
                name="gallery",
                condition=Q(state="succeeded", visibility="public", hidden_at=None, is_mature=False),
            ),
            models.Index(
                fields=["kind", "-id"],
                name="gallery_kind",
                condition=Q(state="succeeded", visibility="public", hidden_at=None, is_mature=False),
            ),
            models.Index(fields=["fingerprint", "scope"], name="reusable", condition=Q(state="succeeded")),
            models.Index(fields=["slot", "queued_at"], name="waiting", condition=Q(state="queued")),
            models.Index(fields=["state", "lease_until"], name="leases", condition=Q(state__in=["queued", "running"])),
            models.Index(fields=["team", "-id"], name="of_team"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"

    def request(self) -> requests.Request:
        return requests.restore(self.params)

    @property
    def ability(self) -> str:
        """What its model must be able to do: the table of the catalogue that `model` is found in."""
        return requests.KINDS[self.params["request"]].ability

    def count(self, **counts: float) -> None:
        """Add to what its caller used in this hour; belongs into the transaction that ends it."""
        usage.count(kind=self.kind, model=self.model, team_id=self.team_id, token_id=self.token_id, **counts)  # type: ignore[arg-type]

    @property
    def is_final(self) -> bool:
        return self.state not in ACTIVE

    @property
    def is_visible(self) -> bool:
        """May be shown to strangers: the same words as `GenerationQuerySet.public`."""
        return (
            self.state == State.SUCCEEDED
            and self.visibility == "public"
            and self.hidden_at is None
            and not self.is_mature
        )

    def seconds_left(self, now: datetime | None = None) -> float:
        return (self.deadline - (now or timezone.now())).total_seconds()


class IdempotencyKey(models.Model):
    """What a caller's key stands for: nothing yet, or a generation. Kept for a day."""

    principal = models.CharField(max_length=80)
    key = models.CharField(max_length=255)
    request_hash = models.CharField(max_length=64)
    generation = models.ForeignKey(Generation, models.CASCADE, null=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["principal", "key"], name="one_idempotency_key")]

    def __str__(self) -> str:
        return f"{self.principal} {self.key[:20]}"
