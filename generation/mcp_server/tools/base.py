"""What a tool is: a name, arguments, and a few lines that do it."""

import base64
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from mcp_types import AudioContent, ContentBlock, ImageContent, TextContent

from generation import catalogue
from generation.catalogue import ModelCard
from generation.errors import UnknownModel
from generation.intake import Answer
from generation.mcp_server.arguments import Argument


@dataclass(frozen=True, slots=True)
class Made:
    """What a call gives: parts for the assistant, and the same as values for programs."""

    parts: Sequence[ContentBlock]
    values: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """`doing` completes the sentence "Error …: why". `gives` are the names and JSON types of `Made.values`."""

    name: str
    title: str
    about: str
    doing: str
    run: Callable[..., Awaitable[Made]]
    arguments: tuple[Argument, ...] = ()
    gives: dict[str, str] = field(default_factory=dict)
    makes: bool = False  # something new; the others only read

    @property
    def output_schema(self) -> dict[str, Any]:
        """A name that ends with ? may be missing."""
        return {
            "type": "object",
            "properties": {name.rstrip("?"): {"type": kind} for name, kind in self.gives.items()},
            "required": [name for name in self.gives if not name.endswith("?")],
        }


def said(words: str) -> ContentBlock:
    return TextContent(text=words)


def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def picture(data: bytes, media_type: str) -> ContentBlock:
    return ImageContent(data=base64.b64encode(data).decode("ascii"), mime_type=media_type)


def sound(data: bytes, media_type: str) -> ContentBlock:
    return AudioContent(data=base64.b64encode(data).decode("ascii"), mime_type=media_type)


def about(answer: Answer) -> dict[str, Any]:
    """What every generation says about itself, as the headers do over HTTP."""
    return {
        "model": answer.row.model,
        "madeBy": answer.row.made_by,
        "cache": answer.cache,
        "visibility": answer.visibility,
        "id": answer.row.public_id,
    }


ABOUT = {"model": "string", "madeBy": "string", "cache": "string", "visibility": "string", "id": "string"}


def card(kind: str, name: str) -> ModelCard:
    """The model of this name or alias, the usual one for "". UnknownModel names those there are."""
    if name and not catalogue.knows(kind, name):
        known = ", ".join(catalogue.cards(kind)) or "none"
        raise UnknownModel(f"There is no model {name[:60]!r} for this. There are: {known}.")
    return catalogue.find(name, (kind,)) if name else catalogue.default(kind)
