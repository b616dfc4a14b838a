"""What an address of the API takes and gives, declared beside the views for the OpenAPI document.

A package's `reference.py` has one `Operation` for each view and method; `pollweb.reference` walks the URL tables and
writes the document from them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pollweb.lib.schema import Fields, Schema

JSON = "application/json"
TEXT = "text/plain"
EVENTS = "text/event-stream"
FORM = "multipart/form-data"

View = Callable[..., Any]


@dataclass(frozen=True)
class Answer:
    """One status: what it says, and its body by media type."""

    description: str
    content: Mapping[str, Schema] = field(default_factory=dict)
    headers: tuple[str, ...] = ()  # names in pollweb.reference.HEADERS


@dataclass(frozen=True)
class Operation:
    """One method of one address.

    `refuses` are the statuses, beside those of every address, with which it may answer; what they mean stands in
    docs/api.md. `limited` is for what is made for a caller: it may bring a token, stands in line, and is told about.
    """

    tag: str
    summary: str
    description: str = ""
    query: Fields = field(default_factory=dict)
    path: Fields = field(default_factory=dict)
    headers: tuple[str, ...] = ()
    body: Mapping[str, Schema] = field(default_factory=dict)
    body_required: bool = True
    answers: Mapping[int, Answer] = field(default_factory=dict)
    refuses: tuple[int, ...] = ()
    limited: bool = False
    problem: Schema | None = None  # a shape of errors that the protocol itself has, beside the face's
    examples: Mapping[str, Any] = field(default_factory=dict)  # of path parameters and of the JSON body ("body")


Operations = Mapping[View, Mapping[str, Operation]]
