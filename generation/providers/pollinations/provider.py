"""The services of Pollinations' guide as an upstream; another pollweb is one too."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, ClassVar
from urllib.parse import quote

from generation.errors import InvalidRequest
from generation.providers.base import Offer, Provider
from generation.providers.openai_compatible import chat
from generation.providers.openai_compatible.media import AUDIO_BYTES, IMAGE_BYTES
from generation.providers.pollinations import transcription
from generation.providers.upstream import garbled, listing, pictures, sounds
from generation.providers.upstream.options import RemoteOptions
from generation.requests import ChatRequest, ImageRequest, Request, SpeechRequest, TranscriptionRequest
from generation.results import Piece, Result

# A longer address is refused by many servers on the way; the same text then travels in a body.
LONGEST_PATH = 4000


class Options(RemoteOptions):
    """The operator's table: `token_env` is this kind's own word for `api_key_env`, `referrer` names our site to it."""

    image_url: str = "https://image.pollinations.ai"
    text_url: str = "https://text.pollinations.ai"
    token_env: str = ""
    referrer: str = ""

    @property
    def key_variable(self) -> str:
        return self.token_env or self.api_key_env


class Pollinations(Provider):
    kind: ClassVar[str] = "pollinations"

    def __init__(self, name: str, options: dict[str, Any]) -> None:
        super().__init__(name, options)
        self.table = Options.read(name, options)
        self.images = self.table.upstream(name, self.table.image_url)
        self.texts = self.table.upstream(name, self.table.text_url)

    def slot(self, model: str) -> tuple[str, int]:
        return self.name[:40], self.table.max_parallel

    async def offers(self, *, deadline: float) -> list[Offer]:
        images, texts = await asyncio.gather(
            listing.pictures(self.images, deadline), listing.texts(self.texts, deadline)
        )
        return [*images, *texts]

    def generate(self, request: Request, *, model: str, deadline: float, streamed: bool = True) -> AsyncIterator[Piece]:
        made_by = f"{self.name}/{model}"
        if isinstance(request, ChatRequest):
            body = {**chat.body_of(request, model, streamed=streamed), **self._manners(request)}
            return chat.complete(self.texts, "openai", body, made_by=made_by, deadline=deadline)
        if isinstance(request, TranscriptionRequest):
            manners = self._manners(request)
            return transcription.listen(self.texts, request, model, manners, made_by=made_by, deadline=deadline)
        return self._whole(request, model, made_by, deadline)

    async def _whole(self, request: Request, model: str, made_by: str, deadline: float) -> AsyncIterator[Piece]:
        match request:
            case ImageRequest(pictures=[_, *_], addresses=[]):
                # Its service takes addresses only: without one it would paint something else, and say nothing.
                raise InvalidRequest("The provider of this model takes no pictures along.", code="unsupported")
            case ImageRequest():
                yield await self._picture(request, model, made_by, deadline)
            case SpeechRequest():
                yield await self._speech(request, model, made_by, deadline)
            case _:
                raise InvalidRequest(f"The provider does not make {request.kind}.", code="unsupported")

    def _manners(self, request: Request) -> dict[str, Any]:
        """Who we are, and that a private wish stays off the upstream's public feed."""
        return {
            **({"referrer": self.table.referrer} if self.table.referrer else {}),
            **({"private": True} if request.private or request.has_media else {}),
        }

    async def _picture(self, request: ImageRequest, model: str, made_by: str, deadline: float) -> Result:
        call = self.images.call(
            "GET", f"prompt/{in_path(request.text)}", params=self._picture_query(request, model), deadline=deadline
        )
        async with call as answer:
            if not answer.media_type.startswith("image/"):
                raise garbled(self.name, "it is no picture")
            data = await answer.whole(IMAGE_BYTES)
        return await pictures.result(self.name, data, request, made_by)

    def _picture_query(self, request: ImageRequest, model: str) -> dict[str, str]:
        flags = {
            "nologo": True,  # the operator's own logo, if any, is put on here
            "safe": request.safe,
            "transparent": request.transparent,
            # Whose pictures are on it is nobody's business there.
            "private": request.private or request.has_media,
        }
        query = {
            "model": model,
            "seed": str(request.seed),
            **{side: str(pixels) for side in ("width", "height") if (pixels := getattr(request, side))},
            **{name: "true" for name, on in flags.items() if on},
        }
        if request.negative_prompt != ImageRequest.negative_prompt:
            query["negative_prompt"] = request.negative_prompt
        if request.quality != ImageRequest.quality:
            query["quality"] = request.quality
        if request.guidance_scale is not None:
            query["guidance_scale"] = f"{request.guidance_scale:g}"
        if self.table.referrer:
            query["referrer"] = self.table.referrer
        if request.addresses:
            query["image"] = ",".join(request.addresses)  # our own addresses have no commas
        return query

    async def _speech(self, request: SpeechRequest, model: str, made_by: str, deadline: float) -> Result:
        said = {"model": model, "voice": request.voice}
        path = in_path(request.text)
        if len(path) <= LONGEST_PATH:
            manners = {name: "true" if value is True else value for name, value in self._manners(request).items()}
            call = self.texts.call("GET", path, params={**said, **manners}, deadline=deadline)
        else:
            messages = [{"role": "user", "content": request.text}]
            body = {**said, **self._manners(request), "messages": messages}
            call = self.texts.call("POST", "", json=body, deadline=deadline)
        async with call as answer:
            if not answer.media_type.startswith("audio/"):
                raise garbled(self.name, "it is no sound")
            data = await answer.whole(AUDIO_BYTES)
        return await sounds.result(self.name, data, request, made_by)


def in_path(text: str) -> str:
    """A prompt as one segment of a path. A lone dot or two would be taken for a folder, so they get a space."""
    return quote(f"{text} " if text in (".", "..") else text, safe="")
