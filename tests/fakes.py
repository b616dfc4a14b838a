"""Real implementations made simple: a provider that makes what a test enqueues."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from generation.errors import ProviderError
from generation.providers.base import Provider
from generation.requests import ChatRequest, ImageRequest, Request, TranscriptionRequest
from generation.results import Delta, Piece, Result, Sound, Usage


def jpeg(width: int = 64, height: int = 64, colour: str = "tomato") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(file, "JPEG")
    return file.getvalue()


@dataclass
class Script:
    """What the scripted provider does, shared with the test. `gate` holds every job until the test opens it."""

    words: list[str] = field(default_factory=lambda: ["Hel", "lo"])
    error: Exception | None = None
    error_after: int = 0
    failures: int = 0
    held: bool = False
    unready: Exception | None = None
    calls: list[Request] = field(default_factory=list)
    stopped: int = 0
    message: dict[str, Any] | None = None
    deltas: list[dict[str, Any]] | None = None  # in place of words
    later: list[list[str]] = field(default_factory=list)  # the words of the second call, the third, …
    sounds: list[bytes] = field(default_factory=list)  # pieces before the whole
    held_after: int = 0  # of the sounds
    segments: list[dict[str, Any]] = field(default_factory=list)
    made: Callable[[Request], bytes] | None = None

    def reset(self) -> None:
        self.__init__()  # type: ignore[misc]


SCRIPT = Script()


class Scripted(Provider):
    """Follows the contract of every provider; what it makes is said by SCRIPT."""

    kind = "scripted"

    def slot(self, model: str) -> tuple[str, int]:
        return f"{self.name}:{model}", int(self.options.get("parallel", 4))

    def check_ready(self, model: str) -> None:
        if SCRIPT.unready:
            raise SCRIPT.unready

    async def generate(
        self, request: Request, *, model: str, deadline: float, streamed: bool = True
    ) -> AsyncIterator[Piece]:
        SCRIPT.calls.append(request)
        try:
            while SCRIPT.held:
                await asyncio.sleep(0.01)
            if SCRIPT.failures:
                SCRIPT.failures -= 1
                raise ProviderError("The scripted provider failed, as told.")
            if SCRIPT.error and not SCRIPT.error_after:
                raise SCRIPT.error
            if isinstance(request, ChatRequest):
                if SCRIPT.later and len(SCRIPT.calls) > 1:
                    SCRIPT.words = SCRIPT.later.pop(0)
                deltas = SCRIPT.deltas or [{"content": word} for word in SCRIPT.words]
                for number, delta in enumerate(deltas, 1):
                    yield Delta(delta)
                    if SCRIPT.error and number == SCRIPT.error_after:
                        raise SCRIPT.error
                message = SCRIPT.message or {"role": "assistant", "content": "".join(SCRIPT.words)}
                yield Result(made_by=f"{self.name}/{model}", message=message, usage=Usage(7, len(SCRIPT.words)))
            elif isinstance(request, ImageRequest):
                data = SCRIPT.made(request) if SCRIPT.made else jpeg(request.width or 64, request.height or 64)
                yield Result(
                    made_by=f"{self.name}/{model}",
                    data=data,
                    media_type="image/jpeg",
                    width=request.width,
                    height=request.height,
                )
            elif isinstance(request, TranscriptionRequest):
                for number, word in enumerate(SCRIPT.words, 1):
                    yield Delta({"content": word})
                    if SCRIPT.error and number == SCRIPT.error_after:
                        raise SCRIPT.error
                yield Result(
                    made_by=f"{self.name}/{model}",
                    message={"role": "assistant", "content": "".join(SCRIPT.words)},
                    usage=Usage(0, len(SCRIPT.words)),
                    duration=2.0,
                    notes={"language": "en", "duration": 2.0, "segments": SCRIPT.segments},
                )
            else:
                for number, sound in enumerate(SCRIPT.sounds, 1):
                    yield Sound(sound)
                    while SCRIPT.held_after == number:
                        await asyncio.sleep(0.01)
                    if SCRIPT.error and number == SCRIPT.error_after:
                        raise SCRIPT.error
                yield Result(made_by=f"{self.name}/{model}", data=b"ID3sound", media_type="audio/mpeg", duration=1.5)
        except (asyncio.CancelledError, GeneratorExit):
            SCRIPT.stopped += 1
            raise
