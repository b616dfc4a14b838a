"""OpenAI's dialect: chat completions, whole and streamed, and lists of models.

Shapes after OpenAI's API reference (chat/object, chat-streaming); ids begin with `pllns_` as the public service's do.
"""

import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from generation.catalogue import ModelCard
from generation.errors import InvalidParameter, InvalidRequest
from generation.models import Generation
from generation.requests import ChatRequest, text_of
from generation.wire import tools, values
from pollweb.lib import schema, sse
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

# --- what is read, for the reference too ------------------------------------------------------------------------------

SAMPLING_FIELDS: schema.Fields = {
    **{name: schema.number("Brought into this range.", least, most) for name, (least, most) in RANGES.items()},
    "seed": schema.whole("The same request and seed give the same answer; 0 means none."),
    "max_tokens": schema.whole("The longest answer, in tokens.", 1),
    "max_completion_tokens": schema.whole("The newer name of `max_tokens`.", 1),
    "stop": schema.either(schema.text(maxLength=500), schema.listed(schema.text(maxLength=500), maxItems=16)),
    "n": schema.whole("One choice is made for a request.", 1, 1, default=1),
    "reasoning_effort": schema.text("For models that think: how much.", examples=["low"]),
}
TOOL_CALL = schema.named(
    "ToolCall",
    schema.record(
        {
            "id": schema.text(),
            "type": {"const": "function"},
            "function": schema.record({"name": schema.text(), "arguments": schema.text("A JSON text.")}, "", ["name"]),
        },
        required=["function"],
    ),
)
MESSAGE = schema.named(
    "ChatMessage",
    schema.record(
        {
            "role": schema.choice(sorted(ROLES), default="user"),
            "content": schema.either(
                schema.text(),
                schema.listed(
                    schema.either(
                        schema.record({"type": {"const": "text"}, "text": schema.text()}, "", ["type", "text"]),
                        schema.record(
                            {
                                "type": {"const": "image_url"},
                                "image_url": schema.record(
                                    {"url": schema.text("An http(s) or data: address.")}, "", ["url"]
                                ),
                            },
                            "For models with vision.",
                            ["type", "image_url"],
                        ),
                        schema.record(
                            {
                                "type": {"const": "input_audio"},
                                "input_audio": schema.record(
                                    {"data": schema.text("Base64."), "format": schema.text()}, "", ["data"]
                                ),
                            },
                            "For models that hear; one in the user's last message.",
                            ["type", "input_audio"],
                        ),
                    )
                ),
                {"type": "null"},
            ),
            "name": schema.text(),
            "tool_call_id": schema.text("Of a tool's answer: the call that it answers."),
            "tool_calls": schema.listed(TOOL_CALL),
        },
        required=["role", "content"],
    ),
)
CHAT_FIELDS: schema.Fields = {
    "model": schema.text("A name or alias from `/v1/models`.", default="openai"),
    "messages": schema.listed(MESSAGE, minItems=1, maxItems=MOST_MESSAGES),
    "system": schema.text("A system message before all others."),
    "stream": schema.flag("Answer with server-sent events."),
    "stream_options": schema.record({"include_usage": schema.flag("A last chunk with the usage.")}),
    **SAMPLING_FIELDS,
    "response_format": schema.either(
        schema.record({"type": schema.choice(("text", "json_object"))}, "", ["type"]),
        schema.record(
            {
                "type": {"const": "json_schema"},
                "json_schema": schema.record({"name": schema.text(), "schema": {"type": "object"}}, "", ["schema"]),
            },
            "",
            ["type", "json_schema"],
        ),
    ),
    "json": schema.flag("Short for the response format json_object."),
    "jsonMode": schema.flag("Another name of `json`."),
    "tools": schema.listed(tools.TOOL, maxItems=tools.MOST_TOOLS),
    "tool_choice": tools.CHOICE,
    "modalities": schema.listed(schema.choice(("text", "audio")), "Of a model that speaks."),
    "audio": schema.record({"voice": schema.text(), "format": schema.text()}, "Of a model that speaks."),
    "voice": schema.text("Of a model that speaks, where `audio` names none."),
    "private": schema.flag("Keep it out of gallery, feeds and wall."),
    "nofeed": schema.flag("Another name of `private`."),
    "token": schema.text("A token; a header is the better place."),
    "referrer": schema.text("Who sends this: a registered domain or identifier."),
}
USAGE = schema.named(
    "Usage",
    schema.record(
        {name: schema.whole() for name in ("prompt_tokens", "completion_tokens", "total_tokens")},
        required=["prompt_tokens", "completion_tokens", "total_tokens"],
    ),
)
REASON = schema.or_null(schema.text("`stop`, `length`, `tool_calls` or `content_filter`."))
COMPLETION = schema.named(
    "ChatCompletion",
    schema.record(
        {
            "id": schema.text(),
            "object": {"const": "chat.completion"},
            "created": schema.whole("Unix seconds."),
            "model": schema.text(),
            "choices": schema.listed(
                schema.record(
                    {
                        "index": schema.whole(),
                        "message": schema.record(
                            {
                                "role": {"const": "assistant"},
                                "content": schema.or_null(schema.text()),
                                "tool_calls": schema.listed(TOOL_CALL),
                                "audio": schema.record(
                                    {
                                        "id": schema.text(),
                                        "data": schema.text("Base64."),
                                        "expires_at": schema.whole(),
                                        "transcript": schema.text(),
                                    },
                                    "Of a model that speaks.",
                                ),
                            }
                        ),
                        "finish_reason": REASON,
                    },
                    required=["index", "message"],
                )
            ),
            "usage": USAGE,
        },
        required=["id", "object", "created", "model", "choices"],
    ),
)
CHUNK = schema.named(
    "ChatCompletionChunk",
    schema.record(
        {
            "id": schema.text(),
            "object": {"const": "chat.completion.chunk"},
            "created": schema.whole("Unix seconds."),
            "model": schema.text(),
            "choices": schema.listed(
                schema.record(
                    {
                        "index": schema.whole(),
                        "delta": schema.record(
                            {
                                "role": schema.text(),
                                "content": schema.text(),
                                "tool_calls": schema.listed({"type": "object"}),
                                "audio": schema.record({"id": schema.text(), "data": schema.text("Base64.")}),
                            }
                        ),
                        "finish_reason": REASON,
                    }
                )
            ),
            "usage": USAGE,
        },
        "One event of a stream; after the last one comes `data: [DONE]`. An error is an event of its own, in the shape "
        "of /v1's errors.",
    ),
)
MODEL = schema.named(
    "Model",
    schema.record(
        {
            "id": schema.text(),
            "object": {"const": "model"},
            "created": schema.whole("Unix seconds."),
            "owned_by": schema.text(),
        },
        required=["id", "object", "created", "owned_by"],
    ),
)

