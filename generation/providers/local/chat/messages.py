"""Conversations in the few shapes that every chat template understands: system first, then user and assistant."""

from collections.abc import Sequence
from typing import Any

from generation.providers.local.chat.errors import ContextTooLong, RequestRefused
from generation.requests import text_of

Message = dict[str, str]

TOOL_CALL = "I call {name} with {arguments}."
TOOL_ANSWER = "The result of {name}: {answer}\nUse it to answer my question in plain words."


def normalise(messages: Sequence[dict[str, Any]], instructions: str = "") -> list[Message]:
    """OpenAI messages as `{"role": system|user|assistant, "content": text}`.

    All system and developer messages become one at the beginning, followed by `instructions`. Tool calls and tool
    answers are told in prose: a small model that sees its call as JSON writes it again instead of answering.
    Raises RequestRefused for a message that is no object.
    """
    system: list[str] = []
    turns: list[Message] = []
    names: dict[str, str] = {}  # tool call id → function name
    for message in messages:
        if not isinstance(message, dict):
            raise RequestRefused("each message must be an object with a role and content")
        role, content = message.get("role", "user"), text_of(message.get("content"))
        if role in ("system", "developer"):
            system.append(content)
        elif role == "assistant":
            calls = [_call(call, names) for call in message.get("tool_calls") or ()]
            turns.append({"role": "assistant", "content": "\n".join(text for text in (content, *calls) if text)})
        elif role in ("tool", "function"):
            name = message.get("name") or names.get(str(message.get("tool_call_id"))) or "the function"
            turns.append({"role": "user", "content": TOOL_ANSWER.format(name=name, answer=content)})
        else:
            turns.append({"role": "user", "content": content})
    first = "\n\n".join(text for text in (*system, instructions) if text)
    return ([{"role": "system", "content": first}] if first else []) + turns


def _call(call: Any, names: dict[str, str]) -> str:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        raise RequestRefused("each tool call must name a function")
    names[str(call.get("id"))] = str(function.get("name"))
    return TOOL_CALL.format(name=function.get("name"), arguments=function.get("arguments") or "{}")


def shorten(messages: Sequence[Message], tokens: int, room: int, limit: int) -> list[Message]:
    """Leave out the oldest turns so that about `room` of these `tokens` remain; at least one goes.

    The system message and the last turn always stay. What a turn takes is estimated from its share of all bytes.
    Raises ContextTooLong, naming `limit`, when there is nothing left to leave out.
    """
    system = [message for message in messages if message["role"] == "system"]
    turns = [message for message in messages if message["role"] != "system"]
    if len(turns) < 2:
        raise ContextTooLong(limit)
    each = tokens / sum(_size(message) for message in messages)
    left = float(tokens)
    while len(turns) > 1 and (left > room or left == tokens or turns[0]["role"] == "assistant"):
        left -= _size(turns.pop(0)) * each
    return [*system, *turns]


def _size(message: Message) -> int:
    return len(message["content"].encode()) + 16  # the template's own tokens around each message
