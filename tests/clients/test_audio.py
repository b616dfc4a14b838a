"""Speech and transcription through the clients that people use."""

from collections.abc import Callable
from pathlib import Path

from openai import OpenAI

from generation.audio import duration

SENTENCE = "The capital of France is Paris."


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


def test_javascript_does_the_same(node: Callable[..., None]) -> None:
    node("audio.test.js")
