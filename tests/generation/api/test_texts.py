"""The text face over the whole application."""

import json

import pytest
from asgiref.sync import sync_to_async

from generation import catalogue, records
from generation.errors import ProviderError
from generation.models import Generation
from pollweb import config

ASK = {"messages": [{"role": "user", "content": "Hello?"}]}


@pytest.fixture(autouse=True, params=["relay", "work"])
def lane(request, settings):
    """Everything holds in both lanes: answered by the web process itself, or by a worker."""
    design = settings.DESIGN.model_dump(by_alias=True)
    for card in design["models"]["text"].values():
        card["lane"] = request.param
    settings.DESIGN = config.parse(design)
    catalogue.forget()
    yield request.param
    catalogue.forget()


async def stored() -> Generation:
    """The one row, once the records of relayed answers are stored."""
    await sync_to_async(records.drain)()
    return await sync_to_async(Generation.objects.get)()


def frames(body: str) -> list[str]:
    assert body.endswith("\n\n")
    parts = body.strip().split("\n\n")
    assert all(part.startswith("data: ") for part in parts)
    return [part.removeprefix("data: ") for part in parts]


async def test_an_answer_is_plain_text(client):
    answer = await client.get("/text/What%20is%20it%3F")
    assert (answer.status_code, answer.text) == (200, "Hello")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-visibility"] == "public"
    assert (await client.get("/text/What%20is%20it%3F")).headers["x-cache"] == "HIT"


async def test_inner_slashes_belong_to_the_prompt(client, working):
    await client.get("/a/b", headers={"host": "text.localhost:8000"})
    assert working.calls[0].prompt == "a/b"


async def test_parameters_reach_the_model_within_their_ranges(client, working):
    await client.get("/text/x?temperature=9&top_p=-1&presence_penalty=1.5&seed=5&system=Be%20kind")
    request = working.calls[0]
    assert request.options == {"temperature": 3.0, "top_p": 0.0, "presence_penalty": 1.5, "seed": 5}
    assert request.messages[0] == {"role": "system", "content": "Be kind"}


@pytest.mark.parametrize("name", ["temperature", "top_p", "frequency_penalty"])
async def test_a_parameter_that_is_no_number_is_refused(client, name):
    answer = await client.get(f"/text/x?{name}=warm")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")


async def test_json_mode_asks_the_model_for_json(client, working):
    working.words = ['{"a": ', "1}"]
    answer = await client.get("/text/x?json=true")
    assert (answer.headers["content-type"], json.loads(answer.text)) == ("text/plain; charset=utf-8", {"a": 1})
    request = working.calls[0]
    assert request.options["response_format"] == {"type": "json_object"}
    assert "JSON" in request.messages[0]["content"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/text/x?stream=true", None),
        ("POST", "/text/", {**ASK, "stream": True}),
        ("POST", "/openai", {**ASK, "stream": True}),
        ("POST", "/text/openai/v1/chat/completions", {**ASK, "stream": True}),
        ("POST", "/v1/chat/completions", {**ASK, "stream": True}),
    ],
)
async def test_streams_have_the_same_frames_everywhere(client, method, path, body):
    answer = await client.request(method, path, json=body)
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    *chunks, done = frames(answer.text)
    assert done == "[DONE]"
    chunks = [json.loads(chunk) for chunk in chunks]
    assert [c["choices"][0]["delta"] for c in chunks] == [
        {"role": "assistant", "content": "Hel"},
        {"content": "lo"},
        {},
    ]
    assert [c["choices"][0]["finish_reason"] for c in chunks] == [None, None, "stop"]
    assert {c["object"] for c in chunks} == {"chat.completion.chunk"}
    assert len({c["id"] for c in chunks}) == 1


async def test_a_stream_replayed_from_cache_ends_the_same_way(client):
    await client.post("/openai", json=ASK)
    answer = await client.post("/openai", json={**ASK, "stream": True, "stream_options": {"include_usage": True}})
    assert answer.headers["x-cache"] == "HIT"
    first, finish, usage, done = frames(answer.text)
    assert json.loads(first)["choices"][0]["delta"] == {"role": "assistant", "content": "Hello"}
    assert json.loads(finish)["choices"][0]["finish_reason"] == "stop"
    assert json.loads(usage)["usage"]["total_tokens"] == 9
    assert done == "[DONE]"


