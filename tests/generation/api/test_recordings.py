"""The server still answers as in tests/wire/pollweb, which clients of ours are tested against."""

import pytest

from generation.errors import ProviderError
from pollweb.accounts.errors import LineFull
from tests import recordings
from tests.generation import sounds

ASK = {"messages": [{"role": "user", "content": "Hello?"}]}
CALL = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Tokyo"}'}}
WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}


@pytest.fixture
def answers_as(client):
    """`await answers_as(name, method, path, **more)`: what comes is what was recorded under the name."""

    async def ask(name: str, method: str, path: str, **more: object) -> None:
        answer = await client.request(method, path, headers={"Origin": "https://app.example"}, **more)
        recordings.compare(name, answer.status_code, answer.headers, answer.content)

    return ask


@pytest.mark.parametrize(
    ("name", "method", "path", "body"),
    [
        ("image", "GET", "/image/prompt/three%20boats?width=64&height=64&seed=7", None),
        ("chat", "POST", "/text/openai", ASK),
        ("chat_stream", "POST", "/text/openai", {**ASK, "stream": True}),
        ("speech", "POST", "/v1/audio/speech", {"model": "openai-audio", "input": "Hello", "voice": "nova"}),
        ("speech_text", "POST", "/text/", {"model": "openai-audio", "voice": "nova", **ASK}),
        ("models_image", "GET", "/image/models", None),
        ("models_text", "GET", "/text/models", None),
        ("error_image", "GET", "/image/prompt/x?width=0", None),
        ("error_text", "POST", "/text/openai", {**ASK, "model": "nobody"}),
        ("error_v1", "POST", "/v1/audio/speech", {"model": "openai-audio", "input": "Hello", "voice": "nobody"}),
    ],
)
async def test_an_answer_is_as_recorded(name, method, path, body, answers_as):
    await answers_as(name, method, path, json=body)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_call_of_a_function_is_as_recorded(stream, answers_as, working):
    pieces = [{**CALL, "index": 0, "function": {"name": "get_weather", "arguments": ""}}]
    rest = [{"index": 0, "function": {"arguments": part}} for part in ('{"city":', '"Tokyo"}')]
    working.deltas = [{"tool_calls": [piece]} for piece in pieces + rest]
    working.message = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    body = {**ASK, "tools": [WEATHER], **({"stream": True} if stream else {})}
    await answers_as("tools_stream" if stream else "tools", "POST", "/text/openai", json=body)


async def test_an_error_in_the_middle_is_as_recorded(answers_as, working):
    working.error, working.error_after = ProviderError("It broke."), 1
    await answers_as("error_in_stream", "POST", "/text/openai", json={**ASK, "stream": True})


async def test_too_many_requests_are_as_recorded(answers_as, working, monkeypatch):
    from generation import intake

    def full(*given: object, **more: object) -> None:
        raise LineFull("Too many of your requests are waiting; try again when one has ended.", retry_after=12)

    monkeypatch.setattr(intake, "generate", full)
    await answers_as("error_full", "POST", "/text/openai", json=ASK)


@pytest.mark.parametrize("stream", ["false", "true"])
async def test_a_transcript_is_as_recorded(stream, answers_as, working):
    working.words = ["Good ", "morning."]
    await answers_as(
        "transcript_stream" if stream == "true" else "transcript",
        "POST",
        "/v1/audio/transcriptions",
        files={"file": ("hello.wav", sounds.sound_file("wav"), "audio/wav")},
        data={"model": "whisper-1", "stream": stream},
    )
