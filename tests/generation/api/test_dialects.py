"""`/v1/responses` and `/v1/messages`, spoken by the official clients."""

import json

import anthropic
import httpx2
import openai
import pytest

from generation.errors import ProviderError
from tests.lane.servers import in_thread

BASE = "http://localhost:8000"
HELLO = [{"role": "user", "content": "Hello?"}]
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Rome"}'}}
CALL_DELTAS = [
    {"content": "Let me look."},
    {"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": "weather", "arguments": ""}}]},
    {"tool_calls": [{"index": 0, "function": {"arguments": '{"city": '}}]},
    {"tool_calls": [{"index": 0, "function": {"arguments": '"Rome"}'}}]},
]
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg=="


@pytest.fixture
def asked(working):
    """The last request as the provider heard it."""
    return lambda: working.calls[-1]


@pytest.fixture
async def openai_client(client):
    return openai.AsyncOpenAI(api_key="dummy", base_url=f"{BASE}/v1", http_client=client, max_retries=0)


@pytest.fixture
async def anthropic_client(client):
    from pollweb.asgi import application

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(application)) as opened:  # this SDK's own HTTP client
        yield anthropic.AsyncAnthropic(api_key="dummy", base_url=BASE, http_client=opened, max_retries=0)


def calls_a_tool(working) -> None:
    working.deltas = CALL_DELTAS
    working.message = {"role": "assistant", "content": "Let me look.", "tool_calls": [CALL]}


# --- /v1/responses ----------------------------------------------------------------------------------------------------


async def test_a_response_answers(openai_client, asked):
    answer = await openai_client.responses.create(
        model="openai", input="Hello?", instructions="Be brief.", temperature=0.5, max_output_tokens=50, store=True
    )
    assert (answer.output_text, answer.status, answer.usage.total_tokens) == ("Hello", "completed", 9)
    assert answer.store is False
    assert asked().options == {"temperature": 0.5, "max_tokens": 50}
    assert [m["role"] for m in asked().messages] == ["system", "user"]


async def test_a_streamed_response_tells_each_step(openai_client):
    async with openai_client.responses.stream(model="openai", input="Hello?") as stream:
        events = [event async for event in stream]
        answer = await stream.get_final_response()
    assert [event.type for event in events] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event.sequence_number for event in events] == list(range(10))
    assert (answer.output_text, answer.usage.output_tokens) == ("Hello", 2)


async def test_a_response_calls_a_function_and_goes_on_with_its_result(openai_client, working, asked):
    calls_a_tool(working)
    tool = {"type": "function", "name": "weather", "parameters": WEATHER, "strict": True}
    items = [{"role": "user", "content": [{"type": "input_text", "text": "Is it hot?"}]}]
    first = await openai_client.responses.create(
        model="openai", input=items, tools=[tool], tool_choice={"type": "function", "name": "weather"}
    )
    [words, call] = first.output
    assert (words.content[0].text, call.name, call.call_id) == ("Let me look.", "weather", "c1")
    assert json.loads(call.arguments) == {"city": "Rome"}
    assert asked().options["tool_choice"] == {"type": "function", "function": {"name": "weather"}}
    assert asked().options["tools"][0]["function"]["parameters"] == WEATHER
    working.reset()
    items += [item.model_dump() for item in first.output]
    items.append({"type": "function_call_output", "call_id": call.call_id, "output": "40 degrees"})
    second = await openai_client.responses.create(model="openai", input=items, tools=[tool])
    assert second.output_text == "Hello"
    assert [m["role"] for m in asked().messages] == ["user", "assistant", "assistant", "tool"]
    assert asked().messages[2]["tool_calls"] == [CALL]
    assert asked().messages[3] == {"role": "tool", "tool_call_id": "c1", "content": "40 degrees"}


async def test_a_streamed_response_tells_a_call_as_it_is_written(openai_client, working):
    calls_a_tool(working)
    tool = {"type": "function", "name": "weather", "parameters": WEATHER}
    async with openai_client.responses.stream(model="openai", input="Is it hot?", tools=[tool]) as stream:
        events = [event async for event in stream]
        answer = await stream.get_final_response()
    told = [event.delta for event in events if event.type == "response.function_call_arguments.delta"]
    assert told == ['{"city": ', '"Rome"}']
    assert [item.type for item in answer.output] == ["message", "function_call"]
    assert answer.output[1].arguments == '{"city": "Rome"}'


