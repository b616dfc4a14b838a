"""Any server that speaks OpenAI's dialect: chat, pictures, speech, transcripts."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, ClassVar

from generation.errors import InvalidRequest
from generation.providers.base import Provider
from generation.providers.openai_compatible import chat, media
from generation.providers.upstream.options import RemoteOptions
from generation.requests import ChatRequest, ImageRequest, Request, SpeechRequest, TranscriptionRequest
from generation.results import Delta, Piece


class Options(RemoteOptions):
    """The operator's table. `base_url` ends where OpenAI's own ends: in `/v1`."""

    base_url: str


class OpenAICompatible(Provider):
    kind: ClassVar[str] = "openai"

    def __init__(self, name: str, options: dict[str, Any]) -> None:
        super().__init__(name, options)
        self.table = Options.read(name, options)
        self.upstream = self.table.upstream(name, self.table.base_url)

    def slot(self, model: str) -> tuple[str, int]:
        return self.name[:40], self.table.max_parallel

    async def generate(
        self, request: Request, *, model: str, deadline: float, streamed: bool = True
    ) -> AsyncIterator[Piece]:
        made_by = f"{self.name}/{model}"
        match request:
            case ChatRequest():
                body = chat.body_of(request, model, streamed=streamed)
                answer = chat.complete(self.upstream, "chat/completions", body, made_by=made_by, deadline=deadline)
                async with aclosing(answer) as pieces:
                    async for piece in pieces:
                        yield piece
            case ImageRequest():
                yield await media.picture(self.upstream, request, model, made_by=made_by, deadline=deadline)
            case SpeechRequest():
                yield await media.speech(self.upstream, request, model, made_by=made_by, deadline=deadline)
            case TranscriptionRequest():
                result = await media.transcript(self.upstream, request, model, made_by=made_by, deadline=deadline)
                assert result.message is not None
                if words := result.message["content"]:
                    yield Delta({"content": words})
                yield result
            case _:
                raise InvalidRequest(f"The provider does not make {request.kind}.", code="unsupported")
