"""A recording written down by way of a chat, which is the guide's only one: `input_audio`, the words as the answer.

The service takes wav and mp3, so anything else is sent as mp3. It tells no times.
"""

import asyncio
import base64
import dataclasses
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from generation import audio
from generation.errors import UnreadableInput
from generation.providers.openai_compatible import chat
from generation.providers.upstream import Upstream
from generation.requests import TranscriptionRequest
from generation.results import Piece, Result

ASKED = "Transcribe this recording. Answer with its words alone."


def body_of(request: TranscriptionRequest, model: str, manners: Mapping[str, Any]) -> dict[str, Any]:
    """UnreadableInput for a recording that cannot be read."""
    data, format = request.data, audio.sniff(request.data)
    if format not in ("wav", "mp3"):
        try:
            data, format = audio.converted(data, "mp3"), "mp3"
        except audio.NotAudio as exc:
            raise UnreadableInput("The recording cannot be read as sound.") from exc
    told = [ASKED]
    if request.language:
        told.append(f"It is in the language {request.language}.")
    if request.hint:
        told.append(f"Its words may be spelled as in: {request.hint}")
    sound = {"data": base64.b64encode(data).decode(), "format": format}
    parts = [{"type": "text", "text": " ".join(told)}, {"type": "input_audio", "input_audio": sound}]
    return {"model": model, "messages": [{"role": "user", "content": parts}], **manners}


async def listen(
    upstream: Upstream,
    request: TranscriptionRequest,
    model: str,
    manners: Mapping[str, Any],
    *,
    made_by: str,
    deadline: float,
) -> AsyncGenerator[Piece]:
    body = await asyncio.to_thread(body_of, request, model, manners)
    answer = chat.complete(upstream, "openai", body, made_by=made_by, deadline=deadline)
    async with aclosing(answer) as pieces:
        async for piece in pieces:
            if isinstance(piece, Result):
                piece = dataclasses.replace(piece, duration=await asyncio.to_thread(audio.duration, request.data))
            yield piece
