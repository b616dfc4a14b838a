"""Every tool, called by the SDK's client over HTTP. It checks structured results against what a tool announces."""

import base64
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from asgiref.sync import sync_to_async

from generation import audio, catalogue, search
from generation.models import Generation
from generation.requests import ChatRequest, ImageRequest, SpeechRequest, TranscriptionRequest
from tests.fakes import jpeg
from tests.generation.sounds import sound_file

PIXEL = base64.b64encode(jpeg(16, 16)).decode()
GUIDE = {
    "generateImageUrl",
    "generateImage",
    "listImageModels",
    "respondAudio",
    "sayText",
    "listAudioVoices",
    "listTextModels",
    "listModels",
}
BEYOND = {"generateText", "editImage", "transcribeAudio", "describeImage", "searchGallery"}


async def test_it_says_who_it_is_and_lists_every_tool_with_its_schema(connect, era):
    async with connect(era) as assistant:
        if era == "legacy":
            assert assistant.server_info.name == "pollinations-multimodal-api"
        tools = {tool.name: tool for tool in (await assistant.list_tools()).tools}
    assert set(tools) == GUIDE | BEYOND
    for tool in tools.values():
        assert tool.description
        assert tool.input_schema["type"] == "object"
        for nested in (tool.input_schema["properties"], tool.input_schema["properties"].get("options", {})):
            fields = nested.get("properties", nested)
            assert all(field["description"] for field in fields.values() if isinstance(field, dict))
    options = tools["generateImage"].input_schema["properties"]["options"]["properties"]
    assert (options["width"]["default"], options["height"]["default"]) == (1024, 1024)
    assert tools["sayText"].input_schema["properties"]["voice"]["default"] == "alloy"
    assert tools["generateText"].input_schema["required"] == ["prompt"]
    assert tools["listModels"].annotations.read_only_hint
    assert not tools["generateImage"].annotations.read_only_hint


async def test_a_picture_comes_as_bytes_with_its_metadata(connect, era, working):
    async with connect(era) as assistant:
        result = await assistant.call_tool(
            "generateImage", {"prompt": "a red fox", "options": {"width": 64, "height": 48, "seed": 7}}
        )
    image, words = result.content
    assert (image.type, image.mime_type) == ("image", "image/jpeg")
    assert base64.b64decode(image.data)[:3] == b"\xff\xd8\xff"
    head, _, metadata = words.text.partition("\n\nImage metadata: ")
    assert head == 'Generated image from prompt: "a red fox"'
    assert json.loads(metadata) == {"prompt": "a red fox", "width": 64, "height": 48, "model": "flux", "seed": 7}
    assert result.structured_content["madeBy"] == "scripted/picture"
    assert (working.calls[0].width, working.calls[0].seed) == (64, 7)


async def test_what_an_assistant_makes_is_private_unless_it_was_told_otherwise(assistant):
    for given in ({}, {"options": {"isPrivate": False}}, {"is_private": "false", "seed": 3}):
        size = {"width": 64, "height": 64}
        result = await assistant.call_tool("generateImage", {"prompt": "a boat", **size, **given})
        expected = "public" if given else "private"
        assert result.structured_content["visibility"] == expected
    assert await sync_to_async(Generation.objects.public().count)() == 2
    result = await assistant.call_tool("generateText", {"prompt": "hello"})
    assert result.structured_content["visibility"] == "private"
    result = await assistant.call_tool("generateText", {"prompt": "hello", "options": {"isPrivate": False}})
    assert result.structured_content["visibility"] == "public"


@pytest.mark.parametrize(
    "given",
    [
        {"prompt": "a fox", "options": {"width": 64, "height": 32, "negativePrompt": "rain"}},
        {"prompt": "a fox", "width": 64, "height": 32, "negativePrompt": "rain"},
        {"prompt": "a fox", "options": '{"width": "64", "height": 32.0, "negative_prompt": "rain"}'},
        {"text": "a fox", "Width": "64", "height": "32", "negative_prompt": "rain", "model": None, "options": None},
    ],
)
async def test_arguments_are_taken_as_assistants_write_them(assistant, working, given):
    result = await assistant.call_tool("generateImage", given)
    assert not result.is_error, result.content[0].text
    made = working.calls[0]
    assert (made.text, made.width, made.height, made.negative_prompt) == ("a fox", 64, 32, "rain")


async def test_an_argument_that_means_nothing_is_told(assistant):
    result = await assistant.call_tool("generateText", {"prompt": "hi", "aspect_ratio": "16:9"})
    assert result.content[0].text == "Hello"
    assert result.content[1].text == "These arguments mean nothing here and were ignored: aspect_ratio."


async def test_an_address_of_a_picture_makes_nothing_until_it_is_opened(assistant, client, working):
    prompt = "three red boats / 100% & more?"
    result = await assistant.call_tool("generateImageUrl", {"prompt": prompt})
    told = json.loads(result.content[0].text)
    assert list(told) == ["imageUrl", "prompt", "width", "height"]
    assert result.structured_content == told
    assert working.calls == []
    assert urlsplit(told["imageUrl"]).query == "width=1024&height=1024"
    opened = await client.get(told["imageUrl"])
    assert (opened.status_code, working.calls[0].text) == (200, prompt)
    given = {"model": "turbo", "seed": 9, "width": 64, "height": 64, "isPrivate": True}
    result = await assistant.call_tool("generateImageUrl", {"prompt": "x", "options": given})
    told = json.loads(result.content[0].text)
    assert list(told) == ["imageUrl", "prompt", "width", "height", "model", "seed"]
    query = parse_qs(urlsplit(told["imageUrl"]).query)
    assert list(query) == ["model", "seed", "width", "height", "private"]
    assert (await client.get(told["imageUrl"])).headers["x-visibility"] == "private"


