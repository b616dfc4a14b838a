"""Tools that only read: models, voices, and what is in the public gallery."""

from typing import Any

from django.conf import settings

from generation import catalogue
from generation import search as index
from generation.mcp_server.arguments import Argument
from generation.mcp_server.call import Call
from generation.mcp_server.tools.base import Made, Tool, as_json, said
from generation.models import Generation
from generation.wire import pollinations
from pollweb.lib import db

GUIDE_VOICES = ("alloy", "echo", "fable", "onyx", "nova", "shimmer")
SHORT = 300  # characters of a text that a list shows


def image_names() -> list[str]:
    return list(catalogue.cards("image"))


def text_cards(*kinds: str) -> list[dict[str, Any]]:
    return [pollinations.text_model(card) for kind in kinds for card in catalogue.cards(kind).values()]


async def image_models(call: Call) -> Made:
    names = image_names()
    return Made([said(as_json(names))], {"models": names})


async def text_models(call: Call) -> Made:
    told = {"models": text_cards("text", "audio")}
    return Made([said(as_json(told))], told)


async def models(call: Call, type: str) -> Made:
    if type == "image":
        return await image_models(call)
    if type == "text":
        return await text_models(call)
    told = {"models": text_cards("audio")}
    return Made([said(as_json(told))], told)


async def voices(call: Call) -> Made:
    cards = catalogue.cards("audio").values()
    names = list(dict.fromkeys(voice for card in cards for voice in card.voices)) or list(GUIDE_VOICES)
    return Made([said(as_json(names))], {"voices": names})


def item(row: Generation) -> dict[str, Any]:
    """A public row as strangers may see it."""
    return {
        "id": row.public_id,
        "kind": row.kind,
        "prompt": row.prompt[:SHORT],
        **({"text": row.response[:SHORT]} if row.kind == "text" else {}),
        "model": row.model,
        "created": row.created_at.isoformat(timespec="seconds"),
        "page": f"{settings.SITE_URL}/p/{row.public_id}",
        **({"file": f"{settings.SITE_URL}/media/{row.public_id}/original"} if row.artifact_id else {}),
        **({"width": row.width, "height": row.height, "seed": row.seed} if row.kind == "image" else {}),
    }


def _found(words: str, kind: str, limit: int) -> list[dict[str, Any]]:
    query = index.parse(f"kind:{kind} {words}" if kind != "any" else words)
    return [item(row) for row in index.find(query, limit=limit).rows]


async def search(call: Call, query: str, kind: str, limit: int) -> Made:
    told = {"items": await db.run(_found, query, kind, limit)}
    return Made([said(as_json(told["items"]) if told["items"] else "Nothing in the gallery has these words.")], told)


TOOLS = (
    Tool(
        name="listImageModels",
        title="Image models",
        about="Lists the names of the models that make pictures.",
        doing="listing image models",
        run=image_models,
        gives={"models": "array"},
    ),
    Tool(
        name="listAudioVoices",
        title="Voices",
        about="Lists the voices that read and answer.",
        doing="listing audio voices",
        run=voices,
        gives={"voices": "array"},
    ),
    Tool(
        name="listTextModels",
        title="Text models",
        about="Lists the text and voice models with what each of them can do.",
        doing="listing text models",
        run=text_models,
        gives={"models": "array"},
    ),
    Tool(
        name="listModels",
        title="Models",
        about="Lists the models of one type.",
        doing="listing models",
        run=models,
        arguments=(
            Argument(
                name="type",
                about="What the models make.",
                default="image",
                choices=("image", "text", "audio"),
                also=("kind", "modelType"),
            ),
        ),
        gives={"models": "array"},
    ),
    Tool(
        name="searchGallery",
        title="Search the gallery",
        about="Finds public pictures, texts and sounds whose prompt or text has all given words, newest first.",
        doing="searching the gallery",
        run=search,
        arguments=(
            Argument(
                name="query",
                about='Words to be found; "a phrase", -without, model:flux, seed:42, size:512x512, before:2026-11-01.',
                required=True,
                also=("q", "prompt", "text", "search"),
            ),
            Argument(
                name="kind",
                about="What is looked for.",
                default="any",
                choices=("any", "image", "text", "audio"),
                also=("type",),
            ),
            Argument(
                name="limit", kind="integer", about="The most items.", default=10, least=1, most=50, also=("count",)
            ),
        ),
        gives={"items": "array"},
    ),
)