async def test_a_response_in_a_schema_s_form(openai_client, working, asked):
    working.words = ['{"city": "Rome"}']
    form = {"type": "json_schema", "name": "place", "schema": WEATHER, "strict": True}
    answer = await openai_client.responses.create(model="openai", input="Where?", text={"format": form})
    assert json.loads(answer.output_text) == {"city": "Rome"}
    described = {"name": "place", "schema": WEATHER, "strict": True}
    assert asked().options["response_format"] == {"type": "json_schema", "json_schema": described}


@pytest.mark.parametrize(
    "wrong",
    [
        {"previous_response_id": "resp_1"},
        {"background": True},
        {"input": []},
        {"input": 5},
        {"input": [{"type": "item_reference", "id": "x"}]},
        {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "x"}]}]},
        {"instructions": 5},
        {"tools": [{"type": "web_search"}]},
        {"tools": 5},
        {"text": {"format": {"type": "grammar"}}},
    ],
)
async def test_a_response_that_cannot_be_made_is_refused(client, working, wrong):
    answer = await client.post("/v1/responses", json={"model": "openai", "input": "Hello?", **wrong})
    assert answer.status_code == 400
    assert set(answer.json()["error"]) >= {"message", "type", "code"}
    assert working.calls == []


async def test_a_response_s_stream_that_breaks_says_so(client, working):
    working.error, working.error_after = ProviderError("It broke."), 1
    answer = await client.post("/v1/responses", json={"input": "Hello?", "stream": True})
    last = answer.text.strip().split("\n\n")[-1]
    assert last.startswith("event: error\n")
    assert json.loads(last.partition("data: ")[2])["code"] == "provider_failed"


# --- /v1/messages -----------------------------------------------------------------------------------------------------


async def test_a_message_answers(anthropic_client, asked):
    answer = await anthropic_client.messages.create(
        model="openai",
        max_tokens=50,
        system=[{"type": "text", "text": "Be brief."}],
        messages=HELLO,
        stop_sequences=["END"],
        extra_body={"top_k": 5},
    )
    assert (answer.content[0].text, answer.stop_reason, answer.role) == ("Hello", "end_turn", "assistant")
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (7, 2)
    assert asked().options == {"max_tokens": 50, "stop": ["END"], "extra": {"top_k": 5}}
    assert asked().messages[0] == {"role": "system", "content": "Be brief."}


async def test_a_streamed_message_tells_each_step(anthropic_client):
    async with anthropic_client.messages.stream(model="openai", max_tokens=50, messages=HELLO) as stream:
        kinds = [event.type async for event in stream if event.type not in ("text", "content_block")]
        answer = await stream.get_final_message()
    assert kinds == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert (answer.content[0].text, answer.stop_reason, answer.usage.output_tokens) == ("Hello", "end_turn", 2)


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_message_uses_a_tool_and_goes_on_with_its_result(anthropic_client, working, asked, streamed):
    calls_a_tool(working)
    asking = {
        "model": "openai",
        "max_tokens": 50,
        "tools": [{"name": "weather", "description": "Tells it.", "input_schema": WEATHER}],
        "tool_choice": {"type": "any"},
    }
    messages = [{"role": "user", "content": "Is it hot?"}]
    if streamed:
        async with anthropic_client.messages.stream(**asking, messages=messages) as stream:
            first = await stream.get_final_message()
    else:
        first = await anthropic_client.messages.create(**asking, messages=messages)
    [words, use] = first.content
    assert (words.text, use.name, use.input, use.id) == ("Let me look.", "weather", {"city": "Rome"}, "c1")
    assert asked().options["tool_choice"] == "required"
    working.reset()
    result = {"type": "tool_result", "tool_use_id": use.id, "content": [{"type": "text", "text": "40 degrees"}]}
    messages += [
        {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in first.content]},
        {"role": "user", "content": [result, {"type": "text", "text": "Well?"}]},
    ]
    second = await anthropic_client.messages.create(**{**asking, "tool_choice": {"type": "auto"}}, messages=messages)
    assert second.content[0].text == "Hello"
    _, assistant, tool, user = asked().messages
    assert assistant["content"] == "Let me look."
    assert json.loads(assistant["tool_calls"][0]["function"]["arguments"]) == {"city": "Rome"}
    assert tool == {"role": "tool", "tool_call_id": "c1", "content": "40 degrees"}
    assert user["content"] == [{"type": "text", "text": "Well?"}]


