"""What an upstream of OpenAI's dialect says goes on as it was said, under our id and the model's public name."""

import contextlib
import json
from collections.abc import Iterator

import pytest

from generation.providers import registry
from generation.providers import upstream as outgoing
from tests.upstream import ScriptedUpstream, serving

ASK = {"model": "openai", "messages": [{"role": "user", "content": "Hi"}]}
WHOLE = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-x-2026",
    "system_fingerprint": "fp_1",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": 'He said "id":"chatcmpl-1".', "annotations": []},
            "logprobs": {"content": []},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7, "prompt_tokens_details": {"cached": 1}},
}


@pytest.fixture
def upstream(client, monkeypatch) -> Iterator[ScriptedUpstream]:
    """The scripted upstream in the place of the scripted provider."""
    with contextlib.contextmanager(serving)() as scripted:
        made = registry.build("gpu", {"kind": "openai", "base_url": f"{scripted.url}/v1"})
        monkeypatch.setattr(registry, "provider", lambda name: made)
        yield scripted


@pytest.fixture(autouse=True)
async def _closed():
    yield
    await outgoing.close()


def play(upstream, tmp_path, body: dict, form=lambda body: json.dumps(body)) -> None:
    upstream.plays = tmp_path / "answer.json"
    upstream.plays.write_text(form(body))


@pytest.mark.parametrize("form", [json.dumps, lambda body: json.dumps(body, separators=(",", ":"))])
async def test_a_whole_answer_keeps_what_we_do_not_know(client, upstream, tmp_path, form):
    play(upstream, tmp_path, WHOLE, form)
    answer = (await client.post("/openai", json=ASK)).json()
    assert answer.pop("id").startswith("pllns_")
    assert answer == {name: value for name, value in (WHOLE | {"model": "openai"}).items() if name != "id"}


async def test_the_next_asker_gets_the_same_words_from_the_cache(client, upstream, tmp_path):
    play(upstream, tmp_path, WHOLE)
    first = await client.post("/openai", json=ASK)
    again = await client.post("/openai", json=ASK)
    assert (first.headers["x-cache"], again.headers["x-cache"]) == ("MISS", "HIT")
    for field in ("id", "model"):
        assert again.json()[field] == first.json()[field]
    assert again.json()["choices"][0]["message"]["content"] == WHOLE["choices"][0]["message"]["content"]


async def test_an_answer_with_two_choices_is_written_anew(client, upstream, tmp_path):
    play(upstream, tmp_path, {**WHOLE, "choices": WHOLE["choices"] * 2})
    assert len((await client.post("/openai", json=ASK)).json()["choices"]) == 1


def chunk(content: str, **more) -> dict:
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": None}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **more}


def frames(text: str) -> list:
    return [json.loads(line[6:]) for line in text.split("\n\n") if line.startswith("data: {")]


async def test_a_stream_has_one_id_one_name_and_what_the_upstream_adds(client, upstream):
    end = {"id": "c", "model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    upstream.chunks = [chunk("a"), chunk("b", extra=1), {**chunk("c"), "id": "other"}, end]
    answer = await client.post("/openai", json={**ASK, "stream": True})
    told = frames(answer.text)
    assert {frame["model"] for frame in told} == {"openai"}
    assert len({frame["id"] for frame in told}) == 1
    assert [frame["choices"][0]["delta"].get("content") for frame in told] == ["a", "b", "c", None]
    assert told[0]["choices"][0]["delta"]["role"] == "assistant"
    assert told[1]["extra"] == 1
    assert answer.text.endswith("data: [DONE]\n\n")
    assert [frame["choices"][0]["finish_reason"] for frame in told] == [None, None, None, "stop"]


@pytest.mark.parametrize("fault", ["error_frame=500", "garbage", "empty", "stall"])
async def test_what_goes_wrong_before_the_first_word_is_a_status(client, upstream, fault, monkeypatch):
    monkeypatch.setattr("generation.attempts.MOST", 1)
    monkeypatch.setattr(registry.provider("x").upstream, "first_byte", 0.2)
    upstream.always = fault
    answer = await client.post("/openai", json={**ASK, "stream": True})
    assert answer.status_code in (502, 503, 504)
    assert upstream.open <= 1


@pytest.mark.parametrize("fault", ["error_later", "garbage_later", "early"])
async def test_what_goes_wrong_later_is_one_frame_and_no_done(client, upstream, fault):
    upstream.always = fault
    answer = await client.post("/openai", json={**ASK, "stream": True})
    told = frames(answer.text)
    assert answer.status_code == 200
    assert "error" in told[-1]
    assert "[DONE]" not in answer.text
    assert "secret12345678" not in answer.text
