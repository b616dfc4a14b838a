"""Answers: bytes, words and event streams, with the headers every generation carries."""

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from typing import Any, Protocol

import orjson
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from generation import media
from generation.intake import Answer
from generation.models import Generation
from pollweb.lib.errors import PollwebError
from pollweb.lib.http.answers import Whole

PUBLIC = "public, max-age=31536000, immutable"
PRIVATE = "private, no-store"
EVENT_STREAM = "text/event-stream; charset=utf-8"

Addition = Callable[[Generation], str]


def headers(answer: Answer) -> dict[str, str]:
    """What every generation says about itself. The row is final by now."""
    return {
        "X-Cache": answer.cache,
        **({"X-Cache-Type": "EXACT"} if answer.cache == "HIT" else {}),
        **({"Idempotency-Replayed": "true"} if answer.replayed else {}),
        "X-Visibility": answer.visibility,
        "X-Model-Used": answer.row.made_by,
        "Cache-Control": PUBLIC if answer.visibility == "public" else PRIVATE,
    }


def json(data: Any, *, status: int = 200, more: Mapping[str, str] | None = None) -> HttpResponse:
    return json_bytes(orjson.dumps(data), status=status, more=more)


def json_bytes(data: bytes, *, status: int = 200, more: Mapping[str, str] | None = None) -> HttpResponse:
    return Whole(data, status=status, content_type="application/json; charset=utf-8", headers=more or {})


def text(answer: Answer, addition: str = "") -> HttpResponse:
    """The words of an answer, and what is added to them; a pure tool call, which has none, as its message."""
    message = answer.row.message or {}
    if message.get("content") is None and message.get("tool_calls"):
        return json(message, more=headers(answer))
    words = f"{message.get('content') or ''}{addition}".encode()
    return Whole(words, content_type="text/plain; charset=utf-8", headers=headers(answer))


async def file(request: HttpRequest, answer: Answer, filename: str) -> HttpResponse:
    """A picture or sound, with ETag, conditions and ranges."""
    response = await media.respond(request, answer.row, filename=filename)
    for name, value in headers(answer).items():
        response[name] = value
    return response


class Dialect(Protocol):
    """The frames of one stream in one API's words; `event` is the delta as an upstream of OpenAI's dialect wrote it."""

    def piece(self, row: Generation, delta: Mapping[str, Any], event: bytes = b"") -> Iterable[bytes]: ...

    def end(self, row: Generation) -> Iterable[bytes]: ...

    def failed(self, exc: PollwebError, request_id: str) -> Iterable[bytes]: ...


async def event_stream(
    stack: AsyncExitStack, answer: Answer, dialect: Dialect, *, request_id: str, addition: Addition = lambda row: ""
) -> StreamingHttpResponse:
    """The answer as it comes, in a dialect. Whatever goes wrong before the first piece is raised, as a real status.

    `stack` holds the caller's place; it is closed when the stream ends, however it ends.
    """
    return await begun(_frames(stack, answer, dialect, request_id, addition), answer, EVENT_STREAM)


async def begun(pieces: AsyncGenerator[bytes], answer: Answer, content_type: str) -> StreamingHttpResponse:
    """A streamed answer whose first piece is here: what goes wrong before it is raised, as a real status."""
    first = await anext(pieces)
    more = headers(answer) | {"Cache-Control": "no-cache", "X-Accel-Buffering": "no", "Connection": "keep-alive"}
    if not answer.row.made_by:
        del more["X-Model-Used"]
    body = _after(first, pieces)
    # An async generator that was never started has no `finally`: start it, so that closing it closes what it holds.
    await anext(body)
    return StreamingHttpResponse(body, content_type=content_type, headers=more)


async def _after(first: bytes, rest: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    try:
        yield b""
        yield first
        async for frame in rest:
            yield frame
    finally:
        await rest.aclose()


async def _frames(
    stack: AsyncExitStack, answer: Answer, dialect: Dialect, request_id: str, addition: Addition
) -> AsyncGenerator[bytes]:
    """Frames of the stream; raises only before the first one, afterwards an error is a frame of its own."""
    said: list[str] = []
    began = False
    async with stack:
        try:
            async for batch in answer.batches():
                frames: list[bytes] = []
                for piece in batch:
                    if delta := piece.get("delta"):
                        said.append(str(delta.get("content") or ""))
                        frames += dialect.piece(answer.row, delta, piece.get("event", b""))
                if frames:
                    yield b"".join(frames)
                    began = True
        except PollwebError as exc:
            if not began:
                raise
            for frame in dialect.failed(exc, request_id):
                yield frame
            return
        row = answer.row
        if rest := _unsaid(row, "".join(said), began):
            for frame in dialect.piece(row, rest):
                yield frame
        if more := addition(row):
            for frame in dialect.piece(row, {"content": more}):
                yield frame
        for frame in dialect.end(row):
            yield frame


def _unsaid(row: Generation, said: str, began: bool) -> dict[str, Any]:
    """What the pieces did not tell: all of a cached answer, the end of one whose pieces were lost on the way."""
    message = row.message or {}
    rest: dict[str, Any] = {}
    content = str(message.get("content") or "")
    if content.startswith(said) and len(content) > len(said):
        rest["content"] = content[len(said) :]
    if not began and message.get("tool_calls"):
        rest["tool_calls"] = [{"index": index, **call} for index, call in enumerate(message["tool_calls"])]
    return rest
