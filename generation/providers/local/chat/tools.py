"""Function calling for a model that was never taught OpenAI's: asked for in words, read back from JSON."""

import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from generation.providers.local.chat.errors import RequestRefused

Call = dict[str, Any]  # {"name": str, "arguments": dict}


@dataclass(frozen=True)
class Tools:
    """The functions that may be called now; `forced` when one of them must be."""

    functions: tuple[dict[str, Any], ...] = ()
    forced: bool = False

    @property
    def names(self) -> frozenset[str]:
        return frozenset(function["name"] for function in self.functions)

    @property
    def instructions(self) -> str:
        """What the system message says about them."""
        if not self.functions:
            return ""
        listed = "\n".join(
            json.dumps({key: function[key] for key in ("name", "description", "parameters") if key in function})
            for function in self.functions
        )
        when = (
            "Call the one that fits."
            if self.forced
            else "Call one only when the question needs it; otherwise answer in plain words."
        )
        return (
            f"You can call these functions:\n{listed}\n"
            'To call one, answer with nothing but JSON: {"name": "the function", "arguments": {...}}. ' + when
        )

    def schema(self) -> dict[str, Any]:
        """A JSON schema that only calls of these functions satisfy."""
        calls = [
            {
                "type": "object",
                "properties": {
                    "name": {"const": function["name"]},
                    "arguments": function.get("parameters") or {"type": "object"},
                },
                "required": ["name", "arguments"],
                "additionalProperties": False,
            }
            for function in self.functions
        ]
        return calls[0] if len(calls) == 1 else {"anyOf": calls}


def tools_of(body: dict[str, Any]) -> Tools:
    """Read `tools` and `tool_choice`. Raises RequestRefused for what has not OpenAI's shape."""
    functions = tuple(_function(tool) for tool in body.get("tools") or ())
    choice = body.get("tool_choice") or "auto"
    if not functions or choice == "none":
        return Tools()
    if choice in ("auto", "required"):
        return Tools(functions, forced=choice == "required")
    wanted = choice.get("function", {}).get("name") if isinstance(choice, dict) else None
    named = tuple(function for function in functions if function["name"] == wanted)
    if not named:
        raise RequestRefused("tool_choice must be none, auto, required or one of the tools")
    return Tools(named, forced=True)


def _function(tool: Any) -> dict[str, Any]:
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise RequestRefused("each tool must be a function with a name")
    return function


def as_tool_call(call: Call) -> dict[str, Any]:
    """A call in the shape of `message.tool_calls[0]`, with an id of its own."""
    function = {"name": call["name"], "arguments": json.dumps(call["arguments"], ensure_ascii=False)}
    return {"id": f"call_{secrets.token_hex(12)}", "type": "function", "function": function}


def call_in(value: Any, names: frozenset[str]) -> Call | None:
    """The call that a JSON value means, if it is one of a known function."""
    if isinstance(value, dict) and isinstance(value.get("function"), dict):
        value = value["function"]
    if not isinstance(value, dict) or value.get("name") not in names:
        return None
    arguments = value.get("arguments", value.get("parameters", {}))
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except ValueError:
            return None
    return {"name": value["name"], "arguments": arguments} if isinstance(arguments, dict) else None


OPENER = re.compile(r"```|<tool_call>|\{")
HALF_OPENER = re.compile(r"(?:`{1,2}|<(?:t(?:o(?:o(?:l(?:_(?:c(?:a(?:l(?:l)?)?)?)?)?)?)?)?)?)$")
WRAPPING = re.compile(r"(?:<tool_call>|```[\w-]*)\s*")
FIRST_KEY = re.compile(r'\{\s*(?:"([^"]*)("?))?')
KEYS = ("name", "function", "arguments", "parameters", "type")


class CallSieve:
    """Reads a streamed answer; lets words through and holds back what may be a function call.

    The call, once complete, is in `call`; text held back in vain comes with the next feed or with `end`.
    """

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self._held = ""
        self.call: Call | None = None

    def feed(self, text: str) -> str:
        """The words that may be shown now."""
        if not self._names:
            return text
        self._held += text
        shown = ""
        while not self.call and (opener := OPENER.search(self._held)):
            shown += self._held[: opener.start()]
            self._held = self._held[opener.start() :]
            length = self._undecided_or_free()
            if length is None or self.call:
                return shown
            shown += self._held[:length]
            self._held = self._held[length:]
        half = HALF_OPENER.search(self._held)
        keep = half.start() if half else len(self._held)
        shown, self._held = shown + self._held[:keep], self._held[keep:]
        return shown

    def end(self) -> str:
        """What is still held when the answer is over."""
        held, self._held = self._held, ""
        return "" if self.call else held

    def _undecided_or_free(self) -> int | None:
        """How much of the held text is no call for sure, or None while that is open or when it is one."""
        wrapping = WRAPPING.match(self._held)
        start = wrapping.end() if wrapping else 0
        inner = self._held[start:]
        if not inner:
            return None
        key = FIRST_KEY.match(inner)
        if not key:
            return max(start, 1)
        if key[1] is not None and not _may_be_key(key[1], closed=bool(key[2])):
            return start + key.end()
        try:
            value, end = json.JSONDecoder().raw_decode(inner)
        except ValueError:
            return None
        self.call = call_in(value, self._names)
        return None if self.call else start + end


def _may_be_key(text: str, *, closed: bool) -> bool:
    return text in KEYS if closed else any(key.startswith(text) for key in KEYS)


def whole_call(text: str, names: Sequence[str] | frozenset[str]) -> Call | None:
    """The call that a complete answer consists of, when the engine was forced to write one."""
    try:
        return call_in(json.loads(text), frozenset(names))
    except ValueError:
        return None
