"""The provider for the guide's own services."""

import base64

import pytest

from generation.providers import registry
from generation.providers.base import Provider
from generation.requests import ChatRequest, ImageRequest, SpeechRequest, TranscriptionRequest
from tests.generation.providers.contract import RemoteContract, failure, pieces
from tests.generation.providers.test_openai import TIMES
from tests.upstream import ScriptedUpstream, sound


@pytest.fixture
def provider(upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch) -> Provider:
    monkeypatch.setenv("FLOWER", "the-token")
    addresses = {"image_url": upstream.url, "text_url": upstream.url, "token_env": "FLOWER", "referrer": "our.site"}
    return registry.build("polly", {"kind": "pollinations", **addresses, **TIMES})


class TestContract(RemoteContract):
    models = {"image": "flux", "text": "openai", "audio": "openai-audio"}


async def test_a_picture_is_asked_for_with_all_that_was_wished(provider, upstream):
    wish = ImageRequest(model="x", text="a fox", width=80, height=48, seed=5, private=True, guidance_scale=2.5)
    await pieces(provider, wish, "flux")
    (call,) = upstream.calls
    assert call.path == "/prompt/a fox"
    assert call.query == {
        "model": "flux",
        "seed": "5",
        "width": "80",
        "height": "48",
        "nologo": "true",
        "private": "true",
        "guidance_scale": "2.5",
        "referrer": "our.site",
    }
    assert call.headers["authorization"] == "Bearer the-token"


@pytest.mark.parametrize(
    "prompt", ["a/b", "50% off?", "a#b+c&d=e", "ümläut 狐狸 🦊", "one\ntwo", "%2F", "..", "a/../b", "."]
)
async def test_a_prompt_arrives_as_it_was_written(provider, upstream, prompt):
    await pieces(provider, ImageRequest(model="x", text=prompt, width=64, height=64), "flux")
    assert upstream.calls[0].path.removeprefix("/prompt/").rstrip(" ") == prompt


async def test_an_upstream_with_sizes_of_its_own_gives_the_size_that_was_asked(provider, upstream):
    upstream.picture_size = (100, 100)
    (result,) = await pieces(provider, ImageRequest(model="x", text="a fox", width=96, height=32), "flux")
    assert (result.width, result.height) == (96, 32)


async def test_chat_goes_to_the_openai_endpoint_with_our_manners(provider, upstream):
    wish = ChatRequest(model="x", messages=({"role": "user", "content": "Hi"},), private=True)
    heard = await pieces(provider, wish, "openai")
    assert heard[-1].message["content"] == "Hello there"
    (call,) = upstream.calls
    assert (call.path, call.body["referrer"], call.body["private"], call.body["stream"]) == (
        "/openai",
        "our.site",
        True,
        True,
    )


async def test_a_short_text_is_read_by_get_and_a_long_one_by_post(provider, upstream):
    await pieces(provider, SpeechRequest(model="x", text="Hello", voice="nova"), "openai-audio")
    await pieces(provider, SpeechRequest(model="x", text="好" * 1000, voice="nova"), "openai-audio")
    short, long = upstream.calls
    assert (short.method, short.path, short.query["voice"], short.query["model"]) == (
        "GET",
        "/Hello",
        "nova",
        "openai-audio",
    )
    assert (long.method, long.path, long.body["voice"]) == ("POST", "/", "nova")
    assert long.body["messages"] == [{"role": "user", "content": "好" * 1000}]


@pytest.mark.parametrize("format", ["wav", "opus", "flac", "aac", "pcm"])
async def test_speech_comes_in_the_format_that_was_asked(provider, upstream, format):
    from generation import audio

    (result,) = await pieces(provider, SpeechRequest(model="x", text="Hello", format=format), "openai-audio")
    assert audio.sniff(result.data) == format
    assert result.duration == pytest.approx(0.2, abs=0.15)


async def test_pictures_that_were_brought_along_are_refused_not_ignored(provider, upstream):
    wish = ImageRequest(model="x", text="a hat", images=("digest",), pictures=(b"x",))
    error = await failure(provider, wish)
    assert (error.status, error.code) == (400, "unsupported")
    assert not upstream.calls


async def test_pictures_are_lent_by_address_and_kept_off_its_feed(provider, upstream):
    lent = ("https://our.site/media/a/input-0?signature=x", "https://our.site/media/a/input-1?signature=y")
    wish = ImageRequest(
        model="x", text="a cake", width=64, height=64, images=("d1", "d2"), pictures=(b"1", b"2"), addresses=lent
    )
    await pieces(provider, wish, "kontext")
    (call,) = upstream.calls
    assert (call.query["image"], call.query["private"]) == (",".join(lent), "true")


async def test_a_recording_is_written_down_by_way_of_a_chat(provider, upstream):
    recording = sound("wav")
    heard = await pieces(
        provider, TranscriptionRequest(model="x", data=recording, language="fr", hint="Pollweb"), "openai-audio"
    )
    assert heard[-1].message["content"] == "Hello there"
    assert heard[-1].duration == pytest.approx(0.2, abs=0.01)
    (call,) = upstream.calls
    asked, given = call.body["messages"][0]["content"]
    assert (call.path, call.body["model"], call.body["private"]) == ("/openai", "openai-audio", True)
    assert "fr" in asked["text"]
    assert "Pollweb" in asked["text"]
    assert base64.b64decode(given["input_audio"]["data"]) == recording
    assert given["input_audio"]["format"] == "wav"


async def test_a_recording_that_it_does_not_take_is_sent_as_mp3(provider, upstream):
    await pieces(provider, TranscriptionRequest(model="x", data=sound("flac", 1.0)), "openai-audio")
    given = upstream.calls[0].body["messages"][0]["content"][1]["input_audio"]
    assert given["format"] == "mp3"
    assert base64.b64decode(given["data"])[:3] == b"ID3"


async def test_a_recording_that_is_none_is_refused_before_anything_is_asked(provider, upstream):
    wish = TranscriptionRequest(model="x", data=b"OggS but nothing else")
    assert (await failure(provider, wish)).code == "input_not_readable"
    assert not upstream.calls
