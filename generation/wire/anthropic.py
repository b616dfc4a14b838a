"""Anthropic's dialect: messages of blocks, in and out, whole and streamed.

Shapes after Anthropic's API reference (Messages, Streaming messages). Stateless translations: what a body means is said
in OpenAI's words, and checked where those are.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from generation.catalogue import ModelCard
from generation.errors import InvalidParameter, InvalidRequest
from generation.models import Generation
from generation.requests import ChatRequest
from generation.wire import openai
from pollweb.lib import schema, sse
from pollweb.lib.errors import PollwebError
from pollweb.lib.http.errors import anthropic_object

STOP_REASONS = {"length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}
CHOICES = {"auto": "auto", "any": "required", "none": "none"}
THOUGHTS = ("thinking", "redacted_thinking")  # of answers from elsewhere: no model here could read them

_TEXT_BLOCK = schema.record({"type": {"const": "text"}, "text": schema.text()}, "", ["type", "text"])
_SOURCE = schema.record({"type": schema.choice(("base64", "url"))}, "`media_type` and `data`, or `url`.", ["type"])
_BLOCK = schema.either(
    _TEXT_BLOCK,
    schema.record({"type": {"const": "image"}, "source": _SOURCE}, "Of the user.", ["type", "source"]),
    schema.record(
        {"type": {"const": "tool_result"}, "tool_use_id": schema.text(), "content": schema.text()},
        "Of the user.",
        ["type", "tool_use_id"],
    ),
    schema.record(
        {"type": {"const": "tool_use"}, "id": schema.text(), "name": schema.text(), "input": {"type": "object"}},
        "Of the assistant.",
        ["type", "id", "name", "input"],
    ),
)
MESSAGE_FIELDS: schema.Fields = {
    "model": openai.CHAT_FIELDS["model"],
    "max_tokens": schema.whole("", 1),
    "messages": schema.listed(
        schema.record(
            {
                "role": schema.choice(("user", "assistant")),
                "content": schema.either(schema.text(), schema.listed(_BLOCK)),
            },
            required=["role", "content"],
        ),
        minItems=1,
    ),
    "system": schema.either(schema.text(), schema.listed(_TEXT_BLOCK)),
    "stream": openai.CHAT_FIELDS["stream"],
    "stop_sequences": schema.listed(schema.text(maxLength=500), maxItems=16),
    "temperature": openai.CHAT_FIELDS["temperature"],
    "top_p": openai.CHAT_FIELDS["top_p"],
    "top_k": schema.whole("Told to an upstream."),
    "tools": schema.listed(
        schema.record(
            {"name": schema.text(minLength=1), "description": schema.text(), "input_schema": {"type": "object"}},
            required=["name", "input_schema"],
        )
    ),
    "tool_choice": schema.record({"type": schema.choice((*CHOICES, "tool")), "name": schema.text()}, "", ["type"]),
}
MESSAGE = schema.named(
    "Message",
    schema.record(
        {
            "id": schema.text(),
            "type": {"const": "message"},
            "role": {"const": "assistant"},
            "model": schema.text(),
            "content": schema.listed({"type": "object", "required": ["type"]}),
            "stop_reason": schema.or_null(schema.text()),
            "usage": {"type": "object"},
        },
        required=["id", "type", "role", "content"],
    ),
)
EVENT = schema.named(
    "MessageEvent",
    schema.record({"type": schema.text("`message_start`, `content_block_delta`, …")}, "Anthropic's events.", ["type"]),
)


def chat_request(body: Mapping[str, Any], card: ModelCard) -> ChatRequest:
    """The body of `POST /v1/messages` as a request to `card`; InvalidRequest says what cannot be understood."""
    if body.get("max_tokens") is None:
        raise InvalidParameter("max_tokens is needed: a whole number from 1 on.")
    messages = body.get("messages")
    if not isinstance(messages, list):
        raise InvalidRequest("messages must be a list.", code="invalid_messages")
    said = [{"role": "system", "content": system}] if (system := _system(body.get("system"))) else []
    for index, message in enumerate(messages):
        said += _messages(message, f"messages[{index}]")
    given = {
        **{name: body.get(name) for name in ("temperature", "top_p", "max_tokens")},
        "stop": body.get("stop_sequences"),
        "messages": said,
        "tools": [_tool(tool) for tool in _list(body.get("tools"), "tools")],
        "tool_choice": _choice(body.get("tool_choice")),
        "top_k": body.get("top_k"),
    }
    return openai.chat_request(given, card)


def _list(given: Any, name: str) -> list[Any]:
    if given is not None and not isinstance(given, list):
        raise InvalidParameter(f"{name} must be a list.")
    return given or []


def _system(given: Any) -> str:
    if given is None or isinstance(given, str):
        return given or ""
    return "\n\n".join(_text(block, "system") for block in _list(given, "system"))


def _text(block: Any, where: str) -> str:
    if not isinstance(block, Mapping) or block.get("type") != "text" or not isinstance(block.get("text"), str):
        raise InvalidRequest(f'{where} must be a text or hold {{"type": "text", "text": …}}.', code="invalid_messages")
    return str(block["text"])


def _messages(message: Any, where: str) -> list[dict[str, Any]]:
    """One message as OpenAI's: tool results become messages of their own, before what is said beside them."""
    role = message.get("role") if isinstance(message, Mapping) else None
    if role not in ("user", "assistant"):
        raise InvalidRequest(f"{where}.role must be user or assistant.", code="invalid_messages")
    content = message.get("content")
    if isinstance(content, str):
        return [{"role": role, "content": content}]
    if not isinstance(content, list):
        raise InvalidRequest(f"{where}.content must be a text or a list of blocks.", code="invalid_messages")
    results, parts, calls = [], [], []
    for number, block in enumerate(content):
        place = f"{where}.content[{number}]"
        kind = block.get("type") if isinstance(block, Mapping) else None
        if kind == "text":
            parts.append({"type": "text", "text": _text(block, place)})
        elif kind == "image" and role == "user":
            parts.append(_image(block, place))
        elif kind == "tool_result" and role == "user":
            results.append(_result(block, place))
        elif kind == "tool_use" and role == "assistant":
            calls.append(_call(block, place))
        elif kind not in THOUGHTS:
            raise InvalidRequest(
                f"{place} is {str(kind)[:40]!r}; understood are text, image and tool_result of the user, text and "
                "tool_use of the assistant.",
                code="invalid_messages",
            )
    if role == "assistant":
        text = "".join(part["text"] for part in parts)
        return [{"role": role, "content": text or None, **({"tool_calls": calls} if calls else {})}]
    return [*results, *([{"role": role, "content": parts}] if parts or not results else [])]


