"""From a wish to its result: catalogue → cache → an equal one in flight → the caller's line → a row for the workers.

`generate` is for whoever waits (API, MCP), `enqueue` for what is made to be kept (the site). A cached answer touches
neither limit nor queue.
"""

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from generation import (
    artifacts,
    cache,
    catalogue,
    ending,
    finishing,
    fulfilment,
    handoff,
    idempotency,
    inputs,
    pricing,
    records,
    relay,
    requests,
    safety,
    sharing,
    tasks,
    worker,
)
from generation.catalogue import ModelCard
from generation.errors import InvalidRequest, ProviderDrained, ProviderError, ProviderTimeout, QueueAway
from generation.models import ACTIVE, Generation, State
from generation.providers import registry
from generation.requests import ChatRequest, ImageRequest, Request, TranscriptionRequest
from pollweb.accounts import hints, line, quota, scopes, standing, tallies, usage
from pollweb.accounts.errors import BudgetExceeded, QuotaExceeded
from pollweb.accounts.identity import Principal
from pollweb.lib import db, traces
from pollweb.lib.errors import PollwebError

# How often the same is asked for again when whoever made it is gone: they lead at most twice, then it is an error.
MAKERS = 3
# The worker and the ticker end a row at its deadline and say why; who waits gives up by itself only when they do not.
GRACE_SECONDS = 10.0
# What is held of a quota is given up by itself this long after the deadline, should nobody live to end it.
HOLD_SECONDS = 300.0
# A broker that is started again is back after a second. Who waits longer is better told so.
BLINK_SECONDS = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Where a request came from. `source_url` makes the result again, without secrets; `fresh` passes the cache by."""

    principal: Principal
    source_url: str = ""
    referrer: str = ""
    streamed: bool = False
    fresh: bool = False
    may_be_public: bool = True
    idempotency_key: str = ""
    request_id: str = ""


@dataclass(slots=True)
class Answer:
    """A result that is here (`row` is final) or on its way (`pieces` tells it as it comes)."""

    row: Generation
    cache: str  # HIT, MISS or JOIN
    visibility: str
    replayed: bool = False
    _source: handoff.Waiting | relay.Flight | sharing.Heard | None = field(default=None)

    @property
    def body(self) -> bytes:
        """The whole completion as an upstream wrote it, where it may be passed on; `row` is final."""
        return self._source.body if isinstance(self._source, relay.Flight | sharing.Heard) else b""

    async def batches(self) -> AsyncIterator[list[dict[str, Any]]]:
        """Pieces as generation.handoff passes them, those together that are here together; when it ends, `row` is
        final. A cached answer has none."""
        if isinstance(self._source, relay.Flight):
            async for batch in self._source.batches():
                yield batch
        elif isinstance(self._source, sharing.Heard):
            async for batch in self._source.batches():
                yield batch
            if (row := self._source.row) is not None:
                self.row = row
            if self.row.state != State.SUCCEEDED:
                raise failure_of(self.row)
        elif self._source is not None:
            async for piece in self._source.pieces():
                yield [piece]
            await self._settle()

    async def pieces(self) -> AsyncIterator[dict[str, Any]]:
        """Each piece by itself."""
        async for batch in self.batches():
            for piece in batch:
                yield piece

    async def result(self) -> Generation:
        """The finished row; raises what went wrong."""
        async for _ in self.batches():
            pass
        return self.row

    async def _settle(self) -> None:
        self.row = await db.run(_final, self.row.pk)
        if self.row.state != State.SUCCEEDED:
            raise failure_of(self.row)


def _final(pk: Any) -> Generation:
    return Generation.objects.select_related("artifact").get(pk=pk)


def failure_of(row: Generation) -> PollwebError:
    """What a row that did not succeed says to those who waited for it."""
    if row.state == State.CANCELLED:
        # Whoever still waits did not cancel it: they joined in the moment the last other one left.
        return QueueAway(
            "This was cancelled by those who asked for it first. Try again.", code="cancelled", retry_after=1
        )
    if row.state == State.EXPIRED:
        return ProviderTimeout(row.error_message or "This was not made before its deadline. Try again.", retry_after=5)
    retry_after = 10.0 if row.error_status == 503 else None
    if row.error_code == ProviderDrained.code:
        retry_after = ProviderDrained.retry_after
    return ProviderError(
        row.error_message or "This could not be made.",
        code=row.error_code or "provider_failed",
        status=row.error_status or 502,
        retry_after=retry_after,
    )


def card_of(request: Request) -> ModelCard:
    return catalogue.maker(request.ability, request.model)


def visibility_of(request: Request, context: Context) -> str:
    """Public or private, by the caller's word, the operator's, the team's, and what the request carries."""
    if (
        request.private
        or request.has_media
        or not context.may_be_public
        or getattr(settings.DESIGN.visibility, request.kind) == "private"
        or context.principal.visibility == "private"
        or context.principal.always_private
        or not context.principal.may("feed.write")
    ):
        return "private"
    return "public"


