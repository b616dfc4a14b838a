"""OpenAI's dialect: chat completions, whole and streamed, and lists of models.

Shapes after OpenAI's API reference (chat/object, chat-streaming); ids begin with `pllns_` as the public service's do.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from generation.catalogue import ModelCard
from generation.errors import InvalidParameter, InvalidRequest
from generation.models import Generation
from generation.requests import ChatRequest, text_of
from generation.wire import tools, values
from pollweb.lib import sse
from pollweb.lib.errors import PollwebError
from pollweb.lib.http import error_object

ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
MOST_MESSAGES = 10_000
RANGES = {
    "temperature": (0.0, 3.0),
    "top_p": (0.0, 1.0),
    "presence_penalty": (-2.0, 2.0),
    "frequency_penalty": (-2.0, 2.0),
}
JSON_REMINDER = "Respond with valid JSON."
EXTRA_BYTES = 64 * 1024
# Read here or by the doors, meant for this server alone, or sent by old clients to no effect; every other field of a
# body is the upstream's business.
OURS = frozenset(
    {
        *RANGES,
        *("model", "messages", "system", "prompt", "seed", "max_tokens", "max_completion_tokens", "stop", "n"),
        *(
            "response_format",
            "json",
            "jsonMode",
            "tools",
            "tool_choice",
            "reasoning_effort",
            "stream",
            "stream_options",
        ),
        *("private", "nofeed", "token", "key", "api_key", "apiKey", "password", "referrer", "referer", "no-cache"),
        *("contextual", "type", "cache", "code", "voice", "tool_choices", "extra"),
    }
)


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
    if (value := given.get("n")) not in (None, "") and values.count("n", value, 1, 128) != 1:
        raise InvalidParameter("Only one choice is made for a request: leave n out, or send 1.")
    if stop := _stop(given.get("stop")):
        result["stop"] = stop
    if response_format := _response_format(given.get("response_format")):
        result["response_format"] = response_format
    elif json_mode:
        result["response_format"] = {"type": "json_object"}
    result |= tools.options(given.get("tools"), given.get("tool_choice"))
    if isinstance(effort := given.get("reasoning_effort"), str) and effort:
        result["reasoning_effort"] = effort[:40]
    return result


def extra(body: Mapping[str, Any]) -> dict[str, Any]:
    """`{"extra": {…}}` with the fields of a body that mean nothing here, for upstreams that know them; or nothing."""
    unknown = {name: value for name, value in body.items() if name not in OURS and value is not None}
    if not unknown:
        return {}
    if len(orjson.dumps(unknown)) > EXTRA_BYTES:
        raise InvalidParameter(f"The body's further fields hold more than {EXTRA_BYTES // 1024} KiB.")
    return {"extra": unknown}


def _stop(given: Any) -> list[str]:
    stops = [given] if isinstance(given, str) else given or []
    if not isinstance(stops, list) or len(stops) > 16 or not all(isinstance(s, str) and len(s) <= 500 for s in stops):
        raise InvalidParameter("stop must be a text, or a list of up to 16 texts.")
    return [stop for stop in stops if stop]


def _response_format(given: Any) -> dict[str, Any]:
    if given in (None, ""):
        return {}
    if not isinstance(given, Mapping):
        raise InvalidParameter('response_format must be an object such as {"type": "json_object"}.')
    if given.get("type") not in ("text", "json_object", "json_schema"):
        raise InvalidParameter("response_format.type must be text, json_object or json_schema.")
    if given["type"] == "json_schema":
        described = given.get("json_schema")
        if not isinstance(described, Mapping) or not isinstance(described.get("schema", {}), Mapping):
            raise InvalidParameter('response_format.json_schema must be {"name": …, "schema": {a JSON schema}}.')
    return dict(given)


def messages(given: Any) -> tuple[dict[str, Any], ...]:
    """Checked messages with their defaults; InvalidRequest says which one is wrong."""
    if not isinstance(given, list):
        raise InvalidRequest("Invalid messages array", code="invalid_messages")
    if not given or len(given) > MOST_MESSAGES:
        raise InvalidRequest(f"messages must hold from 1 to {MOST_MESSAGES} messages.", code="invalid_messages")
    return tuple(_message(index, message) for index, message in enumerate(given))


def _message(index: int, message: Any) -> dict[str, Any]:
    def need(fits: bool, what: str) -> None:
        if not fits:
            raise InvalidRequest(f"messages[{index}]{what}.", code="invalid_messages")

    need(isinstance(message, Mapping), " must be an object")
    role, content = message.get("role") or "user", message.get("content")
    need(isinstance(role, str) and role in ROLES, f".role must be one of {', '.join(sorted(ROLES))}")
    need(content is None or isinstance(content, str | list), ".content must be a text or a list of parts")
    for part in content if isinstance(content, list) else ():
        need(_is_part(part), '.content must hold parts such as {"type": "text", "text": …}')
    kept = {name: message[name] for name in ("name", "tool_call_id", "tool_calls") if message.get(name) is not None}
    for name in ("name", "tool_call_id"):
        need(isinstance(kept.get(name, ""), str), f".{name} must be a text")
    calls = kept.get("tool_calls", [])
    need(
        isinstance(calls, list) and all(tools.is_call(call) for call in calls),
        '.tool_calls must hold {"id": …, "type": "function", "function": {"name": …, "arguments": "…"}}',
    )
    # Beside a tool call, no content says that there is none; elsewhere it is an empty text.
    return {"role": role, "content": content if content is not None or calls else "", **kept}


def _is_part(part: Any) -> bool:
    if isinstance(part, str):
        return True
    return (
        isinstance(part, Mapping)
        and isinstance(kind := part.get("type", "text"), str)
        and (kind != "text" or isinstance(part.get("text", ""), str))
    )


def chat_request(body: Mapping[str, Any], card: ModelCard) -> ChatRequest:
    """The body of a chat completion, with the guide's own `jsonMode` and `system`, as a request to `card`."""
    said = messages(body.get("messages"))
    if isinstance(system := body.get("system"), str) and system:
        said = ({"role": "system", "content": system}, *said)
    made = options(body, json_mode=values.truthy(body.get("jsonMode")) or values.flag(body.get("json")))
    return ChatRequest(
        model=card.name,
        private=values.private_flag(body.get("private")) or values.private_flag(body.get("nofeed")),
        messages=said,
        options=made | extra(body),
    )


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