def _image(block: Mapping[str, Any], where: str) -> dict[str, Any]:
    source = block.get("source")
    address = None
    if isinstance(source, Mapping) and source.get("type") == "base64":
        address = f"data:{source.get('media_type')};base64,{source.get('data')}"
    elif isinstance(source, Mapping) and source.get("type") == "url":
        address = source.get("url")
    if not isinstance(address, str):
        raise InvalidRequest(f"{where}.source must be of type base64 or url.", code="invalid_messages")
    return {"type": "image_url", "image_url": {"url": address}}


def _result(block: Mapping[str, Any], where: str) -> dict[str, Any]:
    content, known = block.get("content"), block.get("tool_use_id")
    if not isinstance(known, str):
        raise InvalidRequest(f"{where}.tool_use_id must be a text.", code="invalid_messages")
    if isinstance(content, list):
        content = "\n".join(_text(part, f"{where}.content") for part in content)
    elif content is not None and not isinstance(content, str):
        raise InvalidRequest(f"{where}.content must be a text or a list of texts.", code="invalid_messages")
    failed = "Error: " if block.get("is_error") is True else ""
    return {"role": "tool", "tool_call_id": known, "content": failed + (content or "")}


def _call(block: Mapping[str, Any], where: str) -> dict[str, Any]:
    if not isinstance(block.get("name"), str) or not isinstance(block.get("input"), Mapping):
        raise InvalidRequest(f"{where} must have a name and an input.", code="invalid_messages")
    function = {"name": block["name"], "arguments": orjson.dumps(block["input"]).decode()}
    return {"id": str(block.get("id") or ""), "type": "function", "function": function}


def _tool(tool: Any) -> dict[str, Any]:
    if not isinstance(tool, Mapping) or tool.get("type", "custom") not in ("custom", None):
        raise InvalidParameter("tools must hold functions of your own: name, description, input_schema.")
    function = {"name": tool.get("name"), "parameters": tool.get("input_schema") or {}}
    if isinstance(tool.get("description"), str):
        function["description"] = tool["description"]
    return {"type": "function", "function": function}


