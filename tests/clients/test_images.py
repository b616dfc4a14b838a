"""Pictures through the clients that people use."""

import base64
import io
from collections.abc import Callable

from openai import OpenAI
from PIL import Image


def size_of(encoded: str | None) -> tuple[int, int]:
    with Image.open(io.BytesIO(base64.b64decode(encoded or ""))) as image:
        image.load()
        return image.size


def test_openai_paints_two_pictures(openai: OpenAI) -> None:
    made = openai.images.generate(model="flux", prompt="a red boat", n=2, size="512x512", response_format="b64_json")
    assert made.data
    assert [size_of(each.b64_json) for each in made.data] == [(512, 512)] * 2
    assert made.data[0].b64_json != made.data[1].b64_json


def test_openai_edits_a_picture(openai: OpenAI, picture: bytes) -> None:
    made = openai.images.edit(
        model="kontext", image=("disc.png", picture, "image/png"), prompt="make it grey", response_format="b64_json"
    )
    assert made.data
    with Image.open(io.BytesIO(base64.b64decode(made.data[0].b64_json or ""))) as image:
        red, green, blue = image.convert("RGB").resize((1, 1)).getpixel((0, 0))  # type: ignore[misc]
    assert max(red, green, blue) - min(red, green, blue) < 12


def test_javascript_does_the_same(node: Callable[..., None]) -> None:
    node("images.test.js")
