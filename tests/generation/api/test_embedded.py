"""Conversations with the embedded model through the whole application, in each dialect."""

import json

import anthropic
import httpx2
import openai
import pytest

from generation import catalogue
from generation.providers import registry
from pollweb import config

pytestmark = [pytest.mark.engines, pytest.mark.timeout(240)]

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"name": "get_weather", "description": "Get the current weather in a city", "parameters": CITY}
QUESTION = {"role": "user", "content": "How is the weather in Paris?"}
RESULT = '{"sky": "thunderstorm", "celsius": 31}'


@pytest.fixture(autouse=True)
def embedded(working, settings, model_folder):
    design = settings.DESIGN.model_dump(by_alias=True)
    design["providers"]["embedded"] = {"kind": "local"}
    design["models"]["text"]["openai"]["from"] = [{"provider": "embedded", "model": "chat"}]
    settings.DESIGN, settings.MODEL_FOLDER, settings.ENGINE_THREADS = config.parse(design), model_folder, 2
    catalogue.forget()
    yield
    catalogue.forget()
    registry.provider.cache_clear()


def knows_the_weather(text: str) -> bool:
    return "31" in text or "thunder" in text.lower()


async def test_chat_completions_call_a_function_and_use_its_answer(client):
    asking = openai.AsyncOpenAI(api_key="dummy", base_url="http://localhost:8000/v1", http_client=client)
    tools = [{"type": "function", "function": WEATHER}]
    stream = await asking.chat.completions.create(
        model="openai", messages=[QUESTION], tools=tools, tool_choice="required", stream=True
    )
    deltas = [chunk.choices[0].delta async for chunk in stream]
    parts = [call for delta in deltas for call in delta.tool_calls or ()]
    assert {part.index for part in parts} == {0}
    arguments = "".join(part.function.arguments or "" for part in parts)
    assert "Paris" in json.loads(arguments)["city"]
    call = {"id": parts[0].id, "type": "function", "function": {"name": "get_weather", "arguments": arguments}}
    said = {"role": "assistant", "content": None, "tool_calls": [call]}
    result = {"role": "tool", "tool_call_id": parts[0].id, "content": RESULT}
    answer = await asking.chat.completions.create(model="openai", messages=[QUESTION, said, result], tools=tools)
    assert knows_the_weather(answer.choices[0].message.content)


async def test_responses_call_a_function_and_use_its_answer(client):
    asking = openai.AsyncOpenAI(api_key="dummy", base_url="http://localhost:8000/v1", http_client=client)
    tools = [{"type": "function", **WEATHER}]
    first = await asking.responses.create(model="openai", input=[QUESTION], tools=tools, tool_choice="required")
    [call] = [item for item in first.output if item.type == "function_call"]
    result = {"type": "function_call_output", "call_id": call.call_id, "output": RESULT}
    async with asking.responses.stream(model="openai", input=[QUESTION, call.model_dump(), result]) as stream:
        answer = await stream.get_final_response()
    assert knows_the_weather(answer.output_text)


async def test_messages_use_a_tool_and_its_result():
    from pollweb.asgi import application

    tool = {"name": "get_weather", "description": WEATHER["description"], "input_schema": CITY}
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(application), timeout=60) as opened:
        asking = anthropic.AsyncAnthropic(api_key="dummy", base_url="http://localhost:8000", http_client=opened)
        common = {"model": "openai", "max_tokens": 100}
        first = await asking.messages.create(**common, messages=[QUESTION], tools=[tool], tool_choice={"type": "any"})
        assert first.stop_reason == "tool_use"
        [use] = [block for block in first.content if block.type == "tool_use"]
        assert "Paris" in use.input["city"]
        said = {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": use.id, "name": use.name, "input": use.input}],
        }
        result = {"type": "tool_result", "tool_use_id": use.id, "content": RESULT}
        async with asking.messages.stream(
            **common, messages=[QUESTION, said, {"role": "user", "content": [result]}]
        ) as stream:
            assert knows_the_weather(await stream.get_final_text())


@pytest.mark.parametrize("path", ["/text/Describe%20Paris.?json=true&max_tokens=40&seed=3"])
async def test_json_that_is_cut_off_still_parses(client, path):
    assert isinstance((await client.get(path)).json(), dict)
