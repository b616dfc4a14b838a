"""From a claimed job to its stored, announced result.

The only place that finishes rows. Everything the end brings about — state, usage, the feed's outbox — is one
transaction under the row's fence: a worker that lost its lease changes nothing.
"""

import asyncio
import contextlib
import dataclasses
import logging
import time
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from feeds import outbox
from feeds.events import FeedEvent
from generation import (
    aigc,
    artifacts,
    attempts,
    catalogue,
    ending,
    enhancing,
    finishing,
    inputs,
    json_answers,
    notices,
    safety,
    search,
    sound_marking,
    tasks,
    variants,
)
from generation.errors import Cancelled, ProviderError
from generation.handoff import Sender
from generation.models import Generation, State
from generation.requests import ChatRequest, Request, text_of
from generation.results import Delta, Piece, Progress, Result, Sound
from generation.wire import openai
from pollweb.lib import db, traces
from pollweb.lib.errors import PollwebError

log = logging.getLogger(__name__)

RENEWAL_SECONDS = 5.0
RESPONSE_KEPT = 64 * 1024
FEED_TEXT = 32 * 1024
MOST_SOUND = 256 * 1024  # bytes in one piece
UNTOLD = frozenset({"request", "text", "messages", "private", "logo", "label", "images"})  # of a request's parameters


class LeaseLost(Exception):
    """The row belongs to somebody else now, or to nobody: drop everything."""


async def fulfil(row: Generation) -> None:
    """Make a row that was claimed.

    Cancelling this coroutine gives the row back to the queue (the worker is going away).
    """
    with _traced(row) as span:
        await _make_and_end(row, span)


def _traced(row: Generation) -> traces.Span:
    """In the trace of the request that asked for it first, which may be at another machine."""
    about = {"id": row.public_id, "request_id": row.request_id, "kind": row.kind, "model": row.model}
    waited = _milliseconds(row.created_at, row.started_at) or 0
    return traces.span("job", role="consumer", parent=row.traceparent, **about, attempt=row.attempts, waited_ms=waited)


