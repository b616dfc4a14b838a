"""Sound: `/v1/audio/speech`, `/v1/audio/transcriptions`, and chats with a model that speaks and hears."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from generation import audio, catalogue, intake, media
from generation.api import doors, jobs, responses
from generation.catalogue import ModelCard
from generation.errors import InvalidParameter, InvalidRequest, ProviderError
from generation.intake import Answer
from generation.requests import SpeechRequest, TranscriptionRequest
from generation.wire import openai, speech, transcripts, values
from pollweb.accounts.identity import identify
from pollweb.lib import http, sse
from pollweb.lib.errors import NotFound, PollwebError

PIECE = 256 * 1024  # bytes of a stored sound that is streamed


# --- /v1/audio --------------------------------------------------------------------------------------------------------


@doors.methods("POST")
async def create_speech(request: HttpRequest) -> HttpResponseBase:
    """`POST /v1/audio/speech`: the text as sound; as it is made where `stream` or `stream_format` asks for it."""
    body = http.json_body(request)
    wanted = speech.request(body, catalogue.find(str(body.get("model") or ""), ("audio",)))
    events = body.get("stream_format") == "sse"
    streamed = events or body.get("stream_format") == "audio" or values.stream_flag(body.get("stream", ""))
    principal = await identify(request, body)
    context = doors.context(request, principal, body=body, streamed=streamed, may_be_public=False)
    if jobs.is_wanted(request):
        return await jobs.accept(wanted, context)
    if not streamed:
        async with intake.generate(wanted, context) as answer:
            row = await answer.result()
            return await responses.file(request, answer, media.filename(row))
    stack = AsyncExitStack()
    answer = await stack.enter_async_context(intake.generate(wanted, context))
    if events:
        pieces = _events(stack, answer, _request_id(request))
        return await responses.begun(pieces, answer, responses.EVENT_STREAM)
    return await responses.begun(_bytes(stack, answer), answer, audio.FORMATS[wanted.format].media_type)


@doors.methods("POST")
async def create_transcription(request: HttpRequest) -> HttpResponseBase:
    """`POST /v1/audio/transcriptions`: a recording, as a form's `file`, written down."""
    fields, files = await asyncio.to_thread(http.form, request)
    file = files.get("file")
    if not isinstance(file, UploadedFile):
        raise InvalidParameter("The form needs a file: send the recording as multipart/form-data in the field file.")
    format = fields.get("response_format") or "json"
    if format not in transcripts.FORMATS:
        raise InvalidParameter(f"response_format is {format[:40]!r}; allowed are {', '.join(transcripts.FORMATS)}.")
    grains = [*fields.getlist("timestamp_granularities[]"), *fields.getlist("timestamp_granularities")]
    if wrong := next((grain for grain in grains if grain not in transcripts.GRAINS), None):
        raise InvalidParameter(
            f"timestamp_granularities is {wrong[:40]!r}; allowed are {' and '.join(transcripts.GRAINS)}."
        )
    wanted = await asyncio.to_thread(
        transcripts.request,
        file.read(),
        catalogue.find(fields.get("model", ""), ("transcription",)),
        language=fields.get("language", ""),
        hint=fields.get("prompt", ""),
        temperature=fields.get("temperature", ""),
        words="word" in grains,
    )
    streamed = values.stream_flag(fields.get("stream", ""))
    body = fields.dict()
    principal = await identify(request, body)
    context = doors.context(request, principal, body=body, streamed=streamed, may_be_public=False)
    if jobs.is_wanted(request):
        return await jobs.accept(wanted, context)
    if streamed:
        stack = AsyncExitStack()
        answer = await stack.enter_async_context(intake.generate(wanted, context))
        pieces = _transcript_events(stack, answer, _request_id(request))
        return await responses.begun(pieces, answer, responses.EVENT_STREAM)
    async with intake.generate(wanted, context) as answer:
        await answer.result()
        return _transcript(answer, format)


def _transcript(answer: Answer, format: str) -> HttpResponse:
    row, more = answer.row, responses.headers(answer)
    match format:
        case "text":
            return HttpResponse(transcripts.text(row) + "\n", content_type="text/plain; charset=utf-8", headers=more)
        case "srt":
            return HttpResponse(transcripts.srt(row), content_type="text/plain; charset=utf-8", headers=more)
        case "vtt":
            return HttpResponse(transcripts.vtt(row), content_type="text/vtt; charset=utf-8", headers=more)
        case "verbose_json":
            return responses.json(transcripts.verbose(row), more=more)
        case _:
            return responses.json(transcripts.short(row), more=more)


# --- chats ------------------------------------------------------------------------------------------------------------


