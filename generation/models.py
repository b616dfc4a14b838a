"""The rows: a Generation is one wish and, in the end, its result; the row is the job. An Artifact is stored bytes."""

from collections.abc import Collection
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any, Self

from django.db import models, transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.base import ModelState
from django.db.models.functions import Coalesce
from django.utils import timezone

from generation import pricing, requests
from pollweb.accounts import quota, usage
from pollweb.accounts.models import App, Team, Token, User
from pollweb.lib import ids
from pollweb.lib.prepared import Literal
from pollweb.lib.quick_rows import QuickRows

LEASE = timedelta(seconds=20)
MOST_ATTEMPTS = 5


class Artifact(QuickRows):
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
    varied_at = models.DateTimeField(null=True, help_text="when the other forms of a picture were made")
    touched_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index(
                fields=["touched_at"],
                name="unvaried_pictures",
                condition=Q(varied_at=None, media_type__startswith="image/"),
            )
        ]

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
        return self._public(is_mature=False)

    def sensitive(self) -> Self:
        """Public by their makers' will, and kept from strangers for nothing but being mature."""
        return self._public(is_mature=True)

    def _public(self, *, is_mature: bool) -> Self:
        """In the very words of the partial indexes that serve it."""
        state, visibility = Literal(State.SUCCEEDED), Literal("public")
        return self.filter(state=state, visibility=visibility, hidden_at=None, is_mature=is_mature)

    def newest_first(self) -> Self:
        """Ids are made of time, and unique: paging by them never repeats or skips a row."""
        return self.order_by("-pk")

    def of_team(self, team: Team) -> Self:
        """Everything that the team made and has not deleted."""
        return self.filter(team=team, deleted_at=None)

    def used_by(self, team: Team) -> Self:
        """The team's request log: its own, and what callers asked for by its registered referrers."""
        return self.filter(usage_team=team)

    def made_between(self, start: datetime, end: datetime) -> Self:
        """By the time in their ids, from `start` up to but without `end`: a stretch of the index, whatever is asked."""
        return self.filter(pk__gte=ids.first_of(start), pk__lt=ids.first_of(end))

    def remove(self) -> int:
        """Out of sight at once, gone for good when `restore` can no longer be asked for."""
        now = timezone.now()
        return self.filter(deleted_at=None).update(
            deleted_at=now,
            hidden_at=Coalesce("hidden_at", Value(now, output_field=models.DateTimeField())),
            fingerprint="",
        )

    def restore(self) -> int:
        """Undo `remove`. What a moderator had hidden before stays hidden."""
        hidden = Case(When(hidden_at=F("deleted_at"), then=Value(None)), default=F("hidden_at"))
        return self.filter(deleted_at__isnull=False).update(hidden_at=hidden, deleted_at=None)

    def active(self) -> Self:
        return self.filter(state__in=ACTIVE)

    def succeeded_among(self, pks: Collection[str]) -> set[str]:
        """Not a queryset: which of these are finished results."""
        return {str(pk) for pk in self.finished().filter(pk__in=list(pks)).values_list("pk", flat=True)}

    def startable(self, slot: str) -> Self:
        """Queued for this slot, wanted still, and not waiting for the turn of its caller."""
        now = timezone.now()
        waiting = self.filter(state=State.QUEUED, slot=slot, deadline__gt=now)
        return waiting.exclude(start_after__gt=now)

    def first_served(self) -> Self:
        """Callers with a token before registered referrers before anonymous ones, higher tiers first, then by age."""
        return self.order_by("-rank", "created_at")

    def before(self, row: "Generation") -> Self:
        """Those that the workers will take before this queued one."""
        earlier = Q(rank__gt=row.rank) | Q(rank=row.rank, created_at__lt=row.created_at)
        return self.filter(earlier, state=State.QUEUED, slot=row.slot)

    def raise_rank(self, pk: Any, rank: int) -> None:
        """Somebody who is served earlier waits for this one too."""
        self.filter(pk=pk, state=State.QUEUED, rank__lt=rank).update(rank=rank)

    def reusable(self, fingerprint: str, scope: str) -> Self:
        """Finished results of the same request that whoever has this scope may be given."""
        return self.finished().filter(fingerprint=fingerprint, scope=scope)

    # Transitions: one conditional UPDATE each; False means somebody else was first.

    def claim(self, pk: Any, owner: str) -> "Generation | None":
        """Queued → running under a new fence: the row as it is then. None when it is no longer to be had."""
        now = timezone.now()
        taken = self.filter(pk=pk, state=State.QUEUED).update(
            state=State.RUNNING,
            fence=F("fence") + 1,
            attempts=F("attempts") + 1,
            lease_owner=owner,
            lease_until=now + LEASE,
            started_at=now,
        )
        return self.get(pk=pk) if taken else None

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

    def give_back(self, pk: Any, fence: int, *, is_lost: bool = False) -> bool:
        """Running → queued again. As if nothing had been, unless its worker was lost over it: that is an attempt."""
        row = self.filter(pk=pk, fence=fence, state=State.RUNNING)
        values: dict[str, Any] = {} if is_lost else {"attempts": F("attempts") - 1}
        return row.update(state=State.QUEUED, lease_until=None, queued_at=timezone.now(), **values) == 1

    def cancel(self, pk: Any) -> bool:
        with transaction.atomic():
            cancelled = (
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
            if cancelled:
                self.model.objects.get(pk=pk).count()
        return cancelled


class Generation(QuickRows):
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
    app = models.ForeignKey(App, models.SET_NULL, null=True, db_index=False, related_name="generations")
    referrer = models.CharField(max_length=255, blank=True)
    # Whose usage it is: the team's, or that of the team whose registered referrer stood for a caller without a token.
    usage_team = models.ForeignKey(Team, models.SET_NULL, null=True, db_index=False, related_name="used_generations")
    registered_referrer = models.CharField(max_length=253, blank=True)
    request_id = models.CharField(max_length=40, blank=True, db_default="", help_text="X-Request-Id of the answer")
    traceparent = models.CharField(max_length=55, blank=True, db_default="", help_text="the trace it belongs to")
    source_url = models.TextField(blank=True, help_text="the public address that makes this result, without secrets")

    # The job.
    state = models.CharField(max_length=9, choices=State.choices, default=State.QUEUED)
    slot = models.CharField(max_length=40, help_text="what it occupies while it is made, as its provider says")
    streamed = models.BooleanField(default=False, help_text="who asked first hears the pieces as they come")
    rank = models.PositiveSmallIntegerField(default=0, db_default=0, help_text="the highest is made first")
    reserved = models.PositiveIntegerField(
        default=0, db_default=0, help_text="requests of its caller's monthly quota held for it"
    )
    reserved_cost = models.PositiveBigIntegerField(
        default=0, db_default=0, help_text="the same of its caller's monthly budget, in millionths"
    )
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
    deleted_at = models.DateTimeField(null=True, blank=True, help_text="taken back by its team; gone soon after")
    words_gone = models.BooleanField(default=False, help_text="its prompt was blanked when its team's days were over")

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
            models.Index(
                fields=["-id"],
                name="sensitive",
                condition=Q(state="succeeded", visibility="public", hidden_at=None, is_mature=True),
            ),
            models.Index(fields=["fingerprint", "scope"], name="reusable", condition=Q(state="succeeded")),
            models.Index(fields=["slot", "-rank", "created_at"], name="waiting_by_rank", condition=Q(state="queued")),
            models.Index(fields=["slot", "created_at"], name="waiting_by_age", condition=Q(state="queued")),
            models.Index(fields=["state", "lease_until"], name="leases", condition=Q(state__in=["queued", "running"])),
            models.Index(fields=["team", "-id"], name="of_team"),
            models.Index(
                fields=["team", "id"],
                name="with_words",
                condition=Q(visibility="private", words_gone=False, team__isnull=False),
            ),
            models.Index(fields=["usage_team", "-id"], name="of_usage_team"),
            models.Index(fields=["app"], name="of_app", condition=Q(app__isnull=False)),
            # The request log of a team, narrowed.
            models.Index(
                fields=["usage_team", "-id"], name="failed_of_team", condition=Q(state__in=["failed", "expired"])
            ),
            # What runs, waits or failed: SQLite does not see that a partial index answers `state IN (…)`.
            models.Index(fields=["usage_team", "state", "-id"], name="of_team_state"),
            models.Index(fields=["usage_team", "model", "-id"], name="of_team_model"),
            models.Index(fields=["token", "-id"], name="of_token"),
            models.Index(
                fields=["usage_team", "registered_referrer", "-id"],
                name="of_team_referrer",
                condition=~Q(registered_referrer=""),
            ),
            models.Index(fields=["deleted_at"], name="to_delete", condition=Q(deleted_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"

    @classmethod
    def new(cls, **values: Any) -> "Generation":
        """`Generation(**values)`, by column names, at a tenth of the cost: Django looks at each of 60 fields four
        times, and this is made for every answer. No signal is sent, as none is listened to."""
        fixed, made = _columns()
        row = cls.__new__(cls)
        row._state = ModelState()
        columns = row.__dict__
        columns.update(fixed)
        columns.update(values)
        for name, make in made:
            if name not in values:
                columns[name] = make()
        if len(columns) > len(fixed) + len(made) + 1:  # and the state
            raise TypeError(f"a generation has no {', '.join(values.keys() - fixed.keys() - dict(made).keys())}")
        return row

    def request(self) -> requests.Request:
        return requests.restore(self.params)

    @property
    def ability(self) -> str:
        """What its model must be able to do: the table of the catalogue that `model` is found in."""
        return requests.KINDS[self.params["request"]].ability

    @property
    def usage_key(self) -> usage.Key:
        """Whose usage it is counted as."""
        return usage.Key(
            kind=self.kind,
            model=self.model,
            team_id=self.usage_team_id,
            token_id=self.token_id,
            app_id=self.app_id,
            referrer=self.registered_referrer,
        )

    def counts(self) -> usage.Counts:
        """What this row, now final, adds to its caller's usage."""
        if self.state != State.SUCCEEDED:
            return usage.Counts(cancelled=1) if self.state == State.CANCELLED else usage.Counts(failed=1)
        counts = usage.Counts(
            succeeded=1,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            images=int(self.kind == "image"),
            audio_seconds=self.duration,
            seconds=self.seconds_made,
        )
        counts.cost = pricing.cost(self.ability, self.model, counts)
        return counts

    def count(self) -> None:
        """Add to what its caller used in this hour; belongs into the transaction that ends it."""
        counts = self.counts()
        usage.count(self.usage_key, counts)
        self.end_hold(counts.cost)

    @property
    def hold(self) -> quota.Hold | None:
        """What is held of its caller's monthly quota and budget for it."""
        if not self.reserved or self.team_id is None:
            return None
        return quota.Hold(str(self.pk), self.team_id, self.token_id, self.reserved_cost)

    def end_hold(self, cost: int) -> None:
        """It is final, and cost this much: once that is committed, what was held for it is used, or free again."""
        if hold := self.hold:
            end = partial(quota.settle, hold, cost) if self.state == State.SUCCEEDED else partial(quota.release, hold)
            transaction.on_commit(end)

    @property
    def seconds_made(self) -> float:
        """How long the making took, waiting left out; 0 for what was not begun or is not finished."""
        if self.started_at is None or self.finished_at is None:
            return 0.0
        return max(0.0, (self.finished_at - self.started_at).total_seconds())

    @property
    def seconds_waited(self) -> float:
        """From its arrival to its start, or to its end when it was never begun."""
        until = self.started_at or self.finished_at or timezone.now()
        return max(0.0, (until - self.created_at).total_seconds())

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

    @property
    def is_taken_out(self) -> bool:
        """Public by its maker's will, and hidden by an operator or by reports."""
        return self.visibility == "public" and self.hidden_at is not None and self.deleted_at is None

    @property
    def is_kept_back(self) -> bool:
        """Public by its maker's will, and not shown to strangers: hidden, or sensitive."""
        is_wanted = self.state == State.SUCCEEDED and self.visibility == "public" and self.deleted_at is None
        return is_wanted and not self.is_visible

    def seconds_left(self, now: datetime | None = None) -> float:
        return (self.deadline - (now or timezone.now())).total_seconds()


@cache
def _columns() -> tuple[dict[str, Any], list[tuple[str, Any]]]:
    """What a column holds that is not given: the same for every row, or by name what makes it."""
    fixed: dict[str, Any] = {}
    made: list[tuple[str, Any]] = []
    for field in Generation._meta.concrete_fields:
        if field.has_default() and callable(field.default):
            made.append((field.attname, field.default))
        else:
            fixed[field.attname] = field.get_default()
    return fixed, made


class Drain(models.Model):
    """A provider of the operator's file that is given no new work (generation.drains)."""

    provider = models.CharField(max_length=60, unique=True)
    reason = models.CharField(max_length=200, blank=True)
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.provider


class WordsField(models.TextField):
    """The words of an entry as this database's full text search keeps them."""

    def db_type(self, connection: Any) -> str | None:
        return "tsvector" if connection.vendor == "postgresql" else super().db_type(connection)

    def get_placeholder_sql(self, value: Any, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        sql, params = compiler.compile(value) if hasattr(value, "as_sql") else ("%s", (value,))
        return (f"{sql}::tsvector" if connection.vendor == "postgresql" else sql), params


class SearchEntryQuerySet(models.QuerySet["SearchEntry"]):
    def unfilled(self) -> Self:
        """Expected by `generation.search`, and not read yet."""
        return self.filter(is_filled=False)


class SearchEntry(models.Model):
    """A result's place in the search index (generation.search). Ids grow with time: the newest is the highest."""

    id = models.BigAutoField(primary_key=True)
    generation = models.OneToOneField(Generation, models.CASCADE, related_name="search_entry")
    words = WordsField(default="")
    is_filled = models.BooleanField(default=False)

    objects = SearchEntryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "search entries"
        indexes = [models.Index(fields=["id"], name="to_fill", condition=Q(is_filled=False))]

    def __str__(self) -> str:
        return f"entry {self.pk}"


class Likeness(models.Model):
    """What a result's prompt means, as a vector, for the newest results (generation.search.likeness)."""

    entry = models.OneToOneField(SearchEntry, models.CASCADE, primary_key=True, related_name="likeness")
    vector = models.BinaryField(help_text="384 half-precision numbers; empty where there are no words")

    class Meta:
        verbose_name_plural = "likenesses"

    def __str__(self) -> str:
        return f"likeness of entry {self.pk}"


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


class WellbeingHour(models.Model):
    """How often one part of the installation was looked at within an hour, and how often it was not well."""

    hour = models.DateTimeField()
    part = models.CharField(max_length=16)
    looks = models.PositiveIntegerField(default=0)
    troubled = models.PositiveIntegerField(default=0)
    away = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["hour", "part"], name="one_wellbeing_hour")]

    def __str__(self) -> str:
        return f"{self.part} at {self.hour:%Y-%m-%d %H}"
