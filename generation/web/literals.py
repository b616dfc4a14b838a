"""JSON values as code writes them: in Python and in JavaScript."""

import json
from typing import Any


def in_python(value: Any) -> str:
    """A value as Python writes it, over several lines where it holds others."""
    if isinstance(value, dict) and value:
        inner = "".join(f"    {in_python(str(k))}: {indented(in_python(v), 4)},\n" for k, v in value.items())
        return f"{{\n{inner}}}"
    if isinstance(value, list | tuple) and value:
        return "[\n" + "".join(f"    {indented(in_python(v), 4)},\n" for v in value) + "]"
    return (
        in_javascript(value) if isinstance(value, str) else repr(value)
    )  # a JSON string is a string of both languages


def in_javascript(value: Any, spaces: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=spaces)


def indented(text: str, by: int) -> str:
    """`text` with what follows its first line moved to the right."""
    return text.replace("\n", "\n" + " " * by)