def check(request: Request, card: ModelCard, principal: Principal) -> None:
    principal.require(scopes.BY_ABILITY[request.ability])
    principal.require_model(card.name)
    card.admit(principal.tier)
    safety.admit(request)
    if isinstance(request, ChatRequest) and request.has_pictures and not card.vision:
        seeing = ", ".join(known.name for known in catalogue.cards("text").values() if known.vision)
        raise InvalidRequest(
            f"The model {card.name} does not see pictures. Models that do: {seeing or 'none here'}.",
            code="vision_not_supported",
        )
    if isinstance(request, ChatRequest) and request.has_recordings and registry.is_local(card.sources[0].provider):
        raise InvalidRequest(
            f"The model {card.name} does not hear. Send a recording to openai-audio.", code="audio_not_supported"
        )
    if isinstance(request, ImageRequest) and request.images and not card.edits:
        editing = ", ".join(known.name for known in catalogue.cards("image").values() if known.edits)
        raise InvalidRequest(
            f"The model {card.name} makes pictures from words only. Models that change a given picture: "
            f"{editing or 'none here'}.",
            code="edit_not_supported",
        )
    most = settings.DESIGN.limits.prompt_chars if request.kind == "image" else card.max_input_chars
    length = sum(len(requests.text_of(m.get("content"))) for m in getattr(request, "messages", ())) or len(
        request.prompt
    )
    if length > most:
        raise InvalidRequest(
            f"Input text exceeds maximum length of {most} characters for model {card.name} (current: {length})",
            code="input_too_long",
        )


@dataclass(frozen=True, slots=True)
class Wish:
    """A checked request and what follows from it: who may be given its result, and what an equal one would be."""

    request: Request
    card: ModelCard
    context: Context
    visibility: str
    fingerprint: str

    @property
    def scope(self) -> str:
        return "public" if self.visibility == "public" else self.context.principal.key

    @property
    def asked(self) -> str:
        """The fingerprint of what was asked for, whichever seed was drawn: who asks again under a key has the same."""
        return self.request.undrawn.fingerprint(_made_by(self.card))

    @property
    def dedupe_key(self) -> str:
        return f"{self.fingerprint}:{self.scope}"

    def check_ready(self) -> None:
        """Raises EngineNotReady when its only source cannot be asked now; with a second one, the attempts will tell."""
        if len(self.card.sources) == 1:
            source = self.card.sources[0]
            registry.provider(source.provider).check_ready(source.model)

    @property
    def relays(self) -> bool:
        """Whether this process may answer by itself: text from a remote upstream, to a client that waits for it."""
        return (
            isinstance(self.request, ChatRequest)
            and self.card.lane == "relay"
            and not registry.is_local(self.card.sources[0].provider)
            # A key leads to a row, which a relayed answer gets a second later only.
            and not self.context.idempotency_key
        )

    @property
    def time_limit(self) -> float:
        """Seconds that the making alone may take."""
        streamed = self.request.ability == "text" and self.context.streamed
        return float(getattr(settings.DESIGN.deadlines, "text_stream" if streamed else self.request.ability))

    @property
    def patience(self) -> float:
        """Seconds until its deadline: an embedded engine may be waited for."""
        waiting = settings.DESIGN.deadlines.engine_wait if registry.is_local(self.card.sources[0].provider) else 0.0
        return self.time_limit + waiting

    def row(self) -> Generation:
        request, principal, source = self.request, self.context.principal, self.card.sources[0]
        return Generation.new(
            kind=request.kind,
            model=self.card.name,
            prompt=request.prompt,
            params=requests.store(request),
            fingerprint=self.fingerprint,
            scope=self.scope,
            dedupe_key=self.dedupe_key,
            visibility=self.visibility,
            tier=principal.tier,
            rank=line.rank(principal),
            principal=principal.key,
            team_id=principal.team_id,
            token_id=principal.token_id,
            app_id=principal.app_id,
            usage_team_id=principal.team_id or principal.referrer_team_id,
            registered_referrer=principal.referrer,
            request_id=self.context.request_id,
            traceparent=traces.carried(),
            referrer=self.context.referrer[:255],
            source_url=self.context.source_url,
            streamed=self.context.streamed,
            slot=registry.provider(source.provider).slot(source.model)[0],
            seed=getattr(request, "seed", None),
            width=getattr(request, "width", 0),
            height=getattr(request, "height", 0),
            is_mature=safety.is_mature(request),
            time_limit=self.time_limit,
            deadline=timezone.now() + timedelta(seconds=self.patience),
        )


