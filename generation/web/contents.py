"""A message's content in OpenAI's shape: its words, its pictures, and the functions that it calls."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from generation import inputs


def content_of(words: str, pictures: Sequence[str | bytes]) -> str | list[dict[str, Any]]:
    """A message's content in OpenAI's shape: words, and pictures by their digests as `inputs.take` leaves them."""
    if not pictures:
        return words
    addresses = [_part_address(picture) for picture in pictures]
    parts = [{"type": "image_url", "image_url": {"url": address}} for address in addresses]
    return [*([{"type": "text", "text": words}] if words else []), *parts]


def _part_address(picture: str | bytes) -> str:
    """A digest as it is stored; an address as it is; of a file nobody has sent yet, how its address begins."""
    if isinstance(picture, bytes):
        return "data:image/png;base64,"
    return picture if ":" in picture else inputs.KEPT + picture


def parts_of(content: Any) -> list[Any]:
    """The parts of a content that is a list; plain words are one of them."""
    if isinstance(content, list):
        return content
    return [{"type": "text", "text": content}] if content else []


def words_of(content: Any) -> str:
    """The words of a message without a word for its pictures."""
    parts = [part if isinstance(part, dict) else {"text": part} for part in parts_of(content)]
    return "\n".join(str(part["text"]) for part in parts if part.get("text"))


def pictures_in(content: Any) -> list[str]:
    """The digests of the pictures in a message that was stored."""
    urls = [part["image_url"]["url"] for part in parts_of(content) if _is_picture(part)]
    return [url.removeprefix(inputs.KEPT) for url in urls if url.startswith(inputs.KEPT)]


def _is_picture(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") == "image_url"


def others_in(content: Any) -> int:
    """How many parts are neither words nor pictures that were stored: recordings, say."""
    parts = parts_of(content)
    worded = sum(1 for part in parts if isinstance(part, str) or (isinstance(part, dict) and "text" in part))
    return len(parts) - worded - len(pictures_in(content))


def calls_of(message: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The functions that a message calls, each with its arguments as JSON on lines of their own."""
    found = [call.get("function") or {} for call in message.get("tool_calls") or []]
    return [(str(each.get("name", "")), _pretty(str(each.get("arguments", "")))) for each in found]


def _pretty(text: str) -> str:
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return text