async def _make_and_end(row: Generation, span: traces.Span) -> None:
    fence = row.fence
    sender = Sender(str(row.pk), fence)
    work = asyncio.ensure_future(make(row, sender))
    keeper = asyncio.ensure_future(_keep(row, fence))
    try:
        await asyncio.wait({work, keeper}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            return  # the lease is gone: cancelled by its askers, or given to another worker
        error = work.exception()
        if error is None:
            await _succeed(row, fence, work.result())
        else:
            span.fail(type(error).__name__)
            await _fail(row, fence, error)
    except asyncio.CancelledError:
        await asyncio.shield(db.run(Generation.objects.give_back, row.pk, fence))
        raise
    finally:
        for task in (work, keeper):
            task.cancel()
        await asyncio.gather(work, keeper, return_exceptions=True)
    await sender.end()


async def _keep(row: Generation, fence: int) -> None:
    """Renew the lease; returns when it is lost. A database that is away for a moment is no loss yet."""
    while True:
        await asyncio.sleep(RENEWAL_SECONDS)
        try:
            if not await db.run(Generation.objects.renew, row.pk, fence):
                return
        except Exception:
            log.warning("the lease of a job could not be renewed", exc_info=True)


class Listener(Protocol):
    """Whoever is told the pieces: the handoff of a worker, or a flight in a web process. `sent` counts them."""

    @property
    def sent(self) -> int: ...

    async def send(self, piece: dict[str, Any]) -> None: ...


async def make(row: Generation, sender: Listener) -> Result:
    """Have a row's request made by the sources of its model; `sender` hears the pieces."""
    card = catalogue.maker(row.ability, row.model)
    deadline = time.monotonic() + min(row.seconds_left(), row.time_limit)
    request = await enhancing.worded(await inputs.give(row.request(), row.public_id), card)
    marked = sound_marking.Beginning(aigc.block(row.public_id))
    made = await _ask(_worded(request, card.system), card.sources, deadline, sender, marked, streamed=row.streamed)
    return await finishing.finish(row, request, await safety.judge(request, made))


async def _ask(
    request: Request,
    sources: Sequence[catalogue.Source],
    deadline: float,
    sender: Listener,
    marked: sound_marking.Beginning,
    *,
    streamed: bool,
) -> Result:
    """The sources' result. JSON that was asked for parses: nothing is heard of it before, unless it is streamed."""

    async def ask(wanted: Request, hearer: Listener | None) -> Result:
        pieces = attempts.generate(sources, wanted, deadline=deadline, streamed=streamed)
        return await _hear(pieces, hearer, marked)

    if not isinstance(request, ChatRequest) or not request.json_mode:
        return await ask(request, sender)
    if streamed:
        return await json_answers.checked(await ask(request, sender), None)
    return await json_answers.checked(
        await ask(request, None), lambda answer: ask(json_answers.insisted(request, answer), None)
    )


def _worded(request: Request, persona: str) -> Request:
    """As the model is to hear it: a card's persona before the caller's own system message, a word about JSON."""
    if not isinstance(request, ChatRequest):
        return request
    request = dataclasses.replace(request, messages=openai.remind_of_json(request))
    if not persona:
        return request
    messages = list(request.messages)
    if messages and messages[0].get("role") == "system":
        persona = f"{persona}\n\n{text_of(messages.pop(0).get('content'))}"
    return dataclasses.replace(request, messages=({"role": "system", "content": persona}, *messages))


async def _hear(pieces: AsyncGenerator[Piece], sender: Listener | None, marked: sound_marking.Beginning) -> Result:
    told = 0  # bytes of sound
    async with contextlib.aclosing(pieces) as stream:
        async for piece in stream:
            if isinstance(piece, Result):
                if sender is not None:
                    told = await _send_sound(sender, told, marked.rest())
                    if told:
                        await sender.send({"sound": told})  # so that whoever hears it knows that nothing was lost
                return piece
            if sender is None:
                continue
            match piece:
                case Delta():
                    await sender.send({"delta": piece.delta, "event": piece.event})
                case Sound():
                    told = await _send_sound(sender, told, marked.pass_on(piece.data))
                case Progress():
                    await sender.send({"progress": piece.fraction})
    raise ProviderError("The engine ended without a result.")


async def _send_sound(sender: Listener, told: int, data: bytes) -> int:
    """`told` bytes have been sent before; returns how many have been afterwards."""
    for start in range(0, len(data), MOST_SOUND):
        part = data[start : start + MOST_SOUND]
        await sender.send({"sound": told + start, "data": part})
    return told + len(data)


async def _succeed(row: Generation, fence: int, result: Result) -> None:
    try:
        await db.run(_finish, row, fence, result)
    except PollwebError as exc:  # the store is full or away
        await _fail(row, fence, exc)


def values_of(result: Result) -> dict[str, Any]:
    """What a result says about its row, its bytes left out."""
    values: dict[str, Any] = {
        "made_by": result.made_by,
        "finish_reason": result.finish_reason,
        "notes": result.notes,
        **({"is_mature": True} if result.notes.pop("is_mature", False) else {}),
        "width": result.width,
        "height": result.height,
        "duration": result.duration,
        "prompt_tokens": result.usage.prompt_tokens,
        "completion_tokens": result.usage.completion_tokens,
    }
    if result.notes.pop("provisional", False):
        values["fingerprint"] = ""  # a better engine is on its way: not given again
    if result.message is not None:
        values["message"] = result.message
        values["response"] = text_of(result.message.get("content"))[:RESPONSE_KEPT]
    return values


def _finish(row: Generation, fence: int, result: Result) -> None:
    values = values_of(result)
    if result.data:
        values["artifact_id"] = _keep_bytes(result)
    with transaction.atomic():
        if not Generation.objects.finish(row.pk, fence, State.SUCCEEDED, **values):
            return
        for name, value in values.items():
            setattr(row, name, value)
        row.state, row.finished_at = State.SUCCEEDED, timezone.now()
        row.count()
        notices.tell_end([row])
        if row.is_visible:
            outbox.announce(event(row))
            search.expect([row.pk])
        _tell(row)
        if row.kind == "image" and row.artifact_id:
            transaction.on_commit(partial(tasks.send_picture, row.artifact_id))


def _keep_bytes(result: Result) -> str:
    return artifacts.keep(
        result.data,
        result.media_type,
        width=result.width,
        height=result.height,
        duration=result.duration,
        placeholder=result.notes.pop("placeholder", ""),
        colour=result.notes.pop("colour", ""),
    )


async def _fail(row: Generation, fence: int, error: BaseException) -> None:
    """End the row with what is to be said about it."""
    if isinstance(error, asyncio.CancelledError):
        error = Cancelled("Everyone who waited for this has left.")
    if not isinstance(error, PollwebError):
        log.error("making %s failed in a way nobody foresaw", row.public_id, exc_info=error)
        error = ProviderError("The engine failed. The operator finds the reason in the log.", code="engine_failed")
    await db.run(_end_badly, row, fence, error)


def _end_badly(row: Generation, fence: int, error: PollwebError) -> None:
    if ending.badly(row, fence, State.RUNNING, error):
        _tell(row)


def _tell(row: Generation) -> None:
    """One line for each end, with the id of the request that began it; nothing of what was asked."""
    fields = {
        "request_id": row.request_id,
        "id": row.public_id,
        "kind": row.kind,
        "model": row.model,
        "made_by": row.made_by,
        "state": str(row.state),
        "code": row.error_code,
        "attempts": row.attempts,
        "waited_ms": _milliseconds(row.created_at, row.started_at),
        "made_ms": _milliseconds(row.started_at, row.finished_at),
    }
    log.info("%s %s", row.kind, row.state, extra={"fields": fields})


def _milliseconds(begun: datetime | None, ended: datetime | None) -> int | None:
    return round((ended - begun).total_seconds() * 1000) if begun and ended else None


def event(row: Generation) -> FeedEvent:
    """What the feeds and the wall tell of a public result."""
    request = row.request()
    messages = []
    if isinstance(request, ChatRequest):
        messages = [
            {"role": str(m.get("role", "user")), "content": text_of(m.get("content"))}
            for m in request.messages
            if m.get("role", "user") in ("user", "assistant")
        ]
    artifact = row.artifact if row.artifact_id else None
    media = f"{settings.SITE_URL}/media/{row.public_id}/original" if artifact else ""
    began = row.created_at.timestamp()
    steps = [
        ("Request received and queued.", row.created_at),
        ("Start generating job", row.started_at),
        ("Generation completed.", row.finished_at),
    ]
    return FeedEvent(
        id=str(row.pk),
        public_id=row.public_id,
        kind=row.kind,
        model=row.model,
        prompt=row.notes.get("enhanced_prompt", row.prompt),
        response=row.response[:FEED_TEXT],
        messages=messages,
        width=row.width,
        height=row.height,
        seed=row.seed,
        image_url=row.source_url,
        src=media,
        srcset=variants.srcset(media, row.width) if media and row.kind == "image" and row.width else "",
        href=f"/p/{row.public_id}",
        colour=artifact.colour if artifact else "",
        placeholder=artifact.placeholder if artifact else "",
        duration=row.duration,
        is_mature=row.is_mature,
        made_by=row.made_by,
        referrer=row.referrer,
        team=row.team_id,
        app=row.app_id,
        score=row.notes.get("nsfw_score"),
        parameters=_told(row),
        timing=[
            {"step": step, "timestamp": round((at.timestamp() - began) * 1000)} for step, at in steps if at is not None
        ],
        at=(row.finished_at or timezone.now()).timestamp(),
    )


def _told(row: Generation) -> dict[str, Any]:
    """The parameters that strangers are told; what was meant for an upstream may name people."""
    told = {k: v for k, v in row.params.items() if k not in UNTOLD}
    if isinstance(request := row.request(), ChatRequest) and request.options:
        told["options"] = request.own_options
    return told | {"wasPimped": "enhanced_prompt" in row.notes}
