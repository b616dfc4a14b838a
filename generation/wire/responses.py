"""OpenAI's newer dialect, Responses: items in and out, whole and streamed. Nothing is kept from one to the next.

Shapes after OpenAI's API reference (responses/object, responses-streaming). What a body means is said in the words of
chat completions, and checked where those are.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from generation.catalogue import ModelCard
from generation.errors import InvalidParameter, InvalidRequest
from generation.models import Generation
from generation.requests import ChatRequest
from generation.wire import openai
from pollweb.lib import schema, sse
from pollweb.lib.errors import PollwebError

# What would need something kept here.
STATEFUL = ("previous_response_id", "conversation", "background", "prompt")
PASSED_ON = ("parallel_tool_calls", "user", "metadata", "service_tier", "top_logprobs", "safety_identifier")

_PARTS = schema.listed(
    {"type": "object", "required": ["type"]}, "Parts: input_text, output_text, input_image, input_audio."
)
_ITEM = schema.either(
    schema.record(
        {
            "type": {"const": "message"},
            "role": schema.choice(("user", "assistant", "system", "developer")),
            "content": schema.either(schema.text(), _PARTS),
        },
        required=["role", "content"],
    ),
    schema.record(
        {
            "type": {"const": "function_call"},
            "call_id": schema.text(),
            "name": schema.text(),
            "arguments": schema.text("A JSON text."),
        },
        required=["type", "call_id", "name"],
    ),
    schema.record(
        {"type": {"const": "function_call_output"}, "call_id": schema.text(), "output": schema.text()},
        required=["type", "call_id", "output"],
    ),
)
RESPONSE_FIELDS: schema.Fields = {
    "model": openai.CHAT_FIELDS["model"],
    "input": schema.either(schema.text(minLength=1), schema.listed(_ITEM, minItems=1)),
    "instructions": schema.text("A system message."),
    "stream": openai.CHAT_FIELDS["stream"],
    "max_output_tokens": schema.whole("", 1),
    "temperature": openai.CHAT_FIELDS["temperature"],
    "top_p": openai.CHAT_FIELDS["top_p"],
    "reasoning": schema.record({"effort": schema.text()}),
    "text": schema.record({"format": {"type": "object"}}, 'The answer\'s form, as `{"format": {"type": …}}`.'),
    "tools": schema.listed(
        schema.record(
            {
                "type": {"const": "function"},
                "name": schema.text(minLength=1),
                "description": schema.text(),
                "parameters": {"type": "object"},
            },
            required=["type", "name"],
        )
    ),
    "tool_choice": schema.either(
        schema.choice(("none", "auto", "required")),
        schema.record({"type": {"const": "function"}, "name": schema.text()}, "", ["type", "name"]),
    ),
    **{name: {} for name in PASSED_ON},
}
RESPONSE = schema.named(
    "Response",
    schema.record(
        {
            "id": schema.text(),
            "object": {"const": "response"},
            "created_at": schema.whole("Unix seconds."),
            "status": schema.choice(("completed", "incomplete", "in_progress")),
            "model": schema.text(),
            "output": schema.listed({"type": "object"}),
            "usage": schema.or_null({"type": "object"}),
        },
        required=["id", "object", "status", "model", "output"],
    ),
)
EVENT = schema.named(
    "ResponseEvent",
    schema.record(
        {"type": schema.text("`response.created`, `response.output_text.delta`, …"), "sequence_number": schema.whole()},
        "OpenAI's events of a streamed response, one after the other.",
        ["type"],
    ),
)


def chat_request(body: Mapping[str, Any], card: ModelCard) -> ChatRequest:
    """The body of `POST /v1/responses` as a request to `card`; InvalidRequest says what cannot be understood."""
    for name in STATEFUL:
        if body.get(name):
            raise InvalidParameter(f"{name} is not possible: nothing is kept between responses. Send the items again.")
    said: list[dict[str, Any]] = []
    instructions = body.get("instructions")
    if isinstance(instructions, str) and instructions:
        said.append({"role": "system", "content": instructions})
    elif instructions is not None and not isinstance(instructions, str):
        raise InvalidParameter("instructions must be a text.")
    given = body.get("input")
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    if not isinstance(items, list) or not items:
        raise InvalidRequest("input must be a text or a list of items.", code="invalid_messages")
    for index, item in enumerate(items):
        _take(said, item, f"input[{index}]")
    reasoning = body.get("reasoning")
    asked = {
        **{name: body.get(name) for name in ("temperature", "top_p", *PASSED_ON)},
        "max_tokens": body.get("max_output_tokens"),
        "reasoning_effort": reasoning.get("effort") if isinstance(reasoning, Mapping) else None,
        "response_format": _format(body.get("text")),
        "messages": said,
        "tools": _tools(body.get("tools")),
        "tool_choice": _choice(body.get("tool_choice")),
    }
    return openai.chat_request(asked, card)


def _take(said: list[dict[str, Any]], item: Any, where: str) -> None:
    """Add one item to the messages; calls that follow each other belong to one message."""
    kind = item.get("type", "message") if isinstance(item, Mapping) else None
    if kind == "message":
        said.append({"role": item.get("role") or "user", "content": _content(item.get("content"), where)})
    elif kind == "function_call":
        function = {"name": item.get("name"), "arguments": item.get("arguments") or "{}"}
        call = {"id": item.get("call_id"), "type": "function", "function": function}
        if not said or said[-1]["role"] != "assistant" or "tool_calls" not in said[-1]:
            said.append({"role": "assistant", "content": None, "tool_calls": []})
        said[-1]["tool_calls"].append(call)
    elif kind == "function_call_output":
        output = item.get("output")
        content = output if isinstance(output, str) else _content(output, where)
        said.append({"role": "tool", "tool_call_id": item.get("call_id"), "content": content})
    elif kind != "reasoning":  # the thoughts of another answer: no model here could read them
        raise InvalidRequest(
            f"{where} is {str(kind)[:40]!r}; understood are message, function_call and function_call_output.",
            code="invalid_messages",
        )


def _content(given: Any, where: str) -> Any:
    return [_part(part, where) for part in given] if isinstance(given, list) else given


def _part(part: Any, where: str) -> dict[str, Any]:
    kind = part.get("type") if isinstance(part, Mapping) else None
    if kind in ("input_text", "output_text", "text"):
        return {"type": "text", "text": part.get("text")}
    if kind == "refusal":
        return {"type": "text", "text": part.get("refusal")}
    if kind == "input_image" and isinstance(part.get("image_url"), str):
        return {"type": "image_url", "image_url": {"url": part["image_url"]}}
    if kind == "input_audio":
        return dict(part)
    raise InvalidRequest(
        f"{where} holds {str(kind)[:40]!r}; understood are input_text, input_image with an image_url, and output_text.",
        code="invalid_messages",
    )


def _tools(given: Any) -> Any:
    if not isinstance(given, list):
        return given
    tools = []
    for tool in given:
        if not isinstance(tool, Mapping) or tool.get("type") != "function":
            raise InvalidParameter('tools must hold functions of your own: {"type": "function", "name": …}.')
        tools.append({"type": "function", "function": {k: v for k, v in tool.items() if k != "type" and v is not None}})
    return tools


def _choice(given: Any) -> Any:
    if isinstance(given, Mapping) and given.get("type") == "function":
        return {"type": "function", "function": {"name": given.get("name")}}
    return given


def _format(given: Any) -> Any:
    wanted = given.get("format") if isinstance(given, Mapping) else None
    if not isinstance(wanted, Mapping) or wanted.get("type") != "json_schema":
        return wanted
    return {"type": "json_schema", "json_schema": {k: v for k, v in wanted.items() if k != "type"}}


# --- answers ----------------------------------------------------------------------------------------------------------


def response(row: Generation, body: Mapping[str, Any]) -> dict[str, Any]:
    """A finished row as `response`; what was asked for is told back from `body`."""
    said = row.message or {}
    output = [_message(row, said["content"])] if said.get("content") else []
    output += [_call(row, index, call) for index, call in enumerate(said.get("tool_calls") or ())]
    return _ended(row, body, output)


def _ended(row: Generation, body: Mapping[str, Any], output: list[dict[str, Any]]) -> dict[str, Any]:
    cut = row.finish_reason in ("length", "content_filter")
    reason = "max_output_tokens" if row.finish_reason == "length" else "content_filter"
    return {
        **_begun(row, body),
        "status": "incomplete" if cut else "completed",
        "incomplete_details": {"reason": reason} if cut else None,
        "output": output,
        "usage": {
            "input_tokens": row.prompt_tokens,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": row.completion_tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": row.prompt_tokens + row.completion_tokens,
        },
    }


def _begun(row: Generation, body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": f"resp_{row.pk.hex}",
        "object": "response",
        "created_at": int(row.created_at.timestamp()),
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "model": row.model,
        "output": [],
        "parallel_tool_calls": body.get("parallel_tool_calls") is not False,
        "previous_response_id": None,
        "store": False,
        "temperature": body.get("temperature"),
        "text": body.get("text") or {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": body.get("tools") or [],
        "top_p": body.get("top_p"),
        "truncation": "disabled",
        "usage": None,
        "metadata": body.get("metadata") or {},
    }


def _message(row: Generation, text: str | None, status: str = "completed") -> dict[str, Any]:
    content = [] if text is None else [_text(text)]
    return {"type": "message", "id": f"msg_{row.pk.hex}", "status": status, "role": "assistant", "content": content}


def _text(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _call(row: Generation, index: int, call: Mapping[str, Any], status: str = "completed") -> dict[str, Any]:
    function = call.get("function") or {}
    return {
        "type": "function_call",
        "id": f"fc_{row.pk.hex}_{index}",
        "call_id": str(call.get("id") or ""),
        "name": str(function.get("name") or ""),
        "arguments": str(function.get("arguments") or ""),
        "status": status,
    }


class Stream:
    """The frames of one streamed response: each item is added, told and done before the next."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self._body = body
        self._told = 0  # events
        self._output: list[dict[str, Any]] = []  # the items so far; the last one may be open
        self._open: str | int | None = None  # "text", or the index of a tool call

    def piece(self, row: Generation, delta: Mapping[str, Any], event: bytes = b"") -> Iterator[bytes]:
        yield from self._begin(row)
        if text := delta.get("content"):
            if self._open != "text":
                yield from self._add("text", _message(row, None, "in_progress"))
                yield self._event("response.content_part.added", part=_text(""), **self._place())
                self._output[-1]["content"] = [_text("")]
            self._output[-1]["content"][0]["text"] += text
            yield self._event("response.output_text.delta", delta=text, logprobs=[], **self._place())
        for call in delta.get("tool_calls") or ():
            index = call.get("index", 0)
            if self._open != index:
                begun = {**call, "function": {**(call.get("function") or {}), "arguments": ""}}
                yield from self._add(index, _call(row, index, begun, "in_progress"))
            if written := (call.get("function") or {}).get("arguments"):
                self._output[-1]["arguments"] += written
                yield self._event("response.function_call_arguments.delta", delta=written, **self._place(part=False))

    def end(self, row: Generation) -> Iterator[bytes]:
        yield from self._begin(row)
        yield from self._close()
        ended = _ended(row, self._body, self._output)
        yield self._event(f"response.{ended['status']}", response=ended)

    def failed(self, exc: PollwebError, request_id: str) -> Iterator[bytes]:
        yield self._event("error", code=exc.code, message=exc.message, param=None, request_id=request_id)

    def _begin(self, row: Generation) -> Iterator[bytes]:
        if not self._told:
            begun = _begun(row, self._body)
            yield self._event("response.created", response=begun)
            yield self._event("response.in_progress", response=begun)

    def _add(self, name: str | int, item: dict[str, Any]) -> Iterator[bytes]:
        yield from self._close()
        self._open = name
        self._output.append(item)
        yield self._event("response.output_item.added", item=item, output_index=len(self._output) - 1)

    def _close(self) -> Iterator[bytes]:
        if self._open is None:
            return
        item = self._output[-1]
        item["status"] = "completed"
        if self._open == "text":
            [part] = item["content"]
            yield self._event("response.output_text.done", text=part["text"], logprobs=[], **self._place())
            yield self._event("response.content_part.done", part=part, **self._place())
        else:
            done = {"name": item["name"], "arguments": item["arguments"]}
            yield self._event("response.function_call_arguments.done", **done, **self._place(part=False))
        yield self._event("response.output_item.done", item=item, output_index=len(self._output) - 1)
        self._open = None

    def _place(self, *, part: bool = True) -> dict[str, Any]:
        where = {"item_id": self._output[-1]["id"], "output_index": len(self._output) - 1}
        return {**where, "content_index": 0} if part else where

    def _event(self, kind: str, **more: Any) -> bytes:
        self._told += 1
        return sse.data({"type": kind, "sequence_number": self._told - 1, **more}, event=kind)
