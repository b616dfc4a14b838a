"""Functions that a model may call, in OpenAI's shapes: `tools`, `tool_choice`, and the calls in messages."""

from collections.abc import Mapping
from typing import Any

from generation.errors import InvalidParameter
from pollweb.lib import schema

MOST_TOOLS = 128
CHOICES = ("none", "auto", "required")

_NAMED = schema.record({"name": schema.text()}, "", ["name"])
TOOL = schema.named(
    "Tool",
    schema.record(
        {
            "type": {"const": "function"},
            "function": schema.record(
                {
                    "name": schema.text(minLength=1),
                    "description": schema.text(),
                    "parameters": {"type": "object", "description": "A JSON schema."},
                },
                required=["name"],
            ),
        },
        required=["type", "function"],
    ),
)
CHOICE = schema.either(
    schema.choice(CHOICES), schema.record({"type": {"const": "function"}, "function": _NAMED}, "", ["type", "function"])
)


def options(given: Any, choice: Any) -> dict[str, Any]:
    """`tools` and `tool_choice` as they were given, checked; empty where there are no tools.

    Raises InvalidParameter. A text is what a query parameter leaves of them: no tools.
    """
    if given is None or given == [] or isinstance(given, str):
        return {}
    if not isinstance(given, list) or len(given) > MOST_TOOLS or not all(_is_tool(tool) for tool in given):
        raise InvalidParameter(
            f'tools must be a list of up to {MOST_TOOLS} {{"type": "function", "function": {{"name": …, '
            '"parameters": {a JSON schema}}}.'
        )
    if choice is None:
        return {"tools": given}
    names = [tool["function"]["name"] for tool in given]
    if not (isinstance(choice, str) and choice in CHOICES) and _named(choice) not in names:
        raise InvalidParameter(
            f"tool_choice must be {', '.join(CHOICES)}, or name one of the tools: "
            '{"type": "function", "function": {"name": …}}.'
        )
    return {"tools": given, "tool_choice": choice}


def is_call(call: Any) -> bool:
    """Is this an entry of `message.tool_calls`?"""
    function = call.get("function") if isinstance(call, Mapping) else None
    return (
        isinstance(function, Mapping)
        and isinstance(call.get("id", ""), str)
        and isinstance(function.get("name"), str)
        and isinstance(function.get("arguments", ""), str)
    )


def _named(choice: Any) -> str | None:
    function = choice.get("function") if isinstance(choice, Mapping) else None
    name = function.get("name") if isinstance(function, Mapping) else None
    return name if isinstance(name, str) else None


def _is_tool(tool: Any) -> bool:
    function = tool.get("function") if isinstance(tool, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(name := function.get("name"), str) or not name:
        return False
    parameters = function.get("parameters") or {}
    required = parameters.get("required") or [] if isinstance(parameters, Mapping) else None
    return isinstance(required, list) and all(isinstance(name, str) for name in required)
