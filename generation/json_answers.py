"""Answers in JSON mode: what a model wrote, brought to parse where that can be done without inventing anything."""

import dataclasses
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from generation.errors import InvalidAnswer
from generation.requests import ChatRequest
from generation.results import Result, Usage

FENCED = re.compile(r"```[\w-]*\s*\n?(.*?)```", re.S)
OPENING = re.compile(r"[{\[]")
INSISTING = "Your last answer was not valid JSON. Answer again with one JSON value only: no prose, no code fence."
CLOSERS = {"{": "}", "[": "]"}


def parses(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def repaired(text: str) -> str | None:
    """The JSON in an answer: without the fence or the prose around it, or with what is open closed. None: none."""
    if parses(text):
        return text
    for candidate in (*(found.strip() for found in FENCED.findall(text)), _first_value(text)):
        if candidate and parses(candidate):
            return candidate
    opening = OPENING.search(text)
    if not opening:
        return None
    begun = text[opening.start() :].removesuffix("```").rstrip()
    if (ending := missing_end(begun)) is not None:
        return begun + ending
    return _cut_back(begun)


def missing_end(text: str) -> str | None:
    """What makes `text` parse when it follows it; None when nothing does."""
    if parses(text):
        return ""
    open_ones, in_string, _ = _scan(text)
    ending = ('"' if in_string else "") + "".join(CLOSERS[each] for each in reversed(open_ones))
    return ending if parses(text + ending) else None


def _first_value(text: str) -> str | None:
    """The first object or list that stands complete in `text`."""
    for opening in OPENING.finditer(text):
        try:
            _, end = json.JSONDecoder().raw_decode(text, opening.start())
        except (ValueError, RecursionError):
            # What begins here is not complete, so nothing inside it is the whole of the answer.
            return None
        return text[opening.start() : end]
    return None


def _cut_back(text: str) -> str | None:
    """Cut off in the middle: without what is half there at the end, closed."""
    _, _, places = _scan(text)
    for place in reversed(places[-3:]):
        if (ending := missing_end(text[:place])) is not None:
            return text[:place] + ending
    return None


def _scan(text: str) -> tuple[list[str], bool, list[int]]:
    """The brackets open at the end, whether a string is, and after how many characters an element had just ended."""
    open_ones: list[str] = []
    places: list[int] = []
    in_string = escaped = False
    for index, character in enumerate(text):
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in CLOSERS:
            open_ones.append(character)
            places.append(index + 1)
        elif character in "}]":
            if open_ones:
                open_ones.pop()
            places.append(index + 1)
        elif character == ",":
            places.append(index)
    return open_ones, in_string, places


def insisted(request: ChatRequest, answer: str) -> ChatRequest:
    """The same conversation, with the answer that does not parse and a word about it."""
    said = ({"role": "assistant", "content": answer[:8000]}, {"role": "user", "content": INSISTING})
    return dataclasses.replace(request, messages=(*request.messages, *said))


async def checked(result: Result, again: Callable[[str], Awaitable[Result]] | None) -> Result:
    """The result with content that parses; `again` asks the model once more, told what it wrote.

    Without `again` the words have left already: they may be added to, not changed. InvalidAnswer when nothing helps.
    """
    message = result.message or {}
    content = message.get("content") or ""
    if message.get("tool_calls") or message.get("refusal") or not isinstance(content, str) or parses(content):
        return result
    if again is None:
        if (ending := missing_end(content)) is not None:
            return _with(result, message, content + ending)
    elif (mended := repaired(content)) is not None:
        return _with(result, message, mended)
    else:
        second = await again(content)
        mended = repaired(str((second.message or {}).get("content") or ""))
        if mended is not None:
            usage = Usage(
                result.usage.prompt_tokens + second.usage.prompt_tokens,
                result.usage.completion_tokens + second.usage.completion_tokens,
            )
            return dataclasses.replace(_with(second, second.message or {}, mended), usage=usage)
    raise InvalidAnswer("The model's answer is not valid JSON. Try again, or ask for less at once.")


def _with(result: Result, message: dict[str, Any], content: str) -> Result:
    return dataclasses.replace(result, message={**message, "content": content})
