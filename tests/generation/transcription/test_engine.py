"""Whisper hears what Kokoro says: the real models, at a temperature that leaves nothing to chance."""

import re

import numpy as np
import pytest

from generation.providers.local.speech import SpeechEngine
from generation.providers.local.transcription import (
    ModelMissing,
    Stopped,
    TranscriptionEngine,
    UnknownLanguage,
    UnreadableAudio,
)
from tests.generation.sounds import KINDS, sound_file

ENGLISH = "The quick brown fox jumps over the lazy dog. Tomorrow it will rain in London."
CHINESE = "今天天气很好，我们一起去公园散步。"


@pytest.fixture(scope="module")
def whisper(model_folder):
    return TranscriptionEngine(model_folder / "whisper-base", threads=2)


@pytest.fixture(scope="module")
def voice(model_folder):
    engine = SpeechEngine(model_folder / "kokoro-v1.0.int8.onnx", threads=2)
    said: dict[str, np.ndarray] = {}

    def say(text: str) -> np.ndarray:
        if text not in said:
            said[text] = np.concatenate(list(engine.speak(text, voice="nova")))
        return said[text]

    return say


def words(text: str) -> str:
    return " ".join(re.findall(r"[a-z]+", text.lower()))


def written(transcription) -> str:
    return "".join(segment.text for segment in transcription).strip()


def test_without_its_files_it_says_so(tmp_path):
    with pytest.raises(ModelMissing, match=r"model\.bin"):
        TranscriptionEngine(tmp_path).transcribe(sound_file("wav"))


@pytest.mark.engines
@pytest.mark.parametrize("kind", list(KINDS))
def test_english_is_heard_word_for_word_in_every_container(whisper, voice, kind):
    transcription = whisper.transcribe(sound_file(kind, voice(ENGLISH)))
    assert words(written(transcription)) == words(ENGLISH)
    assert transcription.language == "en"
    assert transcription.duration == pytest.approx(voice(ENGLISH).size / 24_000, abs=0.2)


@pytest.mark.engines
@pytest.mark.parametrize("language", ["", "zh"])
def test_chinese_is_written_in_simplified_characters(whisper, voice, language):
    transcription = whisper.transcribe(sound_file("mp3", voice(CHINESE)), language=language)
    assert transcription.language == "zh"
    assert re.sub(r"\W", "", written(transcription)) == re.sub(r"\W", "", CHINESE)


@pytest.mark.engines
def test_segments_and_words_have_their_times_in_order(whisper, voice):
    transcription = whisper.transcribe(sound_file("wav", voice(ENGLISH)), words=True)
    segments = list(transcription)
    times = [word.start for segment in segments for word in segment.words]
    assert times == sorted(times)
    assert 0 <= segments[0].start < segments[-1].end <= transcription.duration + 0.1
    assert segments[0].words[1].text.strip() == "quick"


@pytest.mark.engines
def test_silence_is_no_word(whisper):
    assert written(whisper.transcribe(sound_file("mp3", np.zeros(24_000 * 4, np.float32)))) == ""


@pytest.mark.engines
def test_a_language_nobody_speaks_is_refused(whisper):
    with pytest.raises(UnknownLanguage, match="xx"):
        whisper.transcribe(sound_file("wav"), language="xx")


@pytest.mark.engines
def test_what_is_no_sound_is_refused(whisper):
    with pytest.raises(UnreadableAudio):
        whisper.transcribe(b"text renamed to .mp3")


@pytest.mark.engines
def test_it_stops_between_segments(whisper, voice):
    told = []
    transcription = whisper.transcribe(sound_file("wav", voice(ENGLISH)), stop=lambda: bool(told))
    told.append(next(transcription).text)
    with pytest.raises(Stopped):
        next(transcription)


@pytest.mark.engines
def test_the_small_model_hears_english_alone(model_folder, voice):
    small = TranscriptionEngine(model_folder / "whisper-tiny.en", threads=2)
    assert words(written(small.transcribe(sound_file("mp3", voice(ENGLISH))))) == words(ENGLISH)
    with pytest.raises(UnknownLanguage):
        small.transcribe(sound_file("wav"), language="zh")
