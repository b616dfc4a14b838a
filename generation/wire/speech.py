"""Speech in OpenAI's dialect: the body of `/v1/audio/speech`, and chats that are answered by a voice.

Shapes after OpenAI's API reference (audio/createSpeech, chat/object `message.audio`). What is spoken is the text
itself, word for word, also in a chat: its last message.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from generation.catalogue import ModelCard
from generation.errors import InvalidParameter, InvalidRequest
from generation.models import Generation
from generation.requests import SpeechRequest, text_of
from generation.wire import openai, pollinations, values
from pollweb.lib import schema

LONGEST_INPUT = 4096  # characters
STREAM_FORMATS = ("audio", "sse")

SPEECH_FIELDS: schema.Fields = {
    "model": schema.text("A model that speaks.", default="openai-audio"),
    "input": schema.text("The text to be spoken.", minLength=1, maxLength=LONGEST_INPUT),
    "voice": pollinations.SPEECH_FIELDS["voice"],
    "response_format": pollinations.SPEECH_FIELDS["format"],
    "speed": pollinations.SPEECH_FIELDS["speed"],
    "stream_format": schema.choice(STREAM_FORMATS, "As it is made: bare sound, or events."),
    "stream": schema.flag("The same as `stream_format` audio."),
    "token": schema.text("A token; a header is the better place."),
    "referrer": schema.text("Who sends this: a registered domain or identifier."),
}
EVENT = schema.named(
    "SpeechEvent",
    schema.record(
        {
            "type": schema.choice(("speech.audio.delta", "speech.audio.done")),
            "audio": schema.text("A piece of the sound.", contentEncoding="base64"),
            "usage": {"type": "object"},
        }
    ),
)


def request(body: Mapping[str, Any], card: ModelCard) -> SpeechRequest:
    """The body of `/v1/audio/speech`."""
    text = body.get("input")
    if not isinstance(text, str) or not text.strip():
        raise InvalidParameter("input must be the text to be spoken.")
    if len(text) > LONGEST_INPUT:
        raise InvalidRequest(
            f"input is longer than {LONGEST_INPUT} characters (current: {len(text)}).", code="input_too_long"
        )
    return spoken(text, body, body.get("voice"), body.get("response_format"), card)


def from_chat(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any], card: ModelCard) -> SpeechRequest:
    """A chat that a voice is to answer: what the user said last, read aloud."""
    modalities = body.get("modalities")
    if isinstance(modalities, list) and modalities and "audio" not in modalities:
        raise InvalidParameter(
            f"{card.name} speaks or listens: send modalities with audio, or a message with input_audio."
        )
    wanted = body.get("audio")
    wanted = wanted if isinstance(wanted, Mapping) else {}
    text = next((text_of(m.get("content")) for m in reversed(messages) if m.get("role") == "user"), "")
    if not text.strip():
        raise InvalidRequest("The last message of the user holds no text to be spoken.", code="empty_prompt")
    stream = "pcm" if values.stream_flag(body.get("stream", "")) else "mp3"
    return spoken(text, body, wanted.get("voice") or body.get("voice"), wanted.get("format") or stream, card)


def spoken(text: str, body: Mapping[str, Any], voice: Any, format: Any, card: ModelCard) -> SpeechRequest:
    for name, value in (("voice", voice), ("format", format)):
        if value is not None and not isinstance(value, str):
            raise InvalidParameter(f"{name} must be a name, such as {'alloy' if name == 'voice' else 'mp3'}.")
    given = {"voice": voice, "format": format, "speed": body.get("speed")}
    given |= {name: body.get(name) for name in ("private", "nofeed")}
    return pollinations.speech_request(text, {name: str(value) for name, value in given.items() if value}, card)


def audio_id(row: Generation) -> str:
    return f"audio_{row.pk.hex}"


def completion(row: Generation, data: bytes) -> dict[str, Any]:
    """A finished sound as `chat.completion`."""
    told = {
        "id": audio_id(row),
        "data": base64.b64encode(data).decode("ascii"),
        "expires_at": _expiry(row),
        "transcript": row.prompt,
    }
    message = {"role": "assistant", "content": None, "refusal": None, "audio": told}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return {**openai.completion(row), "choices": [choice]}


def _expiry(row: Generation) -> int:
    """A later message cannot refer to the sound by its id here: for that it has expired when it is made."""
    return int((row.finished_at or row.created_at).timestamp())


def first_chunk(row: Generation) -> bytes:
    told = {"id": audio_id(row), "transcript": row.prompt}
    return openai.chunk(row, {"role": "assistant", "content": None, "audio": told})


def chunk(row: Generation, data: bytes) -> bytes:
    """A piece of the sound."""
    return openai.chunk(row, {"audio": {"id": audio_id(row), "data": base64.b64encode(data).decode("ascii")}})


def last_chunks(row: Generation, *, include_usage: bool) -> bytes:
    told = openai.chunk(row, {"audio": {"id": audio_id(row), "expires_at": _expiry(row)}})
    told += openai.chunk(row, {}, "stop")
    return told + openai.usage_chunk(row) if include_usage else told


def delta_event(data: bytes) -> dict[str, Any]:
    """A piece of the sound where `stream_format` is `sse`."""
    return {"type": "speech.audio.delta", "audio": base64.b64encode(data).decode("ascii")}


def done_event(row: Generation) -> dict[str, Any]:
    usage = {
        "input_tokens": row.prompt_tokens,
        "output_tokens": row.completion_tokens,
        "total_tokens": row.prompt_tokens + row.completion_tokens,
    }
    return {"type": "speech.audio.done", "usage": usage}
