"""Pictures, speech and transcripts in OpenAI's dialect: `/images/*` and `/audio/*`."""

import base64
import binascii
from typing import Any
from urllib.parse import urlsplit

import orjson

from generation import audio
from generation.errors import ProviderRefused
from generation.providers.upstream import Upstream, garbled, pictures, sounds
from generation.requests import ImageRequest, SpeechRequest, TranscriptionRequest
from generation.results import Result

IMAGE_BYTES = 32 * 2**20
AUDIO_BYTES = 64 * 2**20
TRANSCRIPT_BYTES = 8 * 2**20
# A picture in base64, and the JSON around it.
WRAPPED_BYTES = IMAGE_BYTES * 4 // 3 + 2**20

# OpenAI's own server takes only some of these, and refuses what it does not know; others go by all of them.
PICTURE_OPTIONAL = frozenset({"size", "response_format", "quality", "seed", "negative_prompt", "guidance_scale"})
ENDINGS = {"wav": ".wav", "mp3": ".mp3", "opus": ".ogg", "flac": ".flac", "aac": ".aac"}
SPEECH_OPTIONAL = frozenset({"response_format", "speed"})


def picture_body(request: ImageRequest, model: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": model,
        "prompt": request.text,
        "n": 1,
        "size": f"{request.width}x{request.height}" if request.width and request.height else "auto",
        "response_format": "b64_json",
        "seed": request.seed,
    }
    if request.negative_prompt != ImageRequest.negative_prompt:
        body["negative_prompt"] = request.negative_prompt
    if request.quality != ImageRequest.quality:
        body["quality"] = request.quality
    if request.guidance_scale is not None:
        body["guidance_scale"] = request.guidance_scale
    return body


async def picture(upstream: Upstream, request: ImageRequest, model: str, *, made_by: str, deadline: float) -> Result:
    """A picture from words, or of the pictures that the request brings along."""
    files = []
    for number, given in enumerate(request.pictures):
        media_type = "image/png" if given[:4] == b"\x89PNG" else "image/jpeg"
        name = "image" if len(request.pictures) == 1 else "image[]"
        files.append((name, (f"{number}.{media_type.partition('/')[2]}", given, media_type)))
    call = upstream.call(
        "POST",
        "images/edits" if files else "images/generations",
        json=picture_body(request, model),
        files=files,
        deadline=deadline,
        optional=PICTURE_OPTIONAL,
    )
    async with call as answer:
        said = await answer.whole(WRAPPED_BYTES)
    try:
        item = orjson.loads(said)["data"][0]
        encoded, url = item.get("b64_json"), item.get("url")
    except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError):
        raise garbled(upstream.name, "it holds no picture", said[:2000].decode("utf-8", "replace")) from None
    if isinstance(encoded, str) and encoded:
        try:
            data = base64.b64decode(encoded.removeprefix("data:").partition("base64,")[2] or encoded, validate=True)
        except (binascii.Error, ValueError):
            raise garbled(upstream.name, "its base64 is damaged") from None
    elif isinstance(url, str) and url:
        async with upstream.call("GET", _own(upstream, url), deadline=deadline) as answer:
            data = await answer.whole(IMAGE_BYTES)
    else:
        raise garbled(upstream.name, "it holds no picture")
    return await pictures.result(upstream.name, data, request, made_by)


def _own(upstream: Upstream, url: str) -> str:
    """An address that an answer names, if it is at the very server that we called: nowhere else do we send our key."""
    try:
        named, base = urlsplit(url), urlsplit(upstream.base_url)
        same = (named.scheme, named.hostname, named.port) == (base.scheme, base.hostname, base.port)
    except ValueError:
        same = False
    if not same or named.username:
        raise ProviderRefused(
            "The provider keeps its pictures at another address, which is not followed.",
            details={"provider": upstream.name},
        )
    return url


async def speech(upstream: Upstream, request: SpeechRequest, model: str, *, made_by: str, deadline: float) -> Result:
    body: dict[str, Any] = {
        "model": model,
        "input": request.text,
        "voice": request.voice,
        "response_format": request.format,
    }
    if request.speed != 1:
        body["speed"] = request.speed
    call = upstream.call("POST", "audio/speech", json=body, deadline=deadline, optional=SPEECH_OPTIONAL)
    async with call as answer:
        data = await answer.whole(AUDIO_BYTES)
        sent = request.format if answer.media_type.startswith("audio/") or "octet-stream" in answer.media_type else ""
    return await sounds.result(upstream.name, data, request, made_by, sent=sent)


async def transcript(
    upstream: Upstream, request: TranscriptionRequest, model: str, *, made_by: str, deadline: float
) -> Result:
    """What was said in a recording, with the times of its segments where the server tells them."""
    body: dict[str, Any] = {"model": model, "response_format": "verbose_json", "temperature": request.temperature}
    if request.language:
        body["language"] = request.language
    if request.hint:
        body["prompt"] = request.hint
    if request.words:
        body["timestamp_granularities[]"] = ["word", "segment"]
    # Servers go by the file's name.
    ending = ".webm" if request.data[:4] == b"\x1aE\xdf\xa3" else ENDINGS.get(audio.sniff(request.data), ".mp4")
    file = ("file", (f"recording{ending}", request.data, "application/octet-stream"))
    call = upstream.call(
        "POST",
        "audio/transcriptions",
        json=body,
        files=[file],
        deadline=deadline,
        optional=frozenset({"response_format"}),
    )
    async with call as answer:
        said = await answer.whole(TRANSCRIPT_BYTES)
    try:
        told = orjson.loads(said)
        words = told["text"]
    except (orjson.JSONDecodeError, LookupError, TypeError):
        words = told = None
    if not isinstance(words, str):
        raise garbled(upstream.name, "it holds no transcript", said[:2000].decode("utf-8", "replace"))
    notes = {name: told[name] for name in ("language", "duration", "segments", "words") if told.get(name)}
    duration = notes.get("duration")
    return Result(
        made_by=made_by,
        message={"role": "assistant", "content": words.strip()},
        duration=float(duration) if isinstance(duration, int | float) else 0.0,
        notes=notes,
    )
