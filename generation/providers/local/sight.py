"""Chat about pictures: what small networks find in them is told to the chat engine, which words the answer."""

import base64
from collections.abc import Callable, Sequence
from typing import Any

from generation.providers.local.vision import Facts, instructions

Look = Callable[[bytes], Facts]

NO_QUESTION = "What is in this picture?"


def told(messages: Sequence[dict[str, Any]], look: Look) -> list[dict[str, Any]]:
    """The messages without their pictures, which `look` has seen, and what was found in them as a system message.

    Pictures come as data: addresses in base64, as generation.inputs gives them.
    """
    facts: list[Facts] = []
    total = sum(_is_picture(part) for message in messages for part in _parts(message))
    seen = []
    for message in messages:
        if not any(map(_is_picture, _parts(message))):
            seen.append(message)
            continue
        words = []
        for part in _parts(message):
            if _is_picture(part):
                facts.append(look(base64.b64decode(part["image_url"]["url"].partition(",")[2])))
                words.append(f"(picture {len(facts)})" if total > 1 else "")
            else:
                words.append(part if isinstance(part, str) else str(part.get("text", "")))
        text = "\n".join(word for word in words if word)
        asked = any(word for word in words if word and not word.startswith("(picture "))
        seen.append({**message, "content": text if asked else f"{text}\n{NO_QUESTION}".strip()})
    return [*seen, {"role": "system", "content": instructions(facts)}]


def _parts(message: dict[str, Any]) -> list[Any]:
    content = message.get("content")
    return content if isinstance(content, list) else []


def _is_picture(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") == "image_url"
