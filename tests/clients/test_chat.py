"""Chat, streams and tools through the clients that people use."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from openai import OpenAI

if TYPE_CHECKING:
    from langchain_openai import ChatOpenAI

FRANCE = "What is the capital of France?"
TOKYO = "What is the weather in Tokyo?"
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city now",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def test_openai_chats(openai: OpenAI) -> None:
    answer = openai.chat.completions.create(
        model="openai", messages=[{"role": "user", "content": FRANCE}], seed=7, max_tokens=24
    )
    assert "Paris" in (answer.choices[0].message.content or "")
    assert answer.usage
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0


def test_openai_streams_and_counts(openai: OpenAI) -> None:
    chunks = list(
        openai.chat.completions.create(
            model="openai",
            messages=[{"role": "user", "content": "Count from one to ten."}],
            max_tokens=24,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    pieces = [choice.delta.content for chunk in chunks for choice in chunk.choices if choice.delta.content]
    assert len(pieces) > 3
    assert chunks[-1].usage
    assert chunks[-1].usage.completion_tokens > 3


def test_openai_comes_through_a_tool_conversation(openai: OpenAI) -> None:
    messages: list[Any] = [{"role": "user", "content": TOKYO}]
    asked = openai.chat.completions.create(
        model="openai", messages=messages, tools=[WEATHER], tool_choice="required", seed=7
    )
    [call] = asked.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert (asked.choices[0].finish_reason, call.function.name) == ("tool_calls", "get_weather")
    assert "Tokyo" in call.function.arguments
    messages += [
        asked.choices[0].message,
        {"role": "tool", "tool_call_id": call.id, "content": "Rain, 15 degrees"},
    ]
    told = openai.chat.completions.create(model="openai", messages=messages, tools=[WEATHER], seed=7, max_tokens=48)
    assert told.choices[0].message.content
    assert "15" in told.choices[0].message.content or "rain" in told.choices[0].message.content.lower()


def test_openai_reads_the_models(openai: OpenAI) -> None:
    assert {"openai", "flux", "openai-audio"} <= {model.id for model in openai.models.list()}
    assert openai.models.retrieve("openai").id == "openai"


def test_langchain_chats(langchain: "Callable[..., ChatOpenAI]") -> None:
    answer = langchain(max_tokens=24).invoke(FRANCE)
    assert "Paris" in answer.text
    assert answer.usage_metadata
    assert answer.usage_metadata["output_tokens"] > 0


def test_langchain_streams(langchain: "Callable[..., ChatOpenAI]") -> None:
    pieces = [chunk.text for chunk in langchain(max_tokens=24).stream("Count from one to nine.") if chunk.text]
    assert len(pieces) > 3


def test_langchain_comes_through_a_tool_conversation(langchain: "Callable[..., ChatOpenAI]") -> None:
    from langchain_core.messages import HumanMessage, ToolMessage
    from langchain_core.tools import tool

    @tool
    def get_weather(city: str) -> str:
        """The weather in a city now"""
        return f"Rain in {city}, 15 degrees"

    question = HumanMessage(TOKYO)
    asked = langchain().bind_tools([get_weather], tool_choice="required").invoke([question])
    [call] = asked.tool_calls
    assert call["name"] == "get_weather"
    assert "Tokyo" in call["args"]["city"]
    result = ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"])
    told = langchain(max_tokens=48).invoke([question, asked, result])
    assert "15" in told.text or "rain" in told.text.lower()


def test_javascript_does_the_same(node: Callable[..., None]) -> None:
    node("chat.test.js")
