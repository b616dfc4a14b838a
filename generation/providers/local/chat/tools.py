"""Function calling for a model that was never taught OpenAI's: asked for in words, read back from JSON."""

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generation.providers.local.chat.errors import RequestRefused

Call = dict[str, Any]  # {"name": str, "arguments": dict}
Known = Mapping[str, Sequence[str]]  # function name → the parameters it requires

# Words and tags as in Qwen2.5's own chat template, and a last sentence against calling when nobody asked for it.
INSTRUCTIONS = """\
You are a helpful assistant.

# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>
{functions}
</tools>

For each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:
<tool_call>
{{"name": <function-name>, "arguments": <args-json-object>}}
</tool_call>

The functions do nothing but what their descriptions say. For everything else, such as general knowledge, arithmetic, \
writing or a greeting, answer in plain words and call nothing."""
FORCED = "Call the function that fits: {functions}"
# Asked in Chinese, the small model makes up what a function would know, unless it is told beside the question that this
# very function may know it. Told so beside every question, it would call for a greeting.
REMINDER = "\n\n(如果 {name} 能提供这个信息,就用 <tool_call> 调用它;否则直接回答。)"
HAN = re.compile(r"[\u4e00-\u9fff]+")


@dataclass(frozen=True)
class Tools:
    """The functions that may be called now; `forced` when one of them must be."""

    functions: tuple[dict[str, Any], ...] = ()
    forced: bool = False

    @property
    def known(self) -> Known:
        return {
            function["name"]: tuple((function.get("parameters") or {}).get("required") or ())
            for function in self.functions
        }

    @property
    def instructions(self) -> str:
        """What the system message says about them."""
        if not self.functions:
            return ""
        listed = "\n".join(
            json.dumps({"type": "function", "function": function}, ensure_ascii=False) for function in self.functions
        )
        return (FORCED if self.forced else INSTRUCTIONS).format(functions=listed)

    def reminder(self, question: str) -> str:
        """What is said after a question in Chinese that shares a word with a function's description."""
        if self.forced:
            return ""
        asked = _pairs(question)
        for function in self.functions:
            if asked & _pairs(str(function.get("description") or "")):
                return REMINDER.format(name=function["name"])
        return ""

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


def _pairs(text: str) -> set[str]:
    """Two Chinese characters at a time: most words of Chinese are such pairs."""
    return {run[at : at + 2] for run in HAN.findall(text) for at in range(len(run) - 1)}


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


def call_in(value: Any, known: Known) -> Call | None:
    """The call that a JSON value means, if it is one of a known function with all that this requires."""
    value = _unwrapped(value)
    if not isinstance(value, dict) or not isinstance(value.get("name"), str) or value["name"] not in known:
        return None
    arguments = value.get("arguments", value.get("parameters", {}))
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except ValueError:
            return None
    if not isinstance(arguments, dict) or not set(known[value["name"]]) <= set(arguments):
        return None
    return {"name": value["name"], "arguments": arguments}


def misfire_in(value: Any) -> str | None:
    """The name in what was surely meant to be a call, for values in which `call_in` finds none."""
    value = _unwrapped(value)
    if isinstance(value, dict) and isinstance(value.get("name"), str) and {"arguments", "parameters"} & set(value):
        return value["name"]
    return None


def _unwrapped(value: Any) -> Any:
    return value["function"] if isinstance(value, dict) and isinstance(value.get("function"), dict) else value


OPENER = re.compile(r"```|<tool_call>|\{")
HALF_OPENER = re.compile(r"(?:`{1,2}|<(?:t(?:o(?:o(?:l(?:_(?:c(?:a(?:l(?:l)?)?)?)?)?)?)?)?)?)$")
WRAPPING = re.compile(r"(?:<tool_call>|```[\w-]*)\s*")
FIRST_KEY = re.compile(r'\{\s*(?:"([^"]*)("?))?')
KEYS = ("name", "function", "arguments", "parameters", "type")


class CallSieve:
    """Reads a streamed answer; lets words through and holds back what may be a function call.

    The call, once complete, is in `call`; text held back in vain comes with the next feed or with `end`. `misfire` is
    the name in a call that cannot be made: of an unknown function, or without what the function requires.
    """

    def __init__(self, known: Known) -> None:
        self._known = known
        self._held = ""
        self.call: Call | None = None
        self.misfire: str | None = None

    def feed(self, text: str) -> str:
        """The words that may be shown now."""
        if not self._known:
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
        self.call = call_in(value, self._known)
        if self.call:
            return None
        self.misfire = self.misfire or misfire_in(value)
        return start + end


def _may_be_key(text: str, *, closed: bool) -> bool:
    return text in KEYS if closed else any(key.startswith(text) for key in KEYS)


def whole_call(text: str, known: Known) -> Call | None:
    """The call that a complete answer consists of, when the engine was forced to write one."""
    try:
        return call_in(json.loads(text), known)
    except ValueError:
        return None
