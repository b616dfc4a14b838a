"""Speech as the local provider gives it: pieces while it is made, and a whole file at the end."""

import io
import time
import wave

import pytest

from generation import audio
from generation.errors import Unspeakable
from generation.providers.local.provider import Local
from generation.requests import SpeechRequest
from generation.results import Result, Sound


async def spoken(text: str) -> list:
    """Everything the provider gives for a text, as WAV."""
    request = SpeechRequest(text=text, model="openai-audio", voice="alloy", format="wav")
    pieces = Local("local", {}).generate(request, model="speech", deadline=time.monotonic() + 60)
    return [piece async for piece in pieces]


async def test_the_file_says_its_length_and_who_spoke(settings, tmp_path):
    settings.MODEL_FOLDER = tmp_path
    *sounds, result = await spoken("Hello world. Good bye.")
    assert isinstance(result, Result)
    assert result.made_by == "local/hibari"
    assert result.media_type == "audio/wav"
    with wave.open(io.BytesIO(result.data)) as file:
        assert file.getnframes() / file.getframerate() == pytest.approx(result.duration)
    assert len(sounds) >= 2
    assert all(isinstance(sound, Sound) for sound in sounds)
    assert audio.duration(b"".join(sound.data for sound in sounds)) == pytest.approx(result.duration)


async def test_a_language_no_voice_speaks_is_unspeakable(settings, tmp_path):
    settings.MODEL_FOLDER = tmp_path
    with pytest.raises(Unspeakable, match="Japanese"):
        await spoken("こんにちは")