def _choice(given: Any) -> Any:
    if given is None:
        return None
    kind = given.get("type") if isinstance(given, Mapping) else None
    if kind == "tool":
        return {"type": "function", "function": {"name": given.get("name")}}
    if not isinstance(kind, str) or kind not in CHOICES:
        raise InvalidParameter('tool_choice must be {"type": "auto"}, any, none, or {"type": "tool", "name": …}.')
    return CHOICES[kind]


# --- answers ----------------------------------------------------------------------------------------------------------


def message(row: Generation) -> dict[str, Any]:
    """A finished row as `message`."""
    said = row.message or {}
    blocks: list[dict[str, Any]] = [{"type": "text", "text": said["content"]}] if said.get("content") else []
    for call in said.get("tool_calls") or ():
        blocks.append({**_use(call), "input": _input(call["function"].get("arguments"))})
    return {
        **_begun(row),
        "content": blocks,
        "stop_reason": _stop_reason(row),
        "usage": {"input_tokens": row.prompt_tokens, "output_tokens": row.completion_tokens},
    }


def _begun(row: Generation) -> dict[str, Any]:
    return {
        "id": f"msg_{row.pk.hex}",
        "type": "message",
        "role": "assistant",
        "model": row.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": row.prompt_tokens, "output_tokens": 0},
    }


def _use(call: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "tool_use", "id": str(call.get("id") or ""), "name": str(call["function"].get("name") or "")}


def _input(arguments: Any) -> dict[str, Any]:
    """What a model wrote as arguments, as an object; what is none is kept as a text in one."""
    try:
        read = orjson.loads(arguments or "{}")
    except (orjson.JSONDecodeError, TypeError):
        read = None
    return read if isinstance(read, dict) else {"arguments": arguments}


def _stop_reason(row: Generation) -> str:
    return STOP_REASONS.get(row.finish_reason, "end_turn")


class Stream:
    """The frames of one streamed message: each block is begun, told and ended before the next."""

    def __init__(self) -> None:
        self._began = False
        self._blocks = 0
        self._open: str | int | None = None  # "text", or the index of a tool call
        self._calls: dict[int, int] = {}  # index of a tool call → number of its block

    def piece(self, row: Generation, delta: Mapping[str, Any], event: bytes = b"") -> Iterator[bytes]:
        yield from self._begin(row)
        if text := delta.get("content"):
            yield from self._block("text", {"type": "text", "text": ""})
            yield _event("content_block_delta", index=self._blocks - 1, delta={"type": "text_delta", "text": text})
        for call in delta.get("tool_calls") or ():
            index, function = call.get("index", 0), call.get("function") or {}
            if index not in self._calls:
                yield from self._block(index, {**_use({**call, "function": function}), "input": {}})
                self._calls[index] = self._blocks - 1
            if written := function.get("arguments"):
                told = {"type": "input_json_delta", "partial_json": written}
                yield _event("content_block_delta", index=self._calls[index], delta=told)

    def end(self, row: Generation) -> Iterator[bytes]:
        yield from self._begin(row)
        yield from self._close()
        yield _event(
            "message_delta",
            delta={"stop_reason": _stop_reason(row), "stop_sequence": None},
            usage={"input_tokens": row.prompt_tokens, "output_tokens": row.completion_tokens},
        )
        yield _event("message_stop")

    def failed(self, exc: PollwebError, request_id: str) -> Iterator[bytes]:
        yield sse.data(anthropic_object(exc, request_id), event="error")

    def _begin(self, row: Generation) -> Iterator[bytes]:
        if not self._began:
            self._began = True
            yield _event("message_start", message=_begun(row))

    def _block(self, name: str | int, block: dict[str, Any]) -> Iterator[bytes]:
        if self._open == name:
            return
        yield from self._close()
        self._open = name
        self._blocks += 1
        yield _event("content_block_start", index=self._blocks - 1, content_block=block)

    def _close(self) -> Iterator[bytes]:
        if self._open is not None:
            self._open = None
            yield _event("content_block_stop", index=self._blocks - 1)


def _event(kind: str, **more: Any) -> bytes:
    return sse.data({"type": kind, **more}, event=kind)