async def prepare(request: Request, context: Context) -> Request:
    """The request with its media stored; refused first if this caller may not make it at all."""
    if request.has_media:
        check(request, card_of(request), context.principal)
        request = await inputs.take(request)
    return request


def _wish(request: Request, context: Context) -> Wish:
    """Raises UnknownModel, TierTooLow, InvalidRequest."""
    card = card_of(request)
    if context.principal.always_safe and isinstance(request, ImageRequest):
        request = dataclasses.replace(request, safe=True)
    standing.note(limits=line.limits(context.principal, request.kind, card.line))
    check(request, card, context.principal)
    visibility = visibility_of(request, context)
    request = finishing.settled(request, context.principal, visibility)
    return Wish(request, card, context, visibility, request.fingerprint(_made_by(card)))


def _made_by(card: ModelCard) -> str:
    return f"{card.name}={'|'.join(map(str, card.sources))}={card.system}"


def _insert(row: Generation, request: Request, keyed: Callable[[], None] | None = None) -> bool:
    """Commit the row. False when an equal one is in flight already.

    `keyed` has the caller's key lead to the row, in the same transaction: whoever asks again, even after this process
    was killed, finds either both or neither. It raises IntegrityError when the key is somebody else's.
    """
    try:
        inserted = _inserted(row, request, keyed)
    except BaseException:
        _give_up_hold(row)
        raise
    if not inserted:
        _give_up_hold(row)
    return inserted


def _give_up_hold(row: Generation) -> None:
    if hold := row.hold:
        quota.release(hold)


async def _reserve(wish: Wish, row: Generation, turn: line.Turn) -> None:
    """Hold a request of the caller's monthly quota and budget, if there is one. What is refused costs no turn."""
    cost, patience = pricing.most(wish.card.name, wish.request), wish.patience + HOLD_SECONDS
    try:
        if await quota.reserve(wish.context.principal, str(row.pk), cost=cost, patience=patience):
            row.reserved, row.reserved_cost = 1, cost
    except (QuotaExceeded, BudgetExceeded):
        turn.unused()
        raise


def _inserted(row: Generation, request: Request, keyed: Callable[[], None] | None) -> bool:
    if isinstance(request, TranscriptionRequest):
        # Not before its turn has come: whoever is refused leaves nothing in the store.
        artifacts.keep(request.data, "application/octet-stream")
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            if keyed is not None:
                keyed()
    except IntegrityError:
        return False
    hints.tell(row.usage_team_id, "now", "request")
    return True


def _announce(row: Generation) -> None:
    """Tell the workers of a row that nobody waits for; with the broker away a ticker does as soon as it is back."""
    if not tasks.send(row):
        Generation.objects.filter(pk=row.pk).update(queued_at=timezone.now() - timedelta(minutes=1))


async def _hand_over(row: Generation) -> None:
    """Tell the workers of a row that somebody waits for. QueueAway when the broker stays away: nobody would make it."""
    until = time.monotonic() + BLINK_SECONDS
    while not await asyncio.to_thread(tasks.send, row):  # not by a thread of the database: Redis may be silent
        if time.monotonic() >= until:
            error = QueueAway("What makes this cannot be reached at the moment. Try again.", retry_after=5)
            if await db.run(_give_up, row, error):
                raise error
            return  # a worker has found it by itself
        await asyncio.sleep(0.2)


