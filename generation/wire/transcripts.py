"""Transcription in OpenAI's dialect: recordings in, transcripts out.

Shapes after OpenAI's API reference (audio/createTranscription, audio/verbose-json-object; chat `input_audio`).
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf.locale import LANG_INFO

from generation.catalogue import ModelCard
from generation.errors import InvalidParameter, InvalidRequest
from generation.models import Generation
from generation.requests import TranscriptionRequest
from generation.wire import values
from pollweb.lib import schema

FORMATS = ("json", "text", "srt", "vtt", "verbose_json")
LONGEST_HINT = 2000  # characters; Whisper reads about the last 220 tokens of it
GRAINS = ("segment", "word")
LANGUAGE = re.compile(r"([a-z]{2,3})(?:[-_][a-z0-9]+)*", re.IGNORECASE)
# Django knows these by their scripts, or not at all.
NAMES = {"zh": "chinese", "yue": "cantonese"}

FORM_FIELDS: schema.Fields = {
    "file": {**schema.binary("audio/*"), "description": "The recording, up to 24 MiB and 30 minutes."},
    "model": schema.text("A model that writes down what it hears.", default="whisper-1"),
    "language": schema.text("A code such as en or zh; without it the language is found out.", pattern="^[a-z]{2,3}$"),
    "prompt": schema.text("A text whose spelling and style are followed.", maxLength=LONGEST_HINT),
    "response_format": schema.choice(FORMATS, default="json"),
    "temperature": schema.number("", 0, 1, default=0),
    "timestamp_granularities[]": schema.listed(schema.choice(GRAINS), "Of `verbose_json`."),
    "stream": schema.flag("The words as events, segment by segment."),
    "token": schema.text("A token; a header is the better place."),
}
_SEGMENT = schema.record(
    {"id": schema.whole(), "start": schema.number(), "end": schema.number(), "text": schema.text()}
)
TRANSCRIPT = schema.named(
    "Transcript",
    schema.record(
        {
            "text": schema.text(),
            "usage": {"type": "object"},
            "task": schema.text("From here on: of `verbose_json`."),
            "language": schema.text(),
            "duration": schema.number("Seconds."),
            "segments": schema.listed(_SEGMENT),
            "words": schema.listed(
                schema.record({"word": schema.text(), "start": schema.number(), "end": schema.number()})
            ),
        },
        required=["text"],
    ),
)
EVENT = schema.named(
    "TranscriptEvent",
    schema.record(
        {
            "type": schema.choice(("transcript.text.delta", "transcript.text.done")),
            "delta": schema.text(),
            "text": schema.text(),
        }
    ),
)


def request(
    data: bytes, card: ModelCard, *, language: str = "", hint: str = "", temperature: Any = "", words: bool = False
) -> TranscriptionRequest:
    """A recording to be written down by the model of `card`."""
    if not data:
        raise InvalidRequest("The audio file is empty.", code="invalid_audio")
    if len(hint) > LONGEST_HINT:
        raise InvalidParameter(f"prompt is longer than {LONGEST_HINT} characters.")
    return TranscriptionRequest(
        model=card.name,
        private=True,
        recording=hashlib.sha256(data).hexdigest(),
        data=data,
        language=_language(language),
        hint=hint,
        temperature=values.clamped("temperature", temperature or 0, 0, 1),
        words=words,
    )


def _language(given: str) -> str:
    """ISO 639 as Whisper has it: `en`, of `en-GB` too."""
    if not given:
        return ""
    match = LANGUAGE.fullmatch(given.strip())
    if match is None:
        raise InvalidParameter(f"language is {given[:40]!r}; a code such as en or zh is needed.")
    return match[1].lower()


# --- chats ------------------------------------------------------------------------------------------------------------


def recording_in(messages: Sequence[Mapping[str, Any]]) -> bytes | None:
    """The recording in what the user said last; None when there is none. InvalidRequest when it cannot be read."""
    content = next((m.get("content") for m in reversed(messages) if m.get("role", "user") == "user"), None)
    parts = content if isinstance(content, list) else []
    recordings = [part for part in parts if isinstance(part, Mapping) and part.get("type") == "input_audio"]
    if not recordings:
        return None
    if len(recordings) > 1:
        raise InvalidRequest("A message may carry one input_audio. Send one after the other.", code="invalid_audio")
    given = recordings[0].get("input_audio")
    encoded = given.get("data") if isinstance(given, Mapping) else None
    if not isinstance(encoded, str):
        raise InvalidRequest('input_audio must be {"data": "<base64>", "format": "wav"}.', code="invalid_audio")
    return _decoded(encoded)


def _decoded(encoded: str) -> bytes:
    """Base64, in lines or not, in a data: address or not."""
    if encoded[:5].lower() == "data:":
        head, comma, encoded = encoded.partition(",")
        if not comma or not head.lower().endswith(";base64"):
            raise InvalidRequest("input_audio.data is a data: address that is not base64.", code="invalid_audio")
    encoded = "".join(encoded.split())
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError) as exc:
        raise InvalidRequest("input_audio.data is not valid base64.", code="invalid_audio") from exc


# --- answers ----------------------------------------------------------------------------------------------------------


def text(row: Generation) -> str:
    return str((row.message or {}).get("content") or "")


def short(row: Generation) -> dict[str, Any]:
    """`response_format=json`."""
    return {"text": text(row), "usage": _usage(row)}


def delta_event(words: str) -> dict[str, Any]:
    """Some words of a stream."""
    return {"type": "transcript.text.delta", "delta": words}


def done_event(row: Generation) -> dict[str, Any]:
    return {"type": "transcript.text.done", "text": text(row)}


def verbose(row: Generation) -> dict[str, Any]:
    """`response_format=verbose_json`. A provider that told no segments has none here."""
    notes = row.notes
    told: dict[str, Any] = {
        "task": "transcribe",
        "language": language_name(notes.get("language", "")),
        "duration": notes.get("duration", row.duration),
        "text": text(row),
        "segments": [{"id": number, **segment} for number, segment in enumerate(notes.get("segments", []))],
        "usage": _usage(row),
    }
    if "words" in notes:
        told["words"] = [
            {"word": word["text"].strip(), "start": word["start"], "end": word["end"]} for word in notes["words"]
        ]
    return told


def _usage(row: Generation) -> dict[str, Any]:
    return {"type": "duration", "seconds": round(row.duration)}


def language_name(code: str) -> str:
    """`english` for `en`, as OpenAI's verbose answers say it; the code itself where nobody knows a name."""
    return NAMES.get(code) or str(LANG_INFO.get(code, {}).get("name", code)).lower()


def srt(row: Generation) -> str:
    """SubRip: a number, the times, the words, an empty line."""
    return "".join(
        f"{number}\n{_time(start, ',')} --> {_time(end, ',')}\n{words}\n\n"
        for number, (start, end, words) in enumerate(_cues(row), 1)
    )


def vtt(row: Generation) -> str:
    """WebVTT (W3C)."""
    cues = "".join(f"{_time(start, '.')} --> {_time(end, '.')}\n{words}\n\n" for start, end, words in _cues(row))
    return f"WEBVTT\n\n{cues}"


def _cues(row: Generation) -> list[tuple[float, float, str]]:
    """Begin, end, words on one line. `-->` would end a cue's words, so it is written as an arrow."""
    segments = row.notes.get("segments") or [{"start": 0, "end": row.duration, "text": text(row)}]
    cues = ((s["start"], s["end"], " ".join(s["text"].split()).replace("-->", "→")) for s in segments)
    return [cue for cue in cues if cue[2]]


def _time(seconds: float, point: str) -> str:
    milliseconds = round(seconds * 1000)
    hours, milliseconds = divmod(milliseconds, 3_600_000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    return f"{hours:02}:{minutes:02}:{milliseconds // 1000:02}{point}{milliseconds % 1000:03}"