async def test_a_message_may_carry_a_picture(client, settings, asked):
    from generation import catalogue
    from pollweb import config

    design = settings.DESIGN.model_dump(by_alias=True)
    design["models"]["text"]["openai"]["vision"] = True
    settings.DESIGN = config.parse(design)
    catalogue.forget()
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    body = {"max_tokens": 5, "messages": [{"role": "user", "content": [picture, {"type": "text", "text": "What?"}]}]}
    answer = await client.post("/v1/messages", json=body)
    catalogue.forget()
    assert (answer.status_code, answer.headers["x-visibility"]) == (200, "private")
    assert asked().messages[0]["content"][0]["type"] == "image_url"


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_tokens": None},
        {"messages": 5},
        {"messages": [{"role": "system", "content": "x"}]},
        {"messages": [{"role": "user", "content": [{"type": "document"}]}]},
        {"messages": [{"role": "user", "content": [{"type": "image", "source": {}}]}]},
        {"messages": [{"role": "user", "content": [{"type": "tool_result"}]}]},
        {"messages": [{"role": "assistant", "content": [{"type": "tool_use"}]}]},
        {"tools": [{"type": "bash_20250124", "name": "bash"}]},
        {"tools": [{"name": "f"}], "tool_choice": {"type": "tool", "name": "g"}},
        {"tool_choice": "auto"},
        {"system": 5},
    ],
)
async def test_a_message_that_cannot_be_answered_is_refused(client, working, wrong):
    answer = await client.post("/v1/messages", json={"max_tokens": 5, "messages": HELLO, **wrong})
    body = answer.json()
    assert (answer.status_code, body["type"], body["error"]["type"]) == (400, "error", "invalid_request_error")
    assert working.calls == []


async def test_errors_have_anthropic_s_classes(anthropic_client, working):
    with pytest.raises(anthropic.NotFoundError):
        await anthropic_client.messages.create(model="nonsense", max_tokens=5, messages=HELLO)
    with pytest.raises(anthropic.APIStatusError) as refused:
        await anthropic_client.messages.create(model="openai-large", max_tokens=5, messages=HELLO)
    assert (refused.value.status_code, refused.value.body["error"]["type"]) == (402, "billing_error")
    working.error, working.error_after = ProviderError("It broke."), 1
    with pytest.raises(anthropic.APIStatusError):
        async with anthropic_client.messages.stream(model="openai", max_tokens=5, messages=HELLO) as stream:
            await stream.get_final_message()


async def test_a_token_may_be_an_api_key(client, alice):
    key = alice["Authorization"].removeprefix("Bearer ")
    body = {"model": "openai-large", "max_tokens": 5, "messages": HELLO}
    assert (await client.post("/v1/messages", json=body, headers={"x-api-key": key})).status_code == 200


# --- over a real server -----------------------------------------------------------------------------------------------


def test_both_stream_over_a_real_server(working):
    from pollweb.asgi import application

    with in_thread(application) as port:
        there = openai.OpenAI(api_key="dummy", base_url=f"http://127.0.0.1:{port}/v1", max_retries=0)
        with there.responses.stream(model="openai", input="Hello?") as stream:
            assert stream.get_final_response().output_text == "Hello"
        here = anthropic.Anthropic(api_key="dummy", base_url=f"http://127.0.0.1:{port}", max_retries=0)
        with here.messages.stream(model="openai", max_tokens=5, messages=HELLO) as stream:
            assert "".join(stream.text_stream) == "Hello"
