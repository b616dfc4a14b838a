"""Every sample of the guide, as it is printed there, against an installation with the embedded engines.

Only the addresses of the service and of input pictures are other ones; files that samples read are put where they say.
"""

import io
import json
import re
import signal
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from tests.guide import samples
from tests.guide.conftest import Runner
from tests.site import Site
from tests.test_recovery import rows

pytestmark = [pytest.mark.engines, pytest.mark.timeout(300)]

(
    SUNSET,
    LARGE_SUNSET,
    LOGO_CAKE,
    IMAGE_MODELS,
    FRANCE,
    POEM,
    JSON,
    LONG_STORY,
    TEXT_MODELS,
    CHAT,
    CHAT_STREAM,
    HELLO,
    WELCOME,
    VISION,
    TOOLS,
    IMAGE_FEED,
    TEXT_FEED,
    BEARER,
) = samples.commands()
(
    PICTURE_PROGRAM,
    IMAGE_MODELS_PROGRAM,
    TEXT_PROGRAM,
    TEXT_MODELS_PROGRAM,
    CHAT_PROGRAM,
    STREAM_PROGRAM,
    SPEECH_PROGRAM,
    TRANSCRIPTION_PROGRAM,
    VISION_PROGRAM,
    TOOLS_PROGRAM,
    IMAGE_FEED_PROGRAM,
    TEXT_FEED_PROGRAM,
) = samples.programs()


def size_of(picture: Path) -> tuple[int, int]:
    with Image.open(picture) as image:
        image.load()
        assert image.format == "JPEG"
        return image.size


def seconds_of(recording: Path) -> float:
    with av.open(io.BytesIO(recording.read_bytes())) as file:
        assert file.format.name == "mp3"
        return sum(frame.samples / frame.sample_rate for frame in file.decode(audio=0))


def words_of(completion: dict[str, Any]) -> str:
    assert completion["object"] == "chat.completion"
    (choice,) = completion["choices"]
    assert choice["message"]["role"] == "assistant"
    return choice["message"]["content"]


def told_by(stream: str) -> str:
    """The words of a stream of OpenAI's chunks, which must end as such a stream does."""
    *chunks, done = [frame.removeprefix("data: ") for frame in stream.strip().split("\n\n")]
    assert done == "[DONE]"
    choices = [choice for chunk in chunks for choice in json.loads(chunk)["choices"]]
    assert choices[-1]["finish_reason"] in ("stop", "length")
    return "".join(choice["delta"].get("content") or "" for choice in choices)


# --- pictures ---------------------------------------------------------------------------------------------------------


def test_a_picture_is_saved(runner: Runner) -> None:
    runner.run(SUNSET)
    assert size_of(runner.folder / "sunset.jpg") == (1024, 1024)


def test_a_picture_has_the_size_that_was_asked_for(runner: Runner) -> None:
    runner.run(LARGE_SUNSET)
    assert size_of(runner.folder / "sunset_large.jpg") == (1280, 720)


def test_the_program_saves_its_picture(runner: Runner) -> None:
    assert "图像已保存为 generated_image.jpg" in runner.run(PICTURE_PROGRAM)
    assert size_of(runner.folder / "generated_image.jpg") == (1280, 720)


def test_the_image_models_are_names(runner: Runner) -> None:
    names = json.loads(runner.run(IMAGE_MODELS))
    assert {"flux", "kontext"} <= set(names)
    printed = runner.run(IMAGE_MODELS_PROGRAM).splitlines()
    assert printed == ["可用的图像模型:", *(f"- {name}" for name in names)]


# --- text -------------------------------------------------------------------------------------------------------------


def test_the_capital_of_france_is_paris(runner: Runner) -> None:
    assert "Paris" in runner.run(FRANCE)


def test_mistral_writes_a_poem_about_robots(runner: Runner) -> None:
    poem = runner.run(POEM)
    assert "robot" in poem.lower()
    assert len(poem.split()) > 10


def test_an_answer_in_json_parses(runner: Runner) -> None:
    assert json.loads(runner.run(JSON))


def test_a_long_story_is_streamed_to_its_end(runner: Runner) -> None:
    assert len(told_by(runner.run(LONG_STORY)).split()) > 3


def test_relativity_is_explained(runner: Runner) -> None:
    begin, _, answer = runner.run(TEXT_PROGRAM).partition("\n")
    assert begin == "响应 (纯文本):"
    assert "relativity" in answer.lower()


def test_the_text_models_are_listed_with_their_voices(runner: Runner) -> None:
    models = {model["name"]: model for model in json.loads(runner.run(TEXT_MODELS))}
    assert {"openai", "openai-large", "mistral", "claude-hybridspace", "openai-audio"} <= models.keys()
    assert models["openai-audio"]["voices"][:6] == ["alloy", "echo", "fable", "onyx", "nova", "shimmer"]
    begin, _, printed = runner.run(TEXT_MODELS_PROGRAM).partition("\n")
    assert begin == "可用的文本模型和音色:"
    assert {model["name"] for model in json.loads(printed)} == models.keys()


# --- chat -------------------------------------------------------------------------------------------------------------


