"""What makes two requests the same: everything that decides their result, and nothing else."""

import dataclasses
import unicodedata
from typing import Any

import pytest

from generation.requests import (
    UNDECISIVE,
    ChatRequest,
    EmbeddingRequest,
    ImageRequest,
    Request,
    SpeechRequest,
    TranscriptionRequest,
)

ALL = (ImageRequest, ChatRequest, SpeechRequest, TranscriptionRequest, EmbeddingRequest)
FIELDS = [(kind, field) for kind in ALL for field in dataclasses.fields(kind)]
DECISIVE = [(k, f) for k, f in FIELDS if f.name not in UNDECISIVE and "unstored" not in f.metadata]
OTHERS = [(k, f) for k, f in FIELDS if (k, f) not in DECISIVE]


def named(pairs: list[Any]) -> list[str]:
    return [f"{kind.__name__}.{field.name}" for kind, field in pairs]


def another(request: Request, name: str) -> Request:
    """The same with another value of this field."""
    value = getattr(request, name)
    if name == "messages":
        new: Any = ({"role": "user", "content": "another"},)
    elif isinstance(value, bool):
        new = not value
    elif isinstance(value, tuple):
        new = (*value, b"another" if name == "pictures" else "another")
    elif isinstance(value, dict):
        new = {**value, "top_p": 0.5}
    elif isinstance(value, bytes):
        new = value + b"another"
    elif isinstance(value, str):
        new = value + " "
    else:
        new = (value or 0) + 1
    return dataclasses.replace(request, **{name: new})


@pytest.mark.parametrize(("kind", "field"), DECISIVE, ids=named(DECISIVE))
def test_a_result_is_of_every_parameter_that_decides_it(kind, field):
    request = kind(model="m")
    assert request.fingerprint("p/m") != another(request, field.name).fingerprint("p/m")


@pytest.mark.parametrize(("kind", "field"), OTHERS, ids=named(OTHERS))
def test_who_may_see_it_and_what_is_only_lent_decide_nothing(kind, field):
    request = kind(model="m")
    assert request.fingerprint("p/m") == another(request, field.name).fingerprint("p/m")


def test_who_makes_it_and_what_it_is_decide_too():
    image, speech = ImageRequest(model="m", text="x"), SpeechRequest(model="m", text="x")
    assert len({image.fingerprint("p/m"), image.fingerprint("p/n"), speech.fingerprint("p/m")}) == 3


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x" * 100_000 + "a", "x" * 100_000 + "b"),
        (unicodedata.normalize("NFC", "é"), unicodedata.normalize("NFD", "é")),
        ("Fox", "fox"),
        ("fox", "fox "),
        ("a\nb", "a b"),
        ("1", "１"),
    ],
    ids=["their ends", "their normal forms", "case", "a space", "a line end", "width"],
)
def test_texts_are_compared_as_they_are_and_to_their_ends(one, other):
    assert ImageRequest(model="m", text=one).fingerprint("p/m") != ImageRequest(model="m", text=other).fingerprint(
        "p/m"
    )


def test_the_order_of_names_decides_nothing_and_the_kind_of_a_value_does():
    def asked(**options: Any) -> str:
        return ChatRequest(model="m", options=options).fingerprint("p/m")

    assert asked(seed=1, top_p=0.5) == asked(top_p=0.5, seed=1)
    assert len({asked(stop="1"), asked(stop=1), asked(stop=["1"]), asked(stop=None), asked()}) == 5
