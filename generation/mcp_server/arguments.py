"""The arguments of tools: what a schema says of them, and reading what assistants really send.

The schema has the shape that the guide's clients know, with an object `options`. Assistants write the same names beside
it, in snake_case, as JSON in a string, or a number as text: whatever has one meaning is taken, everything else refused
with a sentence that they can act on.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generation.errors import InvalidParameter

NEEDED = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """One argument. `kind` is a JSON type; `nested` puts it into `options`; `also` are further names for it."""

    name: str
    kind: str = "string"
    about: str
    default: Any = None
    choices: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None
    required: bool = False
    nested: bool = False
    also: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Its name among the values: systemPrompt is system_prompt."""
        return re.sub(r"([A-Z])", r"_\1", self.name).lower()

    def schema(self) -> dict[str, Any]:
        bounds = {"minimum": self.least, "maximum": self.most, "default": self.default}
        return {
            "type": self.kind,
            "description": self.about,
            **({"enum": list(self.choices)} if self.choices else {}),
            **{word: value for word, value in bounds.items() if value is not None},
        }

    def read(self, value: Any) -> Any:
        """The value in its type. InvalidParameter for one that has another."""
        read = _READERS[self.kind](value)
        if read is None:
            raise InvalidParameter(f"{self.name} is {_shown(value)}; {NEEDED[self.kind]} is needed.")
        if self.choices and read not in self.choices:
            raise InvalidParameter(f"{self.name} is {_shown(value)}; allowed are {', '.join(self.choices)}.")
        least, most = self.least, self.most
        if not isinstance(read, str) and ((least is not None and read < least) or (most is not None and read > most)):
            span = f"from {self.least} to {self.most}" if self.most is not None else f"from {self.least} on"
            raise InvalidParameter(f"{self.name} is {_shown(value)}; {NEEDED[self.kind]} {span} is needed.")
        return read


def schema(arguments: Sequence[Argument]) -> dict[str, Any]:
    """The JSON schema (2020-12) of a tool's arguments."""
    flat = {argument.name: argument.schema() for argument in arguments if not argument.nested}
    nested = {argument.name: argument.schema() for argument in arguments if argument.nested}
    if nested:
        flat["options"] = {
            "type": "object",
            "description": "How it is made; each of these may be left out.",
            "properties": nested,
        }
    return {
        "type": "object",
        "properties": flat,
        "required": [argument.name for argument in arguments if argument.required],
    }


def read(arguments: Sequence[Argument], given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The value of every argument by its key, and the names of what was given and means nothing.

    InvalidParameter for a value that is missing or of another type.
    """
    known = {_plain(name): argument for argument in arguments for name in (argument.name, *argument.also)}
    said: dict[str, Any] = {}
    ignored = []
    for name, value in (*given.items(), *_nested(given).items()):
        if _plain(name) == "options":
            continue
        if (argument := known.get(_plain(name))) is None:
            ignored.append(str(name)[:60])
        elif value is not None:
            said[argument.name] = value
    values = {}
    for argument in arguments:
        if argument.name in said:
            values[argument.key] = argument.read(said[argument.name])
        elif argument.required:
            raise InvalidParameter(f"{argument.name} is missing: {argument.about}")
        else:
            values[argument.key] = argument.default
    for argument in arguments:
        if argument.required and argument.kind == "string" and not values[argument.key].strip():
            raise InvalidParameter(f"{argument.name} is empty: {argument.about}")
    return values, ignored[:20]


def _nested(given: Mapping[str, Any]) -> Mapping[str, Any]:
    options = next((value for name, value in given.items() if _plain(name) == "options"), None)
    if isinstance(options, str) and options.strip():
        try:
            options = json.loads(options)
        except ValueError:
            options = False
    if options in (None, ""):
        return {}
    if not isinstance(options, Mapping):
        raise InvalidParameter("options must be an object, such as {}.")
    return options


def _plain(name: str) -> str:
    return str(name).replace("_", "").replace("-", "").lower()


def _shown(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)[:60]
    except (TypeError, ValueError):
        return type(value).__name__


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < 2**63 else None  # neither NaN nor infinity is less


def _integer(value: Any) -> int | None:
    if isinstance(value, str) and value.strip().lstrip("-").isascii() and value.strip().lstrip("-").isdigit():
        value = int(value) if len(value) < 25 else None  # exactly: a float has 53 bits
    if isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) < 2**63 else None
    number = _number(value)
    return int(number) if number is not None and number == int(number) else None


def _boolean(value: Any) -> bool | None:
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


_READERS = {"string": _string, "integer": _integer, "number": _number, "boolean": _boolean}
