"""Pictures as input through the clients that people use."""

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING

from openai import OpenAI

if TYPE_CHECKING:
    from langchain_openai import ChatOpenAI

QUESTION = "Which colour has the disc in this picture?"


def address_of(picture: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"


def test_openai_shows_a_picture(openai: OpenAI, picture: bytes) -> None:
    answer = openai.chat.completions.create(
        model="openai",
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": QUESTION},
                    {"type": "image_url", "image_url": {"url": address_of(picture)}},
                ],
            }
        ],
        max_tokens=48,
        seed=7,
    )
    assert "red" in (answer.choices[0].message.content or "").lower()


def test_langchain_shows_a_picture(langchain: "Callable[..., ChatOpenAI]", picture: bytes) -> None:
    from langchain_core.messages import HumanMessage

    shown = {"type": "image", "base64": base64.b64encode(picture).decode(), "mime_type": "image/png"}
    answer = langchain(max_tokens=48).invoke([HumanMessage([{"type": "text", "text": QUESTION}, shown])])
    assert "red" in answer.text.lower()


def test_javascript_does_the_same(node: Callable[..., None], picture: bytes) -> None:
    node("vision.test.js", PICTURE=address_of(picture))