def completion(row: Generation, addition: str = "") -> dict[str, Any]:
    """A finished row as `chat.completion`, with `addition` after its words."""
    message = row.message or {}
    if addition:
        message = {**message, "content": f"{message.get('content') or ''}{addition}"}
    return {
        "id": completion_id(row),
        "object": "chat.completion",
        "created": int(row.created_at.timestamp()),
        "model": row.model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": row.finish_reason or "stop"}],
        "usage": usage(row),
    }


def chunk(row: Generation, delta: Mapping[str, Any], finish_reason: str | None = None) -> bytes:
    """One frame of a stream."""
    return frame(row, [{"index": 0, "delta": delta, "finish_reason": finish_reason}])


def usage_chunk(row: Generation) -> bytes:
    """The last frame before `[DONE]` where `stream_options.include_usage` asked for it: no choices, but usage."""
    return frame(row, [], usage=usage(row))


class Stream:
    """The frames of one streamed completion; the first one says whose words they are."""

    def __init__(self, *, include_usage: bool = False) -> None:
        self._include_usage = include_usage
        self._began = False

    def piece(self, row: Generation, delta: Mapping[str, Any]) -> Iterator[bytes]:
        yield chunk(row, delta if self._began else {"role": "assistant", **delta})
        self._began = True

    def end(self, row: Generation) -> Iterator[bytes]:
        yield chunk(row, {}, row.finish_reason or "stop")
        if self._include_usage:
            yield usage_chunk(row)
        yield sse.DONE

    def failed(self, exc: PollwebError, request_id: str) -> Iterator[bytes]:
        yield sse.data(error_object(exc, request_id))


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