async def chat(request: HttpRequest, body: dict[str, Any], card: ModelCard) -> HttpResponseBase:
    """A chat completion of a model that is no chat model: it writes down what it hears, or reads aloud."""
    said = await wanted(body, card)
    streamed = values.stream_flag(body.get("stream", ""))
    context = doors.context(request, await identify(request, body), body=body, streamed=streamed)
    if jobs.is_wanted(request):
        return await jobs.accept(said, context)
    if streamed:
        options = body.get("stream_options")
        usage = isinstance(options, dict) and bool(options.get("include_usage"))
        return await stream(request, said, context, include_usage=usage)
    async with intake.generate(said, context) as answer:
        row = await answer.result()
        told = speech.completion(row, await _whole(answer)) if row.artifact_id else openai.completion(row)
        return responses.json(told, more=responses.headers(answer) | {"Cache-Control": "no-store"})


async def wanted(body: dict[str, Any], card: ModelCard) -> SpeechRequest | TranscriptionRequest:
    """What such a chat asks for."""
    return await asyncio.to_thread(_from_chat, body, card)


def _from_chat(body: dict[str, Any], card: ModelCard) -> SpeechRequest | TranscriptionRequest:
    messages = openai.messages(body.get("messages"))
    recording = transcripts.recording_in(messages)
    name = str(body.get("model") or "")
    if recording is not None:
        return transcripts.request(recording, catalogue.find(name, ("transcription",)))
    if card.kind != "audio":
        raise InvalidRequest(f"{name[:100]} writes recordings down: send a message with input_audio.")
    return speech.from_chat(messages, body, card)


async def stream(
    request: HttpRequest, wanted: SpeechRequest | TranscriptionRequest, context: intake.Context, *, include_usage: bool
) -> HttpResponseBase:
    """OpenAI's chunks: words in `delta.content`, or sound in `delta.audio`."""
    stack = AsyncExitStack()
    answer = await stack.enter_async_context(intake.generate(wanted, context))
    if isinstance(wanted, TranscriptionRequest):
        words = openai.Stream(include_usage=include_usage)
        return await responses.event_stream(stack, answer, words, request_id=_request_id(request))
    chunks = _chunks(stack, answer, include_usage, _request_id(request))
    return await responses.begun(chunks, answer, responses.EVENT_STREAM)


# --- sound as it is made ----------------------------------------------------------------------------------------------


async def _sound(answer: Answer) -> AsyncGenerator[bytes]:
    """The sound piece by piece; one that is there already, or whose pieces never came, from the store.

    Raises ProviderError when only some pieces came, as when Redis was away for a moment: a sound with a hole in it is
    worse than none.
    """
    heard, whole = 0, False
    async for piece in answer.pieces():
        if piece.get("sound", heard) != heard:
            break
        data = piece.get("data", b"")
        heard += len(data)
        if data:
            yield data
        else:
            whole = whole or "sound" in piece
    if heard and not whole:
        raise ProviderError("A part of the sound was lost on its way. Ask again.", code="sound_lost")
    if not heard:
        data = await _whole(answer)
        for start in range(0, len(data), PIECE):
            yield data[start : start + PIECE]


async def _whole(answer: Answer) -> bytes:
    """The stored sound of a finished answer."""
    data = await media.load(answer.row.artifact_id or "") if answer.row.artifact_id else None
    if data is None:
        raise NotFound("The file of this result is no longer available. Make it again.", code="file_lost")
    return data


async def _bytes(stack: AsyncExitStack, answer: Answer) -> AsyncGenerator[bytes]:
    """A failure in the middle breaks the connection: there is no other way to say it in bare sound."""
    async with stack:
        async for data in _sound(answer):
            yield data


async def _chunks(stack: AsyncExitStack, answer: Answer, include_usage: bool, request_id: str) -> AsyncGenerator[bytes]:
    began = False
    async with stack:
        try:
            async for data in _sound(answer):
                if not began:
                    yield speech.first_chunk(answer.row)
                    began = True
                yield speech.chunk(answer.row, data)
        except PollwebError as exc:
            if not began:
                raise
            yield sse.data(http.error_object(exc, request_id))
            return
        yield speech.last_chunks(answer.row, include_usage=include_usage) + sse.DONE


async def _events(stack: AsyncExitStack, answer: Answer, request_id: str) -> AsyncGenerator[bytes]:
    began = False
    async with stack:
        try:
            async for data in _sound(answer):
                yield sse.data(speech.delta_event(data))
                began = True
        except PollwebError as exc:
            if not began:
                raise
            yield sse.data(http.error_object(exc, request_id))
            return
        yield sse.data(speech.done_event(answer.row))


async def _transcript_events(stack: AsyncExitStack, answer: Answer, request_id: str) -> AsyncGenerator[bytes]:
    """`stream=true`: the words segment by segment, then all of them."""
    said = ""
    async with stack:
        try:
            async for piece in answer.pieces():
                if words := (piece.get("delta") or {}).get("content"):
                    said += words
                    yield sse.data(transcripts.delta_event(words))
        except PollwebError as exc:
            if not said:
                raise
            yield sse.data(http.error_object(exc, request_id))
            return
        text = transcripts.text(answer.row)
        if text.startswith(said) and text != said:
            yield sse.data(transcripts.delta_event(text[len(said) :]))
        yield sse.data(transcripts.done_event(answer.row))


def _request_id(request: HttpRequest) -> str:
    return request.id  # type: ignore[attr-defined]
