"""What the pages of a result tell about it: how it was made, and the name of its file."""

import json
import unicodedata
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from generation import catalogue, finishing, inputs, media, saving
from generation.models import Generation
from generation.requests import ChatRequest, ImageRequest, SpeechRequest, TranscriptionRequest
from generation.web import conversations
from generation.web.answers import coloured, to_html
from generation.web.contents import calls_of
from generation.web.message_fields import Line
from generation.web.samples import samples
from generation.web.tiles import Tile

NAMES = {"png": "PNG", "jpeg": "JPEG", "webp": "WebP"}


def result_context(generation: Generation) -> dict[str, Any]:
    """What templates/components/result.html needs for a finished generation."""
    wish = generation.request()
    return {
        "is_transcript": isinstance(wish, TranscriptionRequest),
        "generation": generation,
        "tile": Tile(generation),
        "settings_rows": settings_rows(generation),
        "samples": [] if inputs.digests_of(wish) else samples(wish),  # somebody's own pictures are not ours to tell
        "system": _system(wish),
        "before": _before(wish),
        "calls": _calls(generation),
        "enhanced": generation.notes.get("enhanced_prompt", ""),
        "answer_html": to_html(generation.response) if generation.kind == "text" else "",
        "provenance": provenance(generation),
        "edits": generation.kind == "image" and any(card.edits for card in catalogue.cards("image").values()),
        "download_formats": [
            (format, NAMES[format]) for format, form in saving.FORMATS.items() if form[1] != _type(generation)
        ],
    }


def _type(generation: Generation) -> str:
    return generation.artifact.media_type if generation.artifact else ""


def _system(wish: Any) -> str:
    """The system message of a plain conversation."""
    messages = wish.messages if isinstance(wish, ChatRequest) else ()
    return next((str(m["content"]) for m in messages if m.get("role") == "system" and m.get("content")), "")


def _before(wish: Any) -> list[Line]:
    """What the user, the model and its tools had said before the question."""
    lines = conversations.of(wish).lines if isinstance(wish, ChatRequest) else []
    return [line for line in lines if line.role != "system"]


def _calls(generation: Generation) -> list[tuple[str, str]]:
    """The functions that the model would like to call, each with its arguments as coloured JSON; "" for none."""
    empty = ("", "{}")
    return [
        (name, "" if arguments in empty else coloured(arguments, "json"))
        for name, arguments in calls_of(generation.message or {})
    ]


def settings_rows(generation: Generation) -> list[tuple[str, str]]:
    """What decided this result, as pairs of a name and a value; settings that were left alone are left out."""
    wish = generation.request()
    rows: list[tuple[str, Any]] = [(_("Model"), generation.model), (_("Made by"), generation.made_by)]
    if isinstance(wish, ImageRequest):
        rows += [
            (_("Size"), f"{generation.width} × {generation.height}" if generation.width else ""),
            (_("Seed"), wish.seed),
            (_("Quality"), _chosen(wish, "quality")),
            (_("Guidance"), wish.guidance_scale),
            (_("Left out"), _chosen(wish, "negative_prompt")),
        ]
    elif isinstance(wish, SpeechRequest):
        rows += [
            (_("Voice"), wish.voice),
            (_("Speed"), _chosen(wish, "speed")),
            (_("Length"), _seconds(generation.duration)),
        ]
    elif isinstance(wish, TranscriptionRequest):
        rows += [(_("Language"), generation.notes.get("language")), (_("Length"), _seconds(generation.duration))]
    elif isinstance(wish, ChatRequest):
        names = {"seed": _("Seed"), "temperature": _("Temperature")}
        chosen = {name: value for name, value in wish.options.items() if isinstance(value, int | float)}
        rows += [(names.get(name, name), json.dumps(value)) for name, value in chosen.items()]
        if generation.completion_tokens:
            rows.append((_("Tokens in → out"), f"{generation.prompt_tokens} → {generation.completion_tokens}"))
    if generation.started_at and generation.finished_at:
        rows.append((_("Time taken"), _seconds((generation.finished_at - generation.started_at).total_seconds())))
    return [(name, str(value)) for name, value in rows if value not in (None, "")]


def provenance(generation: Generation) -> list[tuple[str, str]]:
    """Where it comes from, as far as everybody may know."""
    machines = {
        "trainedAlgorithmicMedia": _("A trained network"),
        "algorithmicMedia": _("An algorithm"),
        "compositeWithTrainedAlgorithmicMedia": _("A trained network, from a given picture"),
        "algorithmicallyEnhanced": _("An algorithm, from a given picture"),
    }
    source = finishing.source(generation.notes)
    rows = [
        (_("Kind of machine"), machines.get(source, source) if generation.kind == "image" else ""),
        (_("Asked for on"), generation.referrer),
        (_("Item"), generation.public_id),
        ("SHA-256", generation.artifact.digest if generation.artifact else ""),
    ]
    return [(name, value) for name, value in rows if value]


def _chosen(wish: ImageRequest | SpeechRequest, name: str) -> Any:
    """A value that was really chosen; None for the default."""
    value = getattr(wish, name)
    return None if value == type(wish).__dataclass_fields__[name].default else value


def _seconds(value: float) -> str:
    return _("%(number)s s") % {"number": number_format(value, 1)}


def file_name(generation: Generation, media_type: str = "") -> str:
    """`{date}-{prompt}-{seed}.{ext}`; words of any script stay, everything a file system may dislike becomes a dash.
    The ending is that of its own file, or of another `media_type`."""
    kept = "".join(c if unicodedata.category(c)[0] in "LN" else "-" for c in generation.prompt[:120].lower())
    slug = "-".join(part for part in kept.split("-") if part)[:60].strip("-")
    seed = "" if generation.seed is None else str(generation.seed)
    parts = [f"{generation.created_at:%Y-%m-%d}", slug or generation.kind, seed]
    ending = media.ENDINGS.get(media_type or _type(generation), "") if generation.artifact else ".md"
    return "-".join(part for part in parts if part) + ending