async def test_a_given_picture_is_changed(assistant, working):
    for image in (PIXEL, f"data:image/jpeg;base64,{PIXEL}"):
        result = await assistant.call_tool("editImage", {"prompt": "make it blue", "image": image})
        assert not result.is_error, result.content[0].text
        assert result.content[0].type == "image"
        assert result.structured_content["model"] == "kontext"
        assert result.structured_content["visibility"] == "private"
    made = working.calls[0]
    assert isinstance(made, ImageRequest)
    assert made.pictures[0][:3] == b"\xff\xd8\xff"


async def test_a_text_is_read_aloud_word_for_word(connect, era, working):
    async with connect(era) as assistant:
        result = await assistant.call_tool("sayText", {"text": "Good morning", "voice": "nova"})
    spoken, words = result.content
    assert (spoken.type, spoken.mime_type, base64.b64decode(spoken.data)) == ("audio", "audio/mpeg", b"ID3sound")
    assert '"Good morning"' in words.text
    assert '"voice": "nova"' in words.text
    [made] = working.calls
    assert isinstance(made, SpeechRequest)
    assert (made.text, made.voice, made.format) == ("Good morning", "nova", "mp3")


async def test_a_prompt_is_answered_by_a_voice(assistant, working):
    result = await assistant.call_tool(
        "respondAudio",
        {"prompt": "How are you?", "voice": "echo", "format": "wav", "voiceInstructions": "Be cheerful."},
    )
    asked, spoken = working.calls
    assert isinstance(asked, ChatRequest)
    assert asked.messages[0]["content"].startswith("Be cheerful.\n\n")
    assert asked.prompt == "How are you?"
    assert (spoken.text, spoken.voice, spoken.format) == ("Hello", "echo", "wav")
    assert result.structured_content["transcript"] == "Hello"
    assert result.content[0].mime_type == audio.FORMATS["wav"].media_type


async def test_a_recording_is_written_down(assistant, working):
    recording = base64.b64encode(sound_file("mp3")).decode()
    result = await assistant.call_tool("transcribeAudio", {"audio": recording, "language": "en"})
    assert result.content[0].text == "Hello"
    assert (result.structured_content["language"], result.structured_content["duration"]) == ("en", 2.0)
    assert isinstance(working.calls[0], TranscriptionRequest)
    working.segments = [{"id": 0, "start": 0.0, "end": 2.0, "text": "Hello"}]
    result = await assistant.call_tool("transcribeAudio", {"audio": recording, "hint": "x", "format": "srt"})
    assert "00:00:00,000 --> 00:00:02,000" in result.content[0].text


async def test_a_picture_is_described(assistant, working):
    result = await assistant.call_tool("describeImage", {"image": PIXEL, "question": "What colour?"})
    assert result.content[0].text == "Hello"
    [made] = working.calls
    assert made.has_pictures
    assert made.prompt.startswith("What colour?")
    assert result.structured_content["visibility"] == "private"


async def test_a_text_model_answers(connect, era, working):
    given = {"prompt": "Say it", "model": "mistral", "options": {"seed": 5, "systemPrompt": "You are brief."}}
    async with connect(era) as assistant:
        result = await assistant.call_tool("generateText", given)
    assert [part.text for part in result.content] == ["Hello"]
    assert result.structured_content["usage"]["total_tokens"] == 9
    made = working.calls[0]
    assert [message["role"] for message in made.messages] == ["system", "user"]
    assert made.options["seed"] == 5
    working.words = ['{"a": ', "1}"]
    flat = {"prompt": "as JSON", "json": True, "private": True, "system": "Be brief."}
    async with connect(era) as assistant:
        result = await assistant.call_tool("generateText", flat)
    assert json.loads(result.content[0].text) == {"a": 1}
    assert working.calls[1].json_mode


async def test_models_and_voices_are_listed(connect, era, client):
    async with connect(era) as assistant:
        names = json.loads((await assistant.call_tool("listImageModels", {})).content[0].text)
        texts = json.loads((await assistant.call_tool("listTextModels", {})).content[0].text)
        voices = json.loads((await assistant.call_tool("listAudioVoices", {})).content[0].text)
        lists = {
            kind: (await assistant.call_tool("listModels", {"type": kind})).structured_content["models"]
            for kind in ("image", "text", "audio")
        }
        assert (await assistant.call_tool("listModels", {})).structured_content["models"] == names
    assert names == (await client.get("/image/models")).json()
    assert {each["name"] for each in texts["models"]} == {
        each["name"] for each in (await client.get("/text/models")).json()
    }
    assert voices[:1] == ["alloy"]
    assert lists["image"] == names
    assert lists["text"] == texts["models"]
    assert [each["name"] for each in lists["audio"]] == list(catalogue.cards("audio"))


async def test_the_gallery_is_searched_by_words_among_what_is_public(assistant, client):
    for prompt in ("a Red fox in snow", "a red boat", "a grey fox"):
        await client.get(f"/prompt/{prompt}?width=64&height=64")
    await client.get("/prompt/a red fox that nobody may see?width=64&height=64&private=true")
    await sync_to_async(search.fill)()
    result = await assistant.call_tool("searchGallery", {"query": "red FOX"})
    [found] = result.structured_content["items"]
    assert found["prompt"] == "a Red fox in snow"
    assert (await client.get(found["file"])).status_code == 200
    found = (await assistant.call_tool("searchGallery", {"q": "fox", "kind": "image", "limit": 1})).structured_content
    assert [each["prompt"] for each in found["items"]] == ["a grey fox"]
    result = await assistant.call_tool("searchGallery", {"query": "fox", "kind": "text"})
    assert result.structured_content == {"items": []}
    assert result.content[0].text == "Nothing in the gallery has these words."
