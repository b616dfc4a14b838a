"""Any server that speaks OpenAI's dialect: chat, pictures, speech, transcripts, embeddings."""

from collections.abc import AsyncIterator
from typing import Any, ClassVar

from generation.errors import InvalidRequest
from generation.providers.base import Offer, Provider
from generation.providers.openai_compatible import chat, embeddings, media
from generation.providers.upstream import listing
from generation.providers.upstream.options import RemoteOptions
from generation.requests import (
    ChatRequest,
    EmbeddingRequest,
    ImageRequest,
    Request,
    SpeechRequest,
    TranscriptionRequest,
)
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

    async def offers(self, *, deadline: float) -> list[Offer]:
        return await listing.openai(self.upstream, deadline)

    def generate(self, request: Request, *, model: str, deadline: float, streamed: bool = True) -> AsyncIterator[Piece]:
        made_by = f"{self.name}/{model}"
        if isinstance(request, ChatRequest):
            body = chat.body_of(request, model, streamed=streamed)
            return chat.complete(self.upstream, "chat/completions", body, made_by=made_by, deadline=deadline)
        return self._whole(request, model, made_by, deadline)

    async def _whole(self, request: Request, model: str, made_by: str, deadline: float) -> AsyncIterator[Piece]:
        match request:
            case ImageRequest():
                yield await media.picture(self.upstream, request, model, made_by=made_by, deadline=deadline)
            case EmbeddingRequest():
                yield await embeddings.vectors(self.upstream, request, model, made_by=made_by, deadline=deadline)
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