def _give_up(row: Generation, error: PollwebError) -> bool:
    """Whoever asks again under the same key asks anew."""
    with transaction.atomic():
        given_up = ending.badly(row, row.fence, State.QUEUED, error)
        if given_up:
            idempotency.forget(row.pk)
    return given_up


def _is_joined(running: Generation, wish: Wish) -> bool:
    """Whether it is still on its way; whoever joins it lends it their rank."""
    if running.rank < (rank := line.rank(wish.context.principal)):
        Generation.objects.raise_rank(running.pk, rank)
    return Generation.objects.filter(pk=running.pk).active().exists()


def _in_flight(dedupe_key: str) -> Generation | None:
    found = Generation.objects.filter(dedupe_key=dedupe_key, state__in=ACTIVE)
    return found.first() if found.exists() else None  # mostly there is none, and to ask for whole rows costs more


@asynccontextmanager
async def generate(request: Request, context: Context) -> AsyncIterator[Answer]:
    """Answer a request that somebody waits for. Leaving early stops the work, unless somebody else waits for it too.

    Raises what the caller is to be told: UnknownModel, TierTooLow, LineFull, …; a failed generation raises when its
    pieces or its result are asked for.
    """
    wish = _wish(await prepare(request, context), context)
    deadline = time.monotonic() + wish.patience
    if not context.idempotency_key:
        async with _answered(wish, deadline) as answer:
            with _noted(answer, context.principal):
                yield answer
        return
    owner, key = context.principal.key, context.idempotency_key
    known = await idempotency.begin(owner, key, wish.asked, deadline=deadline)
    if known is not None:
        async with _replayed(await db.run(_final, known), context.principal, deadline) as answer:
            yield answer
        return
    try:
        async with _answered(wish, deadline) as answer:
            with _noted(answer, context.principal):
                await _attach(owner, key, answer.row, deadline)
                yield answer
    finally:
        await asyncio.shield(idempotency.drop(owner, key))


async def _attach(owner: str, key: str, row: Generation, deadline: float) -> None:
    """Let the key lead to this row, which may be another caller's relayed answer that is not stored yet."""
    while True:
        try:
            return await idempotency.attach(owner, key, row.pk)
        except IntegrityError:
            if time.monotonic() >= deadline:
                raise QueueAway("This answer could not be recorded. Try again.") from None
            if not await db.run(records.drain):
                await asyncio.sleep(idempotency.POLL_SECONDS)  # somebody else stores it at this moment


def _answered(wish: Wish, deadline: float) -> AbstractAsyncContextManager[Answer]:
    """From the cache, by an equal one in flight, or by a new row: relayed by this process, or worked by Celery's."""
    return _relayed(wish, deadline) if wish.relays else _worked(wish, deadline)


def _led(wish: Wish, row: Generation) -> Callable[[], None] | None:
    """Has the key that `generate` holds lead to this row."""
    owner, key = wish.context.principal.key, wish.context.idempotency_key
    return partial(idempotency.lead, owner, key, row.pk) if key else None


def note(row: Generation, principal: Principal, **counts: int) -> None:
    """Count an answer that `row` gave to somebody else than who it was made for, or gave again."""
    tallies.note(principal.usage_key(row.kind, row.model), usage.Counts(**counts))


@contextmanager
def _noted(answer: Answer, principal: Principal) -> Iterator[None]:
    """Count how it ends for this caller, where the request makes no row of its own."""
    if answer.cache == "MISS":
        yield
        return
    try:
        yield
    except PollwebError:
        note(answer.row, principal, failed=1)
        raise
    except BaseException:  # the client has left
        note(answer.row, principal, cancelled=1)
        raise
    note(answer.row, principal, cached=1)