def test_a_chat_is_continued(runner: Runner) -> None:
    assert words_of(json.loads(runner.run(CHAT))).strip()


def test_the_historian_answers(runner: Runner) -> None:
    printed = runner.run(CHAT_PROGRAM)
    assert printed.startswith("助手: ")
    assert "革命" in printed


def test_a_chat_is_streamed_to_its_end(runner: Runner) -> None:
    assert len(told_by(runner.run(CHAT_STREAM))) > 5


def test_the_sse_client_hears_the_story_and_its_end(runner: Runner) -> None:
    printed = runner.run(STREAM_PROGRAM)
    story = printed.partition("流式响应:\n")[2].partition("\n流已结束。")[0]
    assert len(story) > 5
    assert printed.endswith("\n--- 流结束 ---\n")
    assert "非 JSON" not in printed


def test_a_bearer_token_is_known(runner: Runner, site: Site, token: str) -> None:
    count = "select count(*) from generation_generation where team_id is not null"
    [(before,)] = rows(site, count)
    assert words_of(json.loads(runner.run(BEARER.replace("YOUR_TOKEN", token)))).strip()
    [(after,)] = rows(site, count)
    assert after == before + 1


def test_a_bearer_token_that_nobody_has_is_no_error(runner: Runner) -> None:
    assert words_of(json.loads(runner.run(BEARER))).strip()


def test_a_referrer_can_be_named(runner: Runner, site: Site) -> None:
    [address] = re.findall(r"^https://\S+\?referrer=\S+$", samples.GUIDE, re.M)
    runner.run(f'curl -o landscape.jpg "{address}"')
    assert size_of(runner.folder / "landscape.jpg") == (1024, 1024)
    assert rows(site, "select referrer from generation_generation where prompt = 'a beautiful landscape'") == [
        ("mywebapp.com",)
    ]


# --- speech -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("command", "file"), [(HELLO, "hello_audio.mp3"), (WELCOME, "welcome_audio.mp3")])
def test_english_is_spoken(runner: Runner, command: str, file: str) -> None:
    runner.run(command)
    assert 0.5 < seconds_of(runner.folder / file) < 5


def test_chinese_is_spoken(runner: Runner) -> None:
    assert "音频成功保存为 generated_audio_get.mp3" in runner.run(SPEECH_PROGRAM)
    assert 2 < seconds_of(runner.folder / "generated_audio_get.mp3") < 12


# --- feeds ------------------------------------------------------------------------------------------------------------

PAINT = "/prompt/a%20lighthouse%20for%20the%20feed?width=256&height=256&seed={}"
SAY = "/text/Say%20hello%20to%20the%20feed.?max_tokens=12&seed={}"


def test_curl_hears_the_image_feed(runner: Runner, site: Site) -> None:
    listening = runner.start(IMAGE_FEED)
    try:
        listening.line(":")
        assert site.ask(PAINT.format(1)).status == 200
        while (event := json.loads(listening.line("data: ")[6:]))["prompt"] != "a lighthouse for the feed":
            pass
        assert {"width", "height", "seed", "model", "imageURL", "prompt"} <= event.keys()
        assert event["imageURL"].startswith(f"{site.address}/image/prompt/")
    finally:
        listening.close()


def test_curl_hears_the_text_feed(runner: Runner, site: Site) -> None:
    listening = runner.start(TEXT_FEED)
    try:
        listening.line(":")
        answer = site.ask(SAY.format(1))
        event = json.loads(listening.line("data: ")[6:])
        assert (event["model"], event["response"]) == ("openai", answer.body.decode())
        assert event["messages"] == [{"role": "user", "content": "Say hello to the feed."}]
    finally:
        listening.close()


def test_the_program_hears_the_image_feed_until_it_is_interrupted(runner: Runner, site: Site) -> None:
    listening = runner.start(IMAGE_FEED_PROGRAM)
    try:
        listening.line("连接已建立。")
        assert site.ask(PAINT.format(2)).status == 200
        while listening.line("  提示: ") != "  提示: a lighthouse for the feed":
            pass
        assert listening.line("  URL: ").startswith(f"  URL: {site.address}/image/prompt/")
        listening.line("  模型: flux, 种子: ")
        status, rest = listening.interrupt(signal.SIGINT)
        assert status == 0
        assert "图像 Feed 被用户中断。正在退出。" in rest
    finally:
        listening.close()


def test_the_program_hears_the_text_feed_until_it_is_interrupted(runner: Runner, site: Site) -> None:
    listening = runner.start(TEXT_FEED_PROGRAM)
    try:
        listening.line("连接已建立。")
        answer = site.ask(SAY.format(2)).body.decode()
        assert listening.line("  模型: ") == "  模型: openai"
        assert listening.line("  用户提示: ") == "  用户提示: Say hello to the feed."
        assert listening.line("  响应: ").startswith(f"  响应: {answer.splitlines()[0][:100]}")
        status, rest = listening.interrupt(signal.SIGINT)
        assert status == 0
        assert "文本 Feed 被用户中断。正在退出。" in rest
    finally:
        listening.close()
