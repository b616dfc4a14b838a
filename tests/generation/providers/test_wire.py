"""Answers in the shapes of well-known services (tests/wire), read."""

import pytest

from generation.errors import ProviderError
from generation.providers import registry
from generation.requests import ChatRequest
from generation.results import Result, Usage
from tests.generation.providers.contract import failure, pieces
from tests.upstream import WIRE

WISH = ChatRequest(model="x", messages=({"role": "user", "content": "Hi"},))
OSLO = [{"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Oslo"}'}}]


@pytest.fixture
def provider(upstream, request):
    name = request.node.callspec.params["name"]
    upstream.plays = WIRE / name
    if name.startswith("pollinations/"):
        return registry.build("up", {"kind": "pollinations", "image_url": upstream.url, "text_url": upstream.url})
    return registry.build("up", {"kind": "openai", "base_url": f"{upstream.url}/v1"})


async def read(provider) -> Result:
    return (await pieces(provider, WISH))[-1]


@pytest.mark.parametrize(
    ("name", "message", "finish", "usage"),
    [
        ("openai/chat.sse", {"content": "Paris."}, "stop", Usage(14, 2)),
        ("openai/chat.json", {"content": "Paris."}, "stop", Usage(14, 2)),
        ("openai/tools.sse", {"content": None, "tool_calls": OSLO}, "tool_calls", Usage()),
        ("openai/azure.sse", {"content": "Hello"}, "stop", Usage()),
        (
            "openai/reasoning.sse",
            {"content": "4", "reasoning_content": "Two and two are four."},
            "stop",
            Usage(9, 12),
        ),
        (
            "openai/ollama_tools.json",
            {"content": None, "tool_calls": [{**OSLO[0], "id": "call_9"}]},
            "tool_calls",
            Usage(20, 8),
        ),
        ("pollinations/chat.sse", {"content": "Hello"}, "stop", Usage()),
        (
            "pollinations/audio.json",
            {
                "content": None,
                "audio": {"id": "audio_1", "data": "SUQz", "expires_at": 1754003600, "transcript": "Hello"},
            },
            "stop",
            Usage(3, 9),
        ),
    ],
)
async def test_it_reads_what_services_send(provider, name, message, finish, usage):
    result = await read(provider)
    assert (result.message, result.finish_reason, result.usage) == ({"role": "assistant", **message}, finish, usage)


@pytest.mark.parametrize("name", ["openai/error.sse"])
async def test_an_error_in_a_stream_is_an_error(provider, name):
    error = await failure(provider, WISH)
    assert isinstance(error, ProviderError)
    assert error.status == 502