@asynccontextmanager
async def _relayed(wish: Wish, deadline: float) -> AsyncIterator[Answer]:
    visibility, made = wish.visibility, "" if wish.context.fresh else wish.dedupe_key
    principal, kind, own = wish.context.principal, wish.request.kind, wish.card.line
    for _ in range(MAKERS):
        if made and (hit := await cache.find(wish.fingerprint, wish.scope)):
            yield Answer(hit, "HIT", visibility)
            return
        if made and (flight := relay.joined(made)):
            async with flight:
                yield Answer(flight.row, "JOIN", visibility, _source=flight)
            return
        async with line.turn(principal, kind, own, deadline=deadline, made=made) as turn:
            maker, record = turn.last.maker, turn.last.record
            if not maker and not record:
                if made and (flight := relay.joined(made)):  # begun while we stood in line
                    await turn.give_back()
                    async with flight:
                        yield Answer(flight.row, "JOIN", visibility, _source=flight)
                    return
                # Begun and ended while we stood in line.
                if made and turn.waited and (hit := await cache.find(wish.fingerprint, wish.scope)):
                    await turn.give_back()
                    yield Answer(hit, "HIT", visibility)
                    return
                row = wish.row()
                await _reserve(wish, row, turn)
                async with relay.begun(row, turn) as flight:
                    if made:
                        sharing.offer(flight)
                    yield Answer(flight.row, "MISS", visibility, _source=flight)
                return
        if record:  # made a moment ago, and not stored yet
            hit = records.from_json(record)
            cache.remember(hit)
            yield Answer(hit, "HIT", visibility)
            return
        # Somebody makes the same: in this process, which has begun it meanwhile, or in another one.
        if flight := relay.joined(made):
            async with flight:
                yield Answer(flight.row, "JOIN", visibility, _source=flight)
            return
        async with sharing.Heard(maker, made, deadline + GRACE_SECONDS) as heard:
            if await heard.begins() and heard.row is not None:
                yield Answer(heard.row, "JOIN", visibility, _source=heard)
                return
    raise QueueAway("Those who made this are gone. Try again.", retry_after=1)


@asynccontextmanager
async def _worked(wish: Wish, deadline: float) -> AsyncIterator[Answer]:
    fresh, visibility = wish.context.fresh, wish.visibility
    # Again when an equal one in flight ended, or was given up by its askers, in the moment we joined it.
    for _ in range(3):
        if not fresh and (hit := await cache.find(wish.fingerprint, wish.scope)):
            yield Answer(hit, "HIT", visibility)
            return
        wish.check_ready()  # before the caller's turn in line is spent on a 503
        if running := await db.run(_in_flight, wish.dedupe_key):
            waiting = handoff.Waiting(str(running.pk), deadline + GRACE_SECONDS)
            async with _present(running, waiting):
                if await db.run(_is_joined, running, wish):
                    yield Answer(running, "JOIN", visibility, _source=waiting)
                    return
            continue
        async with line.turn(wish.context.principal, wish.request.kind, wish.card.line, deadline=deadline) as turn:
            row = wish.row()
            waiting = handoff.Waiting(str(row.pk), deadline + GRACE_SECONDS)
            async with _present(row, waiting):
                # Somebody may have asked the same while we stood in line.
                hit = None if fresh else await cache.find(wish.fingerprint, wish.scope)
                if hit is None:
                    await _reserve(wish, row, turn)
                if hit is None and await db.run(_insert, row, wish.request, _led(wish, row)):
                    await _hand_over(row)
                    yield Answer(row, "MISS", visibility, _source=waiting)
                    return
                turn.unused()
    raise QueueAway("This request could not be queued. Try again.", retry_after=1)


@asynccontextmanager
async def _replayed(row: Generation, principal: Principal, deadline: float) -> AsyncIterator[Answer]:
    """The row that a key led to before: its result, its failure, or what comes of it."""
    if row.state == State.SUCCEEDED:
        note(row, principal, cached=1)
        yield Answer(row, "HIT", row.visibility, replayed=True)
    elif row.is_final:
        raise failure_of(row)
    else:
        waiting = handoff.Waiting(str(row.pk), deadline + GRACE_SECONDS)
        async with _present(row, waiting):
            yield Answer(row, "JOIN", row.visibility, replayed=True, _source=waiting)


@asynccontextmanager
async def _present(row: Generation, waiting: handoff.Waiting) -> AsyncIterator[None]:
    """Wait for a job, and see to it that it ends when the last who waited has left."""
    try:
        async with waiting:
            yield
    finally:
        await asyncio.shield(_left(row, waiting))


async def _left(row: Generation, waiting: handoff.Waiting) -> None:
    if row.keep or row.is_final or waiting.has_ended or waiting.others:
        return
    if await db.run(_cancel_unkept, row.pk):
        await handoff.cancel(str(row.pk))


def _cancel_unkept(pk: Any) -> bool:
    return Generation.objects.filter(keep=False).cancel(pk)


