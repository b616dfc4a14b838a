"""JSON Schema (2020-12, as OpenAPI 3.1 takes it) in few words, for declaring what a reader of requests reads."""

from collections.abc import Iterable, Mapping
from typing import Any

Schema = dict[str, Any]
Fields = dict[str, Schema]

# Schemas that have a name in the document: `named` puts them here, and gives a reference to them.
NAMED: dict[str, Schema] = {}


def named(name: str, schema: Schema) -> Schema:
    if NAMED.setdefault(name, schema) != schema:
        raise ValueError(f"two schemas are named {name}")
    return {"$ref": f"#/components/schemas/{name}"}


def text(description: str = "", **more: Any) -> Schema:
    return _with({"type": "string"}, description, more)


def choice(words: Iterable[str], description: str = "", **more: Any) -> Schema:
    return _with({"type": "string", "enum": [word for word in words if word]}, description, more)


def whole(description: str = "", least: int | None = None, most: int | None = None, **more: Any) -> Schema:
    return _with(_ranged("integer", least, most), description, more)


def number(description: str = "", least: float | None = None, most: float | None = None, **more: Any) -> Schema:
    return _with(_ranged("number", least, most), description, more)


def flag(description: str = "", **more: Any) -> Schema:
    return _with({"type": "boolean"}, description, {"default": False, **more})


def listed(items: Schema, description: str = "", **more: Any) -> Schema:
    return _with({"type": "array", "items": items}, description, more)


def record(fields: Mapping[str, Schema], description: str = "", required: Iterable[str] = (), **more: Any) -> Schema:
    """An object with these fields; further ones are possible unless `additionalProperties` says otherwise."""
    needed = list(required)
    return _with(
        {"type": "object", "properties": dict(fields)} | ({"required": needed} if needed else {}), description, more
    )


def either(*schemas: Schema, description: str = "", **more: Any) -> Schema:
    return _with({"anyOf": list(schemas)}, description, more)


def or_null(schema: Schema) -> Schema:
    return {**schema, "type": [schema["type"], "null"]} if "type" in schema else either(schema, {"type": "null"})


def binary(media_type: str) -> Schema:
    return {"type": "string", "contentMediaType": media_type, "format": "binary"}


def _ranged(kind: str, least: float | None, most: float | None) -> Schema:
    limits = {"minimum": least, "maximum": most}
    return {"type": kind, **{name: limit for name, limit in limits.items() if limit is not None}}


def _with(schema: Schema, description: str, more: Mapping[str, Any]) -> Schema:
    return {**schema, **({"description": description} if description else {}), **more}
