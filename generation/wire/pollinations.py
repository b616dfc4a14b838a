"""The guide's own dialect: a prompt in the path, parameters in the query, lists of models."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from generation import audio, catalogue
from generation.catalogue import ModelCard
from generation.errors import InvalidParameter
from generation.requests import DEFAULT_IMAGE_SEED, ChatRequest, ImageRequest, SpeechRequest
from generation.wire import openai, values
from pollweb.lib import schema

Query = Mapping[str, str]

# A picture without a prompt is no error on the public service: it gets this one.
NO_PROMPT = "random_prompt"

QUALITIES = ("low", "medium", "high", "hd")

# Left out of the address under which a result is told to others: who asked, and how.
UNTOLD = frozenset(
    {"token", "referrer", "referer", "private", "nofeed", "no-cache", "key", "api_key", "image", "prompt"}
)

NEXT_ADDRESS = re.compile(r"[,|](?=\s*(?:https?://|data:))", re.IGNORECASE)


# --- what is read, for the reference too ------------------------------------------------------------------------------

CALLER_FIELDS: schema.Fields = {
    "token": schema.text("A token; a header is the better place, since addresses are written down in many places."),
    "referrer": schema.text("Who sends this: a registered domain or identifier."),
    "private": schema.flag("Keep it out of gallery, feeds and wall: anything but false, 0 and no does."),
    "nofeed": schema.flag("Another name of `private`."),
}
IMAGE_FIELDS: schema.Fields = {
    "model": schema.text("A name from `/image/models`. An unknown one is the default model.", default="flux"),
    "width": schema.whole("Pixels; the given picture's own where there is one.", 1, default=1024),
    "height": schema.whole("Pixels; the given picture's own where there is one.", 1, default=1024),
    "seed": schema.whole(
        "The same prompt, size and seed give the same picture; -1 draws one.", -1, default=DEFAULT_IMAGE_SEED
    ),
    "image": schema.text("Pictures to work on, up to 8: addresses with commas between them, or data: addresses."),
    "enhance": schema.flag("Let a text model rewrite the prompt in more detail."),
    "safe": schema.flag("Refuse prompts with mature words and mature pictures."),
    "nologo": schema.flag("Leave out the operator's logo; for callers with a token."),
    "transparent": schema.flag("A transparent ground, where the model can."),
    "negative_prompt": schema.text("What should not be seen.", default=ImageRequest.negative_prompt),
    "quality": schema.choice(QUALITIES, default="medium"),
    "guidance_scale": schema.number("How closely the prompt is followed; it is brought into this range.", 0, 100),
    **CALLER_FIELDS,
}
SPEECH_FIELDS: schema.Fields = {
    "voice": schema.text("Of a model that speaks: one of its voices, which `/text/models` lists.", default="alloy"),
    "format": schema.choice(audio.FORMATS, "Of a model that speaks: the kind of file.", default="mp3"),
    "speed": schema.number("Of a model that speaks.", 0.25, 4, default=1),
}
TEXT_FIELDS: schema.Fields = {
    "model": schema.text("A name or alias from `/text/models`.", default="openai"),
    "system": schema.text("A system message."),
    "json": schema.flag("The answer is a JSON text that parses."),
    "stream": schema.flag("Server-sent events in OpenAI's chunks."),
    **openai.SAMPLING_FIELDS,
    **SPEECH_FIELDS,
    **CALLER_FIELDS,
}
TEXT_MODEL = schema.named(
    "TextModel",
    schema.record(
        {
            "id": schema.text(),
            "name": schema.text(),
            "description": schema.text(),
            "provider": schema.text(),
            "tier": schema.text("The lowest tier that may use it."),
            "community": {"type": "boolean"},
            "aliases": schema.listed(schema.text()),
            "input_modalities": schema.listed(schema.choice(("text", "image", "audio"))),
            "output_modalities": schema.listed(schema.choice(("text", "audio"))),
            "tools": {"type": "boolean"},
            "vision": {"type": "boolean"},
            "audio": {"type": "boolean"},
            "reasoning": {"type": "boolean"},
            "maxInputChars": schema.whole(),
            "voices": schema.listed(schema.text()),
        },
        required=("id", "name", "description", "tier", "input_modalities", "output_modalities"),
    ),
)


def is_private(query: Query) -> bool:
    return values.private_flag(query.get("private")) or values.private_flag(query.get("nofeed"))


def image_request(prompt: str, query: Query, card: ModelCard, images: Sequence[str | bytes] = ()) -> ImageRequest:
    """`GET /prompt/{prompt}?…` for the model of `card`. InvalidParameter for a size that is none."""
    # A side that nobody named is the given picture's own; without one it is the model's usual.
    usual = 0 if images else min(1024, card.largest_side)
    asked = [values.side(name, query[name]) if query.get(name) else usual for name in ("width", "height")]
    width, height = values.fitted(asked[0], asked[1], card.largest_side)
    quality = query.get("quality", "")
    guidance = query.get("guidance_scale", "")
    return ImageRequest(
        model=card.name,
        private=is_private(query),
        text=prompt if prompt.strip() else NO_PROMPT,
        seed=values.seed(query.get("seed") or DEFAULT_IMAGE_SEED, DEFAULT_IMAGE_SEED),
        width=width,
        height=height,
        negative_prompt=query.get("negative_prompt") or ImageRequest.negative_prompt,
        quality=quality if quality in QUALITIES else "medium",
        guidance_scale=values.clamped("guidance_scale", guidance, 0, 100) if guidance else None,
        transparent=values.flag(query.get("transparent")),
        enhance=values.flag(query.get("enhance")),
        safe=values.flag(query.get("safe")),
        nologo=values.flag(query.get("nologo")),
        images=tuple(images),
    )


def image_addresses(given: Iterable[str]) -> tuple[str, ...]:
    """The values of `image=`: one address each, or several with commas between them, which addresses may hold too."""
    return tuple(address.strip() for value in given for address in NEXT_ADDRESS.split(value) if address.strip())


def text_request(prompt: str, query: Query, card: ModelCard) -> ChatRequest:
    """`GET /{prompt}?…`: one user message, after the system message if there is one."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": prompt}]
    if system := values.unescaped(query.get("system", "")):
        messages.insert(0, {"role": "system", "content": system})
    return ChatRequest(
        model=card.name,
        private=is_private(query),
        messages=tuple(messages),
        options=openai.options(query, json_mode=values.flag(query.get("json"))),
    )


