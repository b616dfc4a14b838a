"""The operator's paragraph after some answers."""

import json

import pytest

from generation import catalogue
from generation.links import addition
from generation.models import Generation
from generation.requests import ChatRequest, SpeechRequest, store
from pollweb import config
from tests.generation.api.conftest import alice, client  # noqa: F401

ASK = {"messages": [{"role": "user", "content": "Hello?"}]}
TEXT = "Made with [pollweb](https://example.org)"


@pytest.fixture(autouse=True)
def links(settings):
    """Set the operator's table; after every answer but those of upper tiers unless told otherwise."""

    def set(**values) -> None:
        design = settings.DESIGN.model_dump(by_alias=True)
        design["links"] = {"text": TEXT, "share": 1, "exempt": ["nectar"], **values}
        settings.DESIGN = config.parse(design)

    set()
    yield set
    catalogue.forget()


def row(request=None, **message) -> Generation:
    request = request or ChatRequest(model="openai", messages=tuple(ASK["messages"]))
    return Generation(params=store(request), message={"role": "assistant", "content": "Hello", **message})


def test_it_follows_the_answer_after_a_blank_line():
    assert addition(row(), "anonymous") == f"\n\n{TEXT}"


def test_it_is_off_without_a_text(links):
    links(text="")
    assert addition(row(), "anonymous") == ""


def test_a_share_of_the_answers_gets_it_and_always_the_same_ones(links):
    links(share=0.25)
    rows = [row() for _ in range(400)]
    chosen = [bool(addition(each, "anonymous")) for each in rows]
    assert 50 < sum(chosen) < 150
    assert [bool(addition(each, "anonymous")) for each in rows] == chosen


@pytest.mark.parametrize(
    "spared",
    [
        lambda: row(ChatRequest(model="x", options={"response_format": {"type": "json_object"}})),
        lambda: row(ChatRequest(model="x", options={"tools": [{"type": "function", "function": {"name": "f"}}]})),
        lambda: row(ChatRequest(model="x", messages=({"role": "user", "content": f"Who says {TEXT}?"},))),
        lambda: row(SpeechRequest(model="x", text="Hello")),
        lambda: row(content=None),
        lambda: row(audio={"data": ""}),
        lambda: row(content=f"I am {TEXT}"),
    ],
)
def test_json_tools_sound_and_those_who_have_it_are_spared(spared):
    assert addition(spared(), "anonymous") == ""


async def test_every_door_of_plain_answers_adds_it(client, working):  # noqa: F811
    assert (await client.get("/text/x")).text == f"Hello\n\n{TEXT}"
    assert (await client.post("/text/", json=ASK)).text == f"Hello\n\n{TEXT}"
    whole = await client.post("/openai", json=ASK)
    assert whole.json()["choices"][0]["message"]["content"] == f"Hello\n\n{TEXT}"
    assert (await client.get("/text/x?json=true")).status_code == 502  # "Hello" is no JSON, with or without


async def test_a_stream_has_it_as_one_more_chunk_before_the_end(client, working):  # noqa: F811
    answer = await client.post("/openai", json={**ASK, "stream": True})
    chunks = [json.loads(frame[6:]) for frame in answer.text.strip().split("\n\n")[:-1]]
    assert [chunk["choices"][0]["delta"].get("content") for chunk in chunks] == ["Hel", "lo", f"\n\n{TEXT}", None]
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


async def test_exempt_tiers_never_see_it(client, alice, working):  # noqa: F811
    assert (await client.get("/text/x")).text != "Hello"
    cached = await client.get("/text/x", headers=alice)
    assert (cached.text, cached.headers["x-cache"]) == ("Hello", "HIT")
