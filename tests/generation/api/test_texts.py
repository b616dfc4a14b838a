"""The text face over the whole application."""

import json
import time
from urllib.parse import quote

import pytest
from asgiref.sync import sync_to_async

from feeds.models import Outbox
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


@pytest.mark.parametrize(
    "prompt", ["a/b/c", "line\nbreak", "100% sure?", "a+b", "#tag", "../../etc", "红色的船", "🦊", "a%20b", "a&b=c"]
)
async def test_a_prompt_arrives_as_it_was_written(client, working, prompt):
    answer = await client.get(f"/text/{quote(prompt, safe='')}")
    assert answer.status_code == 200
    assert working.calls[0].prompt == prompt


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
    assert "system_fingerprint" not in body
    assert 0 <= time.time() - body["created"] < 60  # seconds, not milliseconds
    assert body["choices"][0]["logprobs"] is None


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


async def test_a_private_chat_is_its_own_askers(client, alice, working):
    for headers, told in (({}, "MISS"), ({}, "HIT"), (alice, "MISS")):
        answer = await client.post("/openai", json={**ASK, "private": True}, headers=headers)
        assert (answer.headers["x-visibility"], answer.headers["x-cache"]) == ("private", told)
        assert "no-store" in answer.headers["cache-control"]
    assert (await client.post("/openai", json=ASK)).headers["x-cache"] == "MISS"
    await sync_to_async(records.drain)()
    assert await sync_to_async(Outbox.objects.count)() == 1
    assert len(working.calls) == 3


async def test_private_answers_are_private(client):
    answer = await client.get("/text/secret?private=true")
    assert answer.headers["x-visibility"] == "private"
    assert answer.headers["cache-control"] == "private, no-store"


async def test_json_in_a_fence_is_unwrapped(client, working):
    working.words = ["Here it is:\n```json\n", '{"a": 1}', "\n```"]
    assert (await client.get("/text/x?json=true")).text == '{"a": 1}'
    assert len(working.calls) == 1


async def test_json_that_cannot_be_mended_is_asked_for_once_more(client, working):
    working.words, working.later = ["I would rather not."], [['{"a": 2}']]
    answer = await client.post("/openai", json={**ASK, "jsonMode": True})
    assert answer.json()["choices"][0]["message"]["content"] == '{"a": 2}'
    assert answer.json()["usage"]["prompt_tokens"] == 14
    assert working.calls[1].messages[-2] == {"role": "assistant", "content": "I would rather not."}


async def test_json_that_never_comes_is_an_error(client, working):
    working.words = ["I would rather not."]
    answer = await client.post("/v1/chat/completions", json={**ASK, "response_format": {"type": "json_object"}})
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "invalid_json")
    assert len(working.calls) == 2


async def test_a_stream_of_json_passes_pieces_on_and_closes_what_is_open(client, working):
    working.words = ['{"a": ', "[1, 2"]
    answer = await client.post("/openai", json={**ASK, "jsonMode": True, "stream": True})
    *chunks, finish, done = frames(answer.text)
    assert [json.loads(chunk)["choices"][0]["delta"]["content"] for chunk in chunks] == ['{"a": ', "[1, 2", "]}"]
    assert (json.loads(finish)["choices"][0]["finish_reason"], done) == ("stop", "[DONE]")


async def test_a_stream_that_turns_out_to_be_no_json_ends_with_an_error(client, working):
    working.words = ["Well, ", "no."]
    answer = await client.get("/text/x?json=true&stream=true")
    *chunks, error = frames(answer.text)
    assert len(chunks) == 2
    assert json.loads(error)["error"]["code"] == "invalid_json"
    assert len(working.calls) == 1


async def test_an_answer_that_calls_a_tool_need_not_be_json(client, working):
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    working.message = {"role": "assistant", "content": None, "tool_calls": [call]}
    answer = await client.post("/text/", json={**ASK, "jsonMode": True})
    assert answer.json() == working.message
    assert answer.headers["content-type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(
    ("given", "meant"),
    [("Be%2520kind", "Be kind"), ("Be%20kind", "Be kind"), ("50%2525%20sure", "50%25 sure"), ("%25ff", "%ff")],
)
async def test_a_system_message_that_was_encoded_twice_is_understood(client, working, given, meant):
    await client.get(f"/text/x?system={given}")
    assert working.calls[0].messages[0] == {"role": "system", "content": meant}


@pytest.mark.parametrize(
    ("body", "mode"), [({"jsonMode": "false"}, False), ({"jsonMode": 1}, True), ({"json": 1}, False)]
)
async def test_json_mode_follows_each_name_s_rule(client, working, body, mode):
    working.words = ["{}"]
    await client.post("/text/", json={**ASK, **body})
    assert working.calls[0].json_mode is mode


async def test_more_than_one_choice_is_refused(client):
    assert (await client.post("/openai", json={**ASK, "n": 1})).status_code == 200
    answer = await client.post("/openai", json={**ASK, "n": 2})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")


