"""The text face: answers, speech, and the lists of models."""

from contextlib import AsyncExitStack
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect

from generation import catalogue, intake, links, media
from generation.api import audio, doors, jobs, listing, responses
from generation.errors import InvalidRequest
from generation.requests import Request, SpeechRequest
from generation.wire import openai, pollinations, values
from pollweb.accounts.identity import identify
from pollweb.lib import http
from pollweb.lib.errors import MethodNotAllowed

# What /v1/models lists; on the text host, where clients look for what chats, the first three.
OPENAI_KINDS = ("text", "audio", "transcription", "image", "embedding")


@doors.methods("GET", "HEAD")
async def prompt(request: HttpRequest) -> HttpResponseBase:
    """`GET /{prompt}`: the answer as plain text, a stream of chunks, or the text itself as sound."""
    wish = http.prompt_from_path(request, "/")
    query = http.query(request)
    card = catalogue.find(query.get("model", ""))
    if not wish.strip():
        raise InvalidRequest("The prompt is empty. Put a text into the path: GET /{prompt}", code="empty_prompt")
    if request.method == "HEAD":
        return HttpResponse(content_type="audio/mpeg" if card.kind == "audio" else "text/plain; charset=utf-8")
    address = pollinations.address(settings.TEXT_URL, wish, query)
    wanted: Request
    if card.kind == "audio":
        wanted = pollinations.speech_request(wish, query, card)
    else:
        wanted = pollinations.text_request(wish, query, card)
    streamed = values.stream_flag(query.get("stream", ""))
    context = doors.context(request, await identify(request), source_url=address, streamed=streamed)
    return await _answer(request, wanted, context, include_usage=False)


async def root(request: HttpRequest) -> HttpResponseBase:
    """`POST /`: messages in, plain text out. `GET /` shows the site."""
    if request.method in ("GET", "HEAD"):
        return HttpResponseRedirect(settings.SITE_URL + "/")
    if request.method != "POST":
        raise MethodNotAllowed("Use POST, with messages in a JSON body.", details={"allow": ["GET", "POST"]})
    body = _merged(request)
    card = catalogue.find(str(body.get("model") or ""), ("text", "audio", "transcription"))
    wanted = await audio.wanted(body, card) if card.kind != "text" else openai.chat_request(body, card)
    streamed = values.stream_flag(body.get("stream", ""))
    context = doors.context(request, await identify(request, body), body=body, streamed=streamed)
    return await _answer(request, wanted, context, include_usage=_wants_usage(body))


@doors.methods("POST")
async def completions(request: HttpRequest) -> HttpResponseBase:
    """`POST /openai…`, `POST /v1/chat/completions`: OpenAI's chat completions, with sound for models that have it."""
    body = _merged(request)
    card = catalogue.find(str(body.get("model") or ""), ("text", "audio", "transcription"))
    if card.kind != "text":
        return await audio.chat(request, body, card)
    wanted = openai.chat_request(body, card)
    streamed = values.stream_flag(body.get("stream", ""))
    context = doors.context(request, await identify(request, body), body=body, streamed=streamed)
    if jobs.is_wanted(request):
        return await jobs.accept(wanted, context)
    if streamed:
        return await _stream(request, wanted, context, include_usage=_wants_usage(body))
    async with intake.generate(wanted, context) as answer:
        row = await answer.result()
        more = responses.headers(answer) | {"Cache-Control": "no-store"}
        addition = links.addition(row, context.principal.tier)
        if answer.body and not addition and (own := openai.passed(row, answer.body)):
            return responses.json_bytes(own, more=more)
        return responses.json(openai.completion(row, addition), more=more)


@doors.methods("GET", "HEAD")
async def models(request: HttpRequest) -> HttpResponseBase:
    """`GET /models`: every text and audio model with what it can do."""
    cards = await listing.to_caller(request, (card for kind in ("text", "audio") for card in _sorted(kind)))
    return responses.json([pollinations.text_model(card) for card in cards], more=listing.NO_STORE)


@doors.methods("GET", "HEAD")
async def openai_models(request: HttpRequest) -> HttpResponseBase:
    """`GET /openai/models`, `GET /v1/models`."""
    kinds = OPENAI_KINDS if request.face == "v1" else OPENAI_KINDS[:3]  # type: ignore[attr-defined]
    cards = await listing.to_caller(request, (card for kind in kinds for card in _sorted(kind)))
    listed = [openai.model(card) for card in cards]
    return responses.json({"object": "list", "data": listed}, more=listing.NO_STORE)


@doors.methods("GET", "HEAD")
async def openai_model(request: HttpRequest, name: str) -> HttpResponseBase:
    """`GET /v1/models/{id}`."""
    card = await listing.one(request, catalogue.find(name, OPENAI_KINDS))
    return responses.json(openai.model(card), more=listing.NO_STORE)


def _sorted(kind: str) -> list[catalogue.ModelCard]:
    """The operator's own order, personas after the rest."""
    return sorted(catalogue.cards(kind).values(), key=lambda card: bool(card.system))


def _merged(request: HttpRequest) -> dict[str, Any]:
    """The body over what of the query means something here."""
    known = {name: value for name, value in http.query(request).dict().items() if name in openai.OURS}
    return {**known, **http.json_body(request)}


def _wants_usage(body: dict[str, Any]) -> bool:
    options = body.get("stream_options")
    return isinstance(options, dict) and bool(options.get("include_usage"))


async def _answer(
    request: HttpRequest, wanted: Request, context: intake.Context, *, include_usage: bool
) -> HttpResponseBase:
    if jobs.is_wanted(request):
        return await jobs.accept(wanted, context)
    if context.streamed:
        return await _stream(request, wanted, context, include_usage=include_usage)
    async with intake.generate(wanted, context) as answer:
        row = await answer.result()
        if row.artifact_id:
            return await responses.file(request, answer, media.filename(row))
        return responses.text(answer, links.addition(row, context.principal.tier))


async def _stream(
    request: HttpRequest, wanted: Request, context: intake.Context, *, include_usage: bool
) -> HttpResponseBase:
    if isinstance(wanted, SpeechRequest):
        return await audio.stream(request, wanted, context, include_usage=include_usage)
    stack = AsyncExitStack()
    answer = await stack.enter_async_context(intake.generate(wanted, context))
    return await responses.event_stream(
        stack,
        answer,
        openai.Stream(include_usage=include_usage),
        request_id=request.id,  # type: ignore[attr-defined]
        addition=lambda row: links.addition(row, context.principal.tier),
    )
