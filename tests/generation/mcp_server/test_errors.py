"""What goes wrong in a call is a result with a sentence that an assistant can act on; protocol errors are few."""

import asyncio
import base64
from collections.abc import AsyncIterator

import pytest
from asgiref.sync import sync_to_async
from mcp import MCPError

from generation import records
from generation.errors import EngineNotReady, ProviderRefused
from generation.models import Artifact, Generation
from pollweb import config
from tests.generation.pictures import hostile


async def refused(assistant, tool: str, given: dict, code: str) -> str:
    """The sentence of the error; nothing was made."""
    result = await assistant.call_tool(tool, given)
    assert result.is_error, result.content
    [part] = result.content
    assert part.text.startswith("Error ")
    assert result.meta["pollweb.error"]["code"] == code
    return part.text


@pytest.mark.parametrize(
    ("tool", "given", "sentence"),
    [
        ("generateImage", {}, "Error generating image: prompt is missing: What the picture shows."),
        ("generateImage", {"prompt": 7}, "Error generating image: prompt is 7; a text is needed."),
        ("generateImage", {"prompt": "  "}, "Error generating image: prompt is empty: What the picture shows."),
        (
            "generateImage",
            {"prompt": "x", "options": {"width": "wide"}},
            'Error generating image: width is "wide"; a whole number is needed.',
        ),
        (
            "generateImage",
            {"prompt": "x", "options": {"height": 0}},
            "Error generating image: height is 0; a whole number from 1 on is needed.",
        ),
        (
            "generateImage",
            {"prompt": "x", "options": [1]},
            "Error generating image: options must be an object, such as {}.",
        ),
        (
            "generateImageUrl",
            {"prompt": "x", "quality": "best"},
            'Error generating image URL: quality is "best"; allowed are low, medium, high, hd.',
        ),
        ("generateText", {"prompt": None}, "Error generating text: prompt is missing: What is asked."),
        (
            "generateText",
            {"prompt": "x", "json": "maybe"},
            'Error generating text: json is "maybe"; true or false is needed.',
        ),
        ("sayText", {"text": ["x"]}, 'Error generating audio: text is ["x"]; a text is needed.'),
        ("listModels", {"type": "video"}, 'Error listing models: type is "video"; allowed are image, text, audio.'),
        ("searchGallery", {"query": "x", "limit": 999}, "limit is 999; a whole number from 1 to 50 is needed."),
        ("editImage", {"prompt": "x"}, "Error editing image: image is missing: The picture:"),
        ("transcribeAudio", {"audio": "ftp://x/y.mp3"}, "audio must be a public http(s) address"),
    ],
)
async def test_a_wrong_argument_is_named(assistant, working, tool, given, sentence):
    assert sentence in await refused(assistant, tool, given, "invalid_parameter")
    assert working.calls == []


@pytest.mark.parametrize(
    ("tool", "given", "known"),
    [
        ("generateImage", {"prompt": "x", "options": {"model": "dall-e-9"}}, "flux, turbo, kontext, rare"),
        ("generateImageUrl", {"prompt": "x", "model": "dall-e-9"}, "flux, turbo, kontext, rare"),
        ("generateText", {"prompt": "x", "model": "gpt-99"}, "openai, openai-large, mistral"),
        ("describeImage", {"image": "https://x.example/a.png", "model": "gpt-99"}, "openai, openai-large, mistral"),
        ("transcribeAudio", {"audio": "AAAA", "model": "ear"}, "whisper-1"),
    ],
)
async def test_an_unknown_model_is_told_which_there_are(assistant, working, tool, given, known):
    assert known in await refused(assistant, tool, given, "model_not_found")
    assert working.calls == []


async def test_a_model_of_a_higher_tier_needs_a_token(assistant, connect, alice):
    given = {"prompt": "x", "options": {"model": "rare", "width": 64, "height": 64}}
    for tool in ("generateImage", "generateImageUrl"):
        assert "required tier: flower" in await refused(assistant, tool, given, "tier_too_low")
    async with connect(headers=alice) as with_token:
        assert not (await with_token.call_tool("generateImage", given)).is_error
    row = await sync_to_async(Generation.objects.get)()
    assert row.tier == "nectar"
    assert row.principal.startswith("team:")


async def test_an_unknown_token_is_nobodys(connect):
    async with connect(headers={"Authorization": "Bearer dummy"}) as assistant:
        assert not (await assistant.call_tool("generateText", {"prompt": "x"})).is_error
    await sync_to_async(records.drain)()
    assert (await sync_to_async(Generation.objects.get)()).tier == "anonymous"