def enqueue(request: Request, context: Context) -> Generation:
    """Queue what is to be kept and return its row at once (a finished one when there is an equal result).

    Synchronous. Raises the same errors as `generate`; the caller's line is asked by the worker, not waited for here.
    A request with media has been through `prepare` before.
    """
    return accept(request, context)[0]


def accept(request: Request, context: Context) -> tuple[Generation, bool]:
    """`enqueue`, and whether the row is the one that the caller's key led to before."""
    wish = _wish(request, context)
    owner, key = context.principal.key, context.idempotency_key
    # Again when an equal one in flight ended in the moment we joined it, or somebody else took the key.
    for _ in range(MAKERS):
        if key and (known := idempotency.known(owner, key, wish.asked)):
            return Generation.objects.get(pk=known), True
        if hit := Generation.objects.reusable(wish.fingerprint, wish.scope).order_by("-pk").first():
            if _taken(wish, hit):
                note(hit, context.principal, cached=1)
                return hit, False
        elif running := _joined(wish):
            if _taken(wish, running):
                return running, False
        elif row := _queued(wish):
            return row, False
    raise QueueAway("This request could not be queued. Try again.", retry_after=1)


def _joined(wish: Wish) -> Generation | None:
    """An equal one in flight, which is kept from now on."""
    running = _in_flight(wish.dedupe_key)
    if running is None or not Generation.objects.filter(pk=running.pk).active().update(keep=True):
        return None
    Generation.objects.raise_rank(running.pk, line.rank(wish.context.principal))
    return running


def _taken(wish: Wish, row: Generation) -> bool:
    """Have the caller's key, if there is one, lead to this row. False when somebody else has it."""
    owner, key = wish.context.principal.key, wish.context.idempotency_key
    try:
        if key:
            idempotency.take(owner, key, wish.asked, row.pk)
    except IntegrityError:
        return False
    return True


def _queued(wish: Wish) -> Generation | None:
    """A row of its own, with the caller's key; None when there is an equal one, or the key is somebody else's."""
    request, context = wish.request, wish.context
    row = wish.row()
    turn = line.Turn(context.principal, request.kind, wish.card.line, name=f"{line.JOBS}.{row.pk}")
    stepped = turn.step_sync()
    if stepped.full:
        raise turn.refusal()
    row.keep = True
    # The time in line comes on top of the time that the making may take.
    row.deadline += timedelta(seconds=stepped.wait)
    if not stepped.admitted:
        row.start_after = timezone.now() + timedelta(seconds=max(0.5, min(stepped.wait, line.PATIENCE / 2)))
    cost, patience = pricing.most(wish.card.name, request), row.seconds_left() + HOLD_SECONDS
    try:
        if quota.reserve_sync(context.principal, str(row.pk), cost=cost, patience=patience):
            row.reserved, row.reserved_cost = 1, cost
    except (QuotaExceeded, BudgetExceeded):
        turn.unused()
        turn.leave_sync()
        raise
    key = context.idempotency_key
    keyed = partial(idempotency.take, context.principal.key, key, wish.asked, row.pk) if key else None
    if not _insert(row, request, keyed):
        turn.unused()
        turn.leave_sync()
        return None
    _announce(row)
    return row


def make_here(request: Request, context: Context) -> Generation:
    """Make it in this process, past all lines, for the operator's own commands; or an equal result that is there.

    Synchronous; the row is final, and says whether it succeeded. Raises the same errors as `generate`.
    """
    wish = _wish(request, context)
    if hit := Generation.objects.reusable(wish.fingerprint, wish.scope).order_by("-pk").first():
        return hit
    wish.check_ready()
    row = wish.row()
    row.dedupe_key = None  # nobody joins it, and one that was left unfinished here is not in its way
    row.save(force_insert=True)  # and no other worker is told
    here = worker.current()
    claimed = Generation.objects.claim(row.pk, here.name)
    if claimed is not None:
        here.run(fulfilment.fulfil(claimed))
    return Generation.objects.get(pk=row.pk)


def cancel(row: Generation, principal: Principal) -> bool:
    """Give a job up, in whatever state it is. False when it was final already, or is somebody else's."""
    if row.principal != principal.key or not Generation.objects.cancel(row.pk):
        return False
    handoff.cancel_sync(str(row.pk))
    return True
