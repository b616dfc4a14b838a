"""Speech and transcription through the clients that people use."""

import base64
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from openai import BadRequestError, OpenAI

from generation.audio import duration

SENTENCE = "The capital of France is Paris."
CHINESE = "今天天气很好，我们一起去公园散步。"


def letters(text: str) -> str:
    return re.sub(r"\W", "", text).lower()


def test_openai_speaks_and_hears(openai: OpenAI) -> None:
    spoken = openai.audio.speech.create(model="openai-audio", voice="nova", input=SENTENCE, response_format="wav")
    assert 1 < duration(spoken.content, "wav") < 6
    heard = openai.audio.transcriptions.create(model="openai-audio", file=("paris.wav", spoken.content, "audio/wav"))
    assert "capital of France is Paris" in heard.text


def test_openai_streams_speech(openai: OpenAI, tmp_path: Path) -> None:
    with openai.audio.speech.with_streaming_response.create(
        model="openai-audio", voice="echo", input="Hello world."
    ) as spoken:
        spoken.stream_to_file(tmp_path / "hello.mp3")
    assert 0.3 < duration((tmp_path / "hello.mp3").read_bytes(), "mp3") < 4


def test_openai_takes_speech_while_it_is_made(openai: OpenAI) -> None:
    asked = {"model": "tts-1", "voice": "alloy", "input": f"{SENTENCE} {SENTENCE}", "response_format": "pcm"}
    with openai.audio.speech.with_streaming_response.create(**asked, stream_format="audio") as spoken:
        assert 3 < duration(spoken.read(), "pcm") < 15


def test_openai_speaks_and_hears_chinese(openai: OpenAI) -> None:
    spoken = openai.audio.speech.create(model="tts-1", voice="nova", input=CHINESE)
    heard = openai.audio.transcriptions.create(
        model="whisper-1", file=("park.mp3", spoken.content), response_format="verbose_json"
    )
    assert letters(heard.text) == letters(CHINESE)
    assert heard.language == "chinese"
    assert heard.segments


def test_openai_chats_by_voice_and_is_understood(openai: OpenAI) -> None:
    spoken = openai.chat.completions.create(
        model="openai-audio",
        modalities=["text", "audio"],
        audio={"voice": "echo", "format": "wav"},
        messages=[{"role": "user", "content": SENTENCE}],
    )
    audio = spoken.choices[0].message.audio
    assert audio is not None
    assert base64.b64decode(audio.data).startswith(b"RIFF")
    heard = openai.chat.completions.create(
        model="openai-audio",
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Transcribe this:"},
                    {"type": "input_audio", "input_audio": {"data": audio.data, "format": "wav"}},
                ],
            }
        ],
    )
    assert letters(heard.choices[0].message.content or "") == letters(SENTENCE)


def test_openai_is_told_when_a_file_is_no_sound(openai: OpenAI) -> None:
    with pytest.raises(BadRequestError, match="no audio"):
        openai.audio.transcriptions.create(model="whisper-1", file=("song.mp3", b"a text, renamed"))


def test_javascript_does_the_same(node: Callable[..., None]) -> None:
    node("audio.test.js")