async def test_a_refused_prompt_says_why(assistant, working):
    said = await refused(assistant, "generateImage", {"prompt": "nude people", "safe": True}, "content_refused")
    assert "sexual" in said
    assert working.calls == []


async def test_a_full_line_says_how_long_to_wait(assistant, working, settings):
    tables = settings.DESIGN.model_dump(by_alias=True, exclude_unset=True)
    tables["tiers"] = {"anonymous": {"interval": 0, "concurrency": 1}}
    settings.DESIGN = config.parse(tables)
    working.held = True
    calls = [asyncio.create_task(assistant.call_tool("generateText", {"prompt": f"number {n}"})) for n in range(5)]
    while not working.calls:
        await asyncio.sleep(0.01)
    while True:  # until the last of the five stands in line
        result = await assistant.call_tool("generateImageUrl", {"prompt": "x"})
        assert not result.is_error
        sixth = asyncio.create_task(assistant.call_tool("generateText", {"prompt": "number 6"}))
        done, _ = await asyncio.wait([sixth], timeout=0.5)
        if done:
            break
        sixth.cancel()
    assert sixth.result().is_error
    assert sixth.result().meta["pollweb.error"]["code"] == "queue_full"
    assert "Call again in" in sixth.result().content[0].text
    working.held = False
    assert not any(result.is_error for result in await asyncio.gather(*calls))


async def test_an_engine_that_is_not_ready_and_a_provider_that_fails_are_told(assistant, working):
    working.unready = EngineNotReady("The model is being fetched", retry_after=12)
    said = await refused(assistant, "sayText", {"text": "hi"}, "engine_not_ready")
    assert said == "Error generating audio: The model is being fetched. Call again in 12 seconds."
    working.unready = None
    working.error = ProviderRefused("The provider does not take this installation's requests.")
    await refused(assistant, "generateImage", {"prompt": "x", "width": 64, "height": 64}, "provider_refused")


async def test_a_fault_of_ours_tells_nothing_about_the_inside(assistant, monkeypatch):
    from generation.mcp_server.tools import lists

    def broken() -> list[str]:
        raise RuntimeError("secret path /srv/x")

    monkeypatch.setattr(lists, "image_names", broken)
    said = await refused(assistant, "listImageModels", {}, "internal_error")
    assert "secret" not in said


async def test_an_unknown_tool_is_an_error_of_the_protocol(connect, era):
    async with connect(era) as assistant:
        with pytest.raises(MCPError) as raised:
            await assistant.call_tool("makeCoffee", {})
    assert raised.value.code == -32601
    assert "generateImage" in raised.value.message


# --- addresses that lead inside ---------------------------------------------------------------------------------------


@pytest.fixture
async def canary() -> AsyncIterator[tuple[int, list[int]]]:
    """A server in our own network that nobody may be led to: its port, and its visitors."""
    visits: list[int] = []

    async def visited(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visits.append(1)
        writer.close()

    server = await asyncio.start_server(visited, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1], visits
    server.close()
    await server.wait_closed()


ASKED = [
    ("editImage", "image", {"prompt": "x"}),
    ("describeImage", "image", {}),
    ("transcribeAudio", "audio", {}),
]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"])
@pytest.mark.parametrize(("tool", "argument", "more"), ASKED)
async def test_nobody_is_led_inside(assistant, working, canary, tool, argument, more, host):
    port, visits = canary
    for address in (f"http://{host}:{port}/x.png", f"http://user@{host}:{port}/x.png"):
        await refused(assistant, tool, {argument: address, **more}, "url_refused")
    assert visits == []
    assert working.calls == []


@pytest.mark.parametrize("address", ["http://169.254.169.254/latest/meta-data", "file:///etc/passwd", "gopher://x:1/"])
async def test_other_schemes_and_the_clouds_own_addresses_are_refused(assistant, address):
    await refused(assistant, "describeImage", {"image": address}, "url_refused")
    await refused(assistant, "editImage", {"image": address, "prompt": "x"}, "url_refused")


@pytest.mark.parametrize("data", [hostile.SVG, hostile.bomb(100_000, 100_000), b"no picture"])
async def test_what_is_no_picture_is_refused_and_not_kept(assistant, working, data):
    image = base64.b64encode(data).decode()
    await refused(assistant, "describeImage", {"image": image}, "input_not_readable")
    assert working.calls == []
    assert not await sync_to_async(Artifact.objects.exists)()


async def test_what_is_no_recording_is_refused(assistant):
    await refused(assistant, "transcribeAudio", {"audio": "@@@"}, "invalid_audio")