async def test_fields_unknown_here_are_kept_for_upstreams_and_decide_the_result(client, working):
    body = {**ASK, "top_k": 5, "logit_bias": {"1": 2}, "contextual": True, "user": None, "reasoning_effort": "low"}
    await client.post("/openai?token=x&foo=1", json={**body, "token": "y"})
    assert working.calls[0].options == {"reasoning_effort": "low", "extra": {"top_k": 5, "logit_bias": {"1": 2}}}
    assert (await client.post("/openai", json={**body, "top_k": 6})).headers["x-cache"] == "MISS"
    assert (await client.post("/openai", json={**body, "cache": "x"})).headers["x-cache"] == "HIT"


async def test_fields_unknown_here_are_not_told_to_strangers(client):
    from feeds.models import Outbox

    await client.post("/text/", json={**ASK, "user": "alice@example.org", "temperature": 1})
    await stored()
    told = await sync_to_async(lambda: str(Outbox.objects.values().get()))()
    assert "temperature" in told
    assert "alice@example.org" not in told


async def test_too_many_unknown_fields_are_refused(client):
    answer = await client.post("/openai", json={**ASK, "metadata": {"x": "y" * 70_000}})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")


@pytest.mark.parametrize(
    "wrong",
    [
        {"tools": [{"type": "function", "function": {}}]},
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": []}}], "tool_choice": "any"},
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"required": 5}}}]},
        {"tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": {"function": {"name": "g"}}},
        {"response_format": {"type": "json_schema", "json_schema": "x"}},
        {"response_format": {"type": ["json_object"]}},
        {"stop": 5},
        {"max_tokens": 0},
        {"messages": [{"role": "assistant", "content": None, "tool_calls": 5}]},
        {"messages": [{"role": "user", "content": [5]}]},
        {"messages": [{"role": ["user"], "content": "x"}]},
        {"messages": [{"role": "user", "content": "x", "name": 5}]},
    ],
)
async def test_what_no_model_could_read_is_refused(client, working, wrong):
    answer = await client.post("/openai", json={**ASK, **wrong})
    assert answer.status_code == 400
    assert working.calls == []


async def test_content_may_be_null_and_roles_are_everybody_s(client, working):
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"content": "Hello?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "5"},
        {"role": "function", "name": "f", "content": None},
    ]
    answer = await client.post("/openai", json={"messages": messages})
    assert (answer.status_code, answer.headers["x-visibility"]) == (200, "private")
    heard = working.calls[0].messages
    assert [m["role"] for m in heard] == ["developer", "user", "assistant", "tool", "function"]
    assert [m["content"] for m in heard] == ["Be brief.", "Hello?", None, "5", ""]


async def test_tool_calls_stream_as_deltas_with_their_index(client, working):
    begun = {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}
    working.deltas = [{"tool_calls": [begun]}, {"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}]
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    working.message = {"role": "assistant", "content": None, "tool_calls": [call]}
    tools = [{"type": "function", "function": {"name": "f"}}]
    first = await client.post("/openai", json={**ASK, "tools": tools, "stream": True})
    deltas = [json.loads(chunk)["choices"][0]["delta"] for chunk in frames(first.text)[:-2]]
    assert deltas == [{"role": "assistant", **working.deltas[0]}, working.deltas[1]]
    again = await client.post("/openai", json={**ASK, "tools": tools, "stream": True})
    [delta] = [json.loads(chunk)["choices"][0]["delta"] for chunk in frames(again.text)[:-2]]
    assert delta == {"role": "assistant", "tool_calls": [{"index": 0, **call}]}


@pytest.mark.parametrize("stream", ["false", "0", "no", False, 0, None])
async def test_no_stream_is_no_stream_however_it_is_said(client, stream):
    answer = await client.post("/openai/", json={**ASK, "stream": stream})
    assert answer.json()["object"] == "chat.completion"


async def test_only_post_completes(client):
    for path in ("/openai", "/openai/", "/text/openai/chat/completions", "/v1/chat/completions"):
        answer = await client.get(path)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_an_alias_answers_and_the_name_is_told(client):
    answer = await client.post("/openai", json={**ASK, "model": "gpt-4o-mini"})
    assert answer.json()["model"] == "openai"
    assert (await client.get("/text/x?model=gpt")).status_code == 404


async def test_looking_makes_nothing(client, working):
    for method, path in (("HEAD", "/text/x"), ("OPTIONS", "/text/x"), ("OPTIONS", "/openai"), ("HEAD", "/openai")):
        assert (await client.request(method, path)).status_code in (200, 204, 405)
    assert working.calls == []


async def test_values_that_are_null_are_not_given(client, working):
    nothing = dict.fromkeys(("temperature", "stop", "tools", "tool_choice", "response_format", "n", "logprobs", "user"))
    await client.post("/openai", json={**ASK, **nothing, "seed": 0})
    assert working.calls[0].options == {}