async def test_an_error_before_the_first_piece_has_its_status(client, working):
    working.failures = 99
    answer = await client.post("/v1/chat/completions", json={**ASK, "stream": True})
    assert answer.status_code == 502
    assert answer.json()["error"]["code"] == "provider_failed"


async def test_an_error_in_the_middle_is_a_frame_and_no_done(client, working):
    working.error, working.error_after = ProviderError("It broke."), 1
    answer = await client.post("/openai", json={**ASK, "stream": True})
    assert answer.status_code == 200
    first, error = frames(answer.text)
    assert json.loads(first)["choices"][0]["delta"]["content"] == "Hel"
    assert json.loads(error)["error"]["code"] == "provider_failed"


async def test_a_completion_has_openais_shape(client):
    body = (await client.post("/v1/chat/completions", json={"model": "openai", **ASK})).json()
    assert body["object"] == "chat.completion"
    assert body["choices"][0]["message"] == {"role": "assistant", "content": "Hello"}
    assert body["choices"][0]["finish_reason"] == "stop"
    assert body["usage"] == {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
    assert body["id"].startswith("pllns_")


async def test_post_answers_plain_text(client):
    answer = await client.post("/text/", json=ASK)
    assert (answer.text, answer.headers["content-type"]) == ("Hello", "text/plain; charset=utf-8")


async def test_post_without_messages_is_refused(client):
    answer = await client.post("/text/", json={"prompt": "x"})
    assert answer.status_code == 400
    assert answer.json()["error"] == "Invalid messages array"


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"null", b'{"messages": 1}', b'{"messages": []}', b'{"messages": [1]}', b"\xff", b"[" * 5000]
)
async def test_a_body_that_is_none_is_refused(client, body):
    answer = await client.post("/v1/chat/completions", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert set(answer.json()) == {"error", "status", "request_id"}
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


async def test_an_unknown_model_is_404(client):
    answer = await client.get("/text/x?model=nonsense")
    assert (answer.status_code, answer.json()["code"]) == (404, "model_not_found")
    assert answer.json()["error"] == "Model not found: nonsense"


async def test_a_tier_that_is_too_low_is_402(client):
    answer = await client.post("/openai", json={"model": "openai-large", **ASK})
    assert (answer.status_code, answer.json()["code"]) == (402, "tier_too_low")


async def test_an_empty_prompt_is_refused(client):
    answer = await client.get("/text/%20")
    assert (answer.status_code, answer.json()["code"]) == (400, "empty_prompt")


async def test_speech_is_the_text_itself_as_sound(client, working):
    answer = await client.get("/text/Hello%20world?model=openai-audio&voice=nova")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/mpeg")
    assert (working.calls[0].text, working.calls[0].voice) == ("Hello world", "nova")


async def test_an_unknown_voice_is_refused(client):
    answer = await client.get("/text/Hello?model=openai-audio&voice=nobody")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")
    assert "alloy, echo" in answer.json()["error"]


async def test_a_token_in_the_body_is_a_token(client, alice):
    token = alice["Authorization"].split()[1]
    answer = await client.post("/openai", json={"model": "openai-large", **ASK, "token": token})
    assert answer.status_code == 200
    assert token not in str(vars(await stored()))


async def test_two_different_tokens_are_refused(client, alice):
    from pollweb.accounts import tokens
    from pollweb.accounts.models import Team

    other = await sync_to_async(lambda: tokens.create(Team.objects.get()).secret)()
    answer = await client.get(f"/text/x?token={other}", headers=alice)
    assert (answer.status_code, answer.json()["code"]) == (400, "ambiguous_token")


async def test_models_are_listed_in_each_dialect(client):
    models = (await client.get("/text/models")).json()
    assert [m["name"] for m in models][:2] == ["openai", "openai-large"]
    audio = next(m for m in models if m["name"] == "openai-audio")
    assert audio["voices"] == ["alloy", "echo", "fable", "onyx", "nova", "shimmer"]
    assert models[-2]["community"] is True or any(m["community"] for m in models)
    for path in ("/openai/models", "/text/openai/models", "/v1/models"):
        body = (await client.get(path)).json()
        assert body["object"] == "list"
        assert body["data"][0]["id"] == "openai"
    assert (await client.get("/v1/models/flux")).json()["id"] == "flux"
    assert (await client.get("/v1/models/none")).status_code == 404


async def test_private_answers_are_private(client):
    answer = await client.get("/text/secret?private=true")
    assert answer.headers["x-visibility"] == "private"
    assert answer.headers["cache-control"] == "private, no-store"