# Read here or by the doors, meant for this server alone, or sent by old clients to no effect; every other field of a
# body is the upstream's business. modalities and audio are its business too, where a text model is given them.
OURS = frozenset(
    {
        *(CHAT_FIELDS.keys() - {"modalities", "audio"}),
        *("prompt", "key", "api_key", "apiKey", "password", "referer", "no-cache"),
        *("contextual", "type", "cache", "code", "tool_choices", "extra"),
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


class Passage:
    """An upstream's own JSON on its way to our caller: the id and the model's name become ours, all else stays.

    A quote inside of a JSON text is escaped, so that `"id":"…"` is found as a member only. Raises ValueError for a
    sample without an id or a model.
    """

    def __init__(self, row: Generation, sample: bytes) -> None:
        told = orjson.loads(sample)
        ours = {"id": completion_id(row), "model": row.model}
        self._changes = [(_member(sample, name, told.get(name)), _written(name, ours[name])) for name in ours]

    def through(self, data: bytes) -> bytes:
        """The same with our names; b"" when its own are others than the sample's."""
        for theirs, ours in self._changes:
            if theirs not in data:
                return b""
            data = data.replace(theirs, ours, 1)
        return data


def _member(data: bytes, name: str, value: Any) -> bytes:
    """`"name":"value"` as it is written in `data`."""
    for form in (_written(name, value), b'"%b": %b' % (name.encode(), orjson.dumps(value))):
        if isinstance(value, str) and form in data:
            return form
    raise ValueError(f"no {name}")


def _written(name: str, value: Any) -> bytes:
    return b'"%b":%b' % (name.encode(), orjson.dumps(value))


def passed(row: Generation, body: bytes) -> bytes:
    """A whole completion as the upstream wrote it, under our names; b"" where it has none to be replaced."""
    try:
        return Passage(row, body).through(body)
    except ValueError:
        return b""


class Stream:
    """The frames of one streamed completion; the first one says whose words they are."""

    def __init__(self, *, include_usage: bool = False) -> None:
        self._include_usage = include_usage
        self._began = False
        self._passage: Passage | None = None

    def piece(self, row: Generation, delta: Mapping[str, Any], event: bytes = b"") -> Iterator[bytes]:
        if not self._began:
            self._began = True
            yield chunk(row, {"role": "assistant", **delta})
            with contextlib.suppress(ValueError):
                self._passage = Passage(row, event) if event else None
        elif event and self._passage is not None and (own := self._passage.through(event)):
            yield b"data: %b\n\n" % own
        else:
            yield chunk(row, delta)

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
