"""OpenAI's dialect: chat completions, whole and streamed, and lists of models.

Shapes after OpenAI's API reference (chat/object, chat-streaming); ids begin with `pllns_` as the public service's do.
"""

import time
from collections.abc import Mapping
from typing import Any

import orjson

from generation.catalogue import ModelCard
from generation.errors import InvalidParameter, InvalidRequest
from generation.models import Generation
from generation.requests import ChatRequest, text_of
from generation.wire import values

ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
MOST_MESSAGES = 10_000
RANGES = {
    "temperature": (0.0, 3.0),
    "top_p": (0.0, 1.0),
    "presence_penalty": (-2.0, 2.0),
    "frequency_penalty": (-2.0, 2.0),
}
JSON_REMINDER = "Respond with valid JSON."


def options(given: Mapping[str, Any], *, json_mode: bool) -> dict[str, Any]:
    """The options of a completion that were really given, checked and brought into range; null means not given."""
    result: dict[str, Any] = {}
    for name, (least, most) in RANGES.items():
        if (value := given.get(name)) not in (None, ""):
            result[name] = values.clamped(name, value, least, most)
    # No seed and seed 0 both mean: whatever comes.
    if (value := given.get("seed")) not in (None, "") and (seed := values.seed(value, 0)):
        result["seed"] = seed
    for name in ("max_tokens", "max_completion_tokens"):
        if (value := given.get(name)) not in (None, ""):
            result["max_tokens"] = values.count(name, value, 1, 1_000_000)
    if stop := given.get("stop"):
        stops = [stop] if isinstance(stop, str) else stop
        if (
            not isinstance(stops, list)
            or len(stops) > 16
            or not all(isinstance(s, str) and len(s) <= 500 for s in stops)
        ):
            raise InvalidParameter("stop must be a text, or a list of up to 16 texts.")
        result["stop"] = stops
    response_format = given.get("response_format")
    if isinstance(response_format, Mapping):
        if response_format.get("type") not in ("text", "json_object", "json_schema"):
            raise InvalidParameter("response_format.type must be text, json_object or json_schema.")
        result["response_format"] = dict(response_format)
    elif response_format not in (None, ""):
        raise InvalidParameter('response_format must be an object such as {"type": "json_object"}.')
    if json_mode and "response_format" not in result:
        result["response_format"] = {"type": "json_object"}
    tools = given.get("tools")
    if tools is not None and not isinstance(tools, str):
        if not isinstance(tools, list) or len(tools) > 128 or not all(_is_tool(tool) for tool in tools):
            raise InvalidParameter('tools must be a list of {"type": "function", "function": {"name": …}}.')
        if tools:
            result["tools"] = tools
            if given.get("tool_choice") is not None:
                result["tool_choice"] = given["tool_choice"]
    if isinstance(effort := given.get("reasoning_effort"), str) and effort:
        result["reasoning_effort"] = effort
    return result


def _is_tool(tool: Any) -> bool:
    function = tool.get("function") if isinstance(tool, Mapping) else None
    return isinstance(function, Mapping) and isinstance(function.get("name"), str) and bool(function["name"])


def messages(given: Any) -> tuple[dict[str, Any], ...]:
    """Checked messages with their defaults; InvalidRequest says which one is wrong."""
    if not isinstance(given, list):
        raise InvalidRequest("Invalid messages array", code="invalid_messages")
    if not given or len(given) > MOST_MESSAGES:
        raise InvalidRequest(f"messages must hold from 1 to {MOST_MESSAGES} messages.", code="invalid_messages")
    checked = []
    for index, message in enumerate(given):
        if not isinstance(message, Mapping):
            raise InvalidRequest(f"messages[{index}] must be an object.", code="invalid_messages")
        role = message.get("role") or "user"
        content = message.get("content")
        if role not in ROLES:
            raise InvalidRequest(
                f"messages[{index}].role must be one of {', '.join(sorted(ROLES))}.", code="invalid_messages"
            )
        if content is not None and not isinstance(content, str | list):
            raise InvalidRequest(
                f"messages[{index}].content must be a text or a list of parts.", code="invalid_messages"
            )
        kept = {name: message[name] for name in ("name", "tool_call_id", "tool_calls") if message.get(name) is not None}
        checked.append({"role": role, "content": content if content is not None else "", **kept})
    return tuple(checked)


def chat_request(body: Mapping[str, Any], card: ModelCard) -> ChatRequest:
    """The body of a chat completion, with the guide's own `jsonMode` and `system`, as a request to `card`."""
    said = messages(body.get("messages"))
    if isinstance(system := body.get("system"), str) and system:
        said = ({"role": "system", "content": system}, *said)
    made = options(body, json_mode=bool(body.get("jsonMode")) or values.flag(body.get("json")))
    return ChatRequest(model=card.name, private=bool(values.flag(body.get("private"))), messages=said, options=made)


def remind_of_json(request: ChatRequest) -> tuple[dict[str, Any], ...]:
    """The messages, with a word about JSON where JSON mode is on and nobody has said it."""
    if not request.json_mode:
        return request.messages
    first, *rest = request.messages
    if first.get("role") != "system":
        return ({"role": "system", "content": JSON_REMINDER}, *request.messages)
    system = text_of(first.get("content"))
    if "json" in system.lower():
        return request.messages
    return ({**first, "content": f"{system}\n\n{JSON_REMINDER}"}, *rest)


def completion_id(row: Generation) -> str:
    return f"pllns_{row.pk.hex}"


def usage(row: Generation) -> dict[str, int]:
    return {
        "prompt_tokens": row.prompt_tokens,
        "completion_tokens": row.completion_tokens,
        "total_tokens": row.prompt_tokens + row.completion_tokens,
    }


def completion(row: Generation) -> dict[str, Any]:
    """A finished row as `chat.completion`."""
    return {
        "id": completion_id(row),
        "object": "chat.completion",
        "created": int(row.created_at.timestamp()),
        "model": row.model,
        "choices": [
            {"index": 0, "message": row.message, "logprobs": None, "finish_reason": row.finish_reason or "stop"}
        ],
        "usage": usage(row),
    }


def chunk(row: Generation, delta: Mapping[str, Any], finish_reason: str | None = None) -> bytes:
    """One frame of a stream."""
    return frame(row, [{"index": 0, "delta": delta, "finish_reason": finish_reason}])


def usage_chunk(row: Generation) -> bytes:
    """The last frame before `[DONE]` where `stream_options.include_usage` asked for it: no choices, but usage."""
    return frame(row, [], usage=usage(row))


def frame(row: Generation, choices: list[dict[str, Any]], **more: Any) -> bytes:
    body = {
        "id": completion_id(row),
        "object": "chat.completion.chunk",
        "created": int(row.created_at.timestamp()),
        "model": row.model,
        "choices": choices,
        **more,
    }
    return b"data: " + orjson.dumps(body) + b"\n\n"


def model(card: ModelCard) -> dict[str, Any]:
    """One entry of `/v1/models`."""
    return {"id": card.name, "object": "model", "created": int(STARTED), "owned_by": card.sources[0].provider}


STARTED = time.time()