def speech_request(text: str, query: Query, card: ModelCard) -> SpeechRequest:
    """`GET /{text}?model=openai-audio&voice=…`: the text itself, read aloud."""
    voice = (query.get("voice") or "alloy").lower()
    if card.voices and voice not in card.voices:
        raise InvalidParameter(f"There is no voice {voice[:40]!r}. The voices are {', '.join(card.voices)}.")
    format = (query.get("format") or "mp3").lower()
    format = "pcm" if format == "pcm16" else format  # as OpenAI's chats call it
    if format not in audio.FORMATS:
        raise InvalidParameter(f"format is {format[:40]!r}; allowed are {', '.join(audio.FORMATS)}.")
    return SpeechRequest(
        model=card.name,
        private=is_private(query),
        text=text,
        voice=voice,
        format=format,
        speed=values.clamped("speed", query.get("speed") or 1, 0.25, 4),
    )


def address(base: str, prompt: str, query: Query) -> str:
    """The address that makes this again, without anything about who asked."""
    told = [(name, value) for name, value in query.items() if name not in UNTOLD]
    return f"{base}/{quote(prompt, safe='')}" + (f"?{urlencode(told)}" if told else "")


def text_model(card: ModelCard) -> dict[str, Any]:
    """One entry of the text host's `/models`."""
    speaks, hears = card.kind == "audio", catalogue.knows("transcription", card.name)
    return {
        "id": card.name,
        "name": card.name,
        "description": card.description,
        "provider": card.sources[0].provider,
        "tier": card.tier,
        "community": bool(card.system),
        "aliases": list(card.aliases),
        "input_modalities": ["text", *(["image"] if card.vision else []), *(["audio"] if hears else [])],
        "output_modalities": [*(["audio"] if speaks else []), *(["text"] if hears or not speaks else [])],
        "tools": card.tools,
        "vision": card.vision,
        "audio": speaks or hears,
        "reasoning": card.reasoning,
        "maxInputChars": card.max_input_chars,
        **({"voices": list(card.voices)} if card.voices else {}),
    }
