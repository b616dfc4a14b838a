"""The speech engine: hibari's voice without any file, Kokoro's with its model (marked engines)."""

import json
import shutil
import threading

import numpy as np
import pytest

from generation.providers.local.speech import (
    EmptyText,
    SpeechEngine,
    Stopped,
    Unavailable,
    UnknownVoice,
    UnsupportedLanguage,
)
from generation.providers.local.speech.engine import trimmed
from generation.providers.local.speech.kokoro import DATA, RATE, Voices

VOICES = ("alloy", "echo", "fable", "onyx", "nova", "shimmer")
CHINESE = "使用 GET 方法生成音频对于短文本来说很简单。"


@pytest.fixture(scope="module")
def engine():
    """An engine whose model file is not there."""
    return SpeechEngine(None)


def seconds(samples: np.ndarray) -> float:
    return samples.size / RATE


def level(samples: np.ndarray) -> float:
    return float(np.sqrt((samples**2).mean()))


# Without a model file


def test_it_speaks_english_at_once_by_hibari(engine):
    assert engine.model_name("Hello world.") == "hibari"
    hello, bye = engine.speak("Hello world. Good bye.", voice="onyx")
    for samples in (hello, bye):
        assert samples.dtype == np.float32
        assert 0.5 < seconds(samples) < 3
        assert level(samples) > 0.02
        assert np.abs(samples).max() <= 1


def test_the_same_text_sounds_the_same_again(engine):
    first, second = (np.concatenate(list(engine.speak("The same.", voice="alloy"))) for _ in range(2))
    assert (first == second).all()


def test_a_faster_speed_is_shorter(engine):
    slow, fast = (sum(s.size for s in engine.speak("One two three four.", voice="nova", speed=v)) for v in (0.7, 1.6))
    assert fast < slow * 0.7


def test_chinese_without_kokoro_is_unavailable(engine):
    with pytest.raises(Unavailable, match="not there yet"):
        engine.speak("你好", voice="nova")


def test_a_damaged_model_file_leaves_hibari(tmp_path, caplog):
    model = tmp_path / "kokoro-v1.0.int8.onnx"
    model.write_bytes(b"no model")
    engine = SpeechEngine(model)
    assert engine.model_name("Hello") == "hibari"
    assert "cannot be loaded" in caplog.text
    with pytest.raises(Unavailable, match="damaged"):
        engine.speak("你好", voice="nova")


@pytest.mark.parametrize(
    ("text", "voice", "speed", "error"),
    [
        ("Hello", "Alloy", 1, UnknownVoice),
        ("Hello", "../alloy", 1, UnknownVoice),
        ("👍", "alloy", 1, EmptyText),
        ("こんにちは", "alloy", 1, UnsupportedLanguage),
        ("Hello", "alloy", 0, ValueError),
        ("Hello", "alloy", float("nan"), ValueError),
    ],
)
def test_what_cannot_be_spoken_is_refused_before_the_first_sound(engine, text, voice, speed, error):
    with pytest.raises(error):
        engine.speak(text, voice=voice, speed=speed)


def test_it_stops_between_sentences(engine):
    stop = threading.Event()
    spoken = engine.speak("One. Two. Three.", voice="alloy", stop=stop.is_set)
    next(spoken)
    stop.set()
    with pytest.raises(Stopped):
        next(spoken)


@pytest.mark.parametrize(
    "text", ["a" * 3000, "9" * 500, "1/1/" * 300, "<>[](){}\\|" * 50 + "a", "a\n" * 100, "🅰b" * 99]
)
def test_hostile_text_is_spoken_or_refused(engine, text):
    assert sum(samples.size for samples in engine.speak(text, voice="echo", speed=4)) > 0


def test_two_threads_may_speak_at_once(engine):
    heard: list[int] = []
    threads = [
        threading.Thread(target=lambda: heard.append(sum(s.size for s in engine.speak("One. Two.", voice="alloy"))))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(heard) == 3
    assert len(set(heard)) == 1


def test_the_six_voices_are_there_in_both_languages_and_undamaged(engine):
    assert engine.voices == VOICES
    voices = Voices()
    for voice in VOICES:
        for language in ("en", "zh"):
            assert voices.styles(voice, language).shape == (510, 256)


def test_a_damaged_voice_file_is_not_used(tmp_path):
    shutil.copy(DATA / "voices.json", tmp_path)
    name = json.loads((DATA / "voices.json").read_text())["nova"]["en"]["file"]
    data = bytearray((DATA / name).read_bytes())
    data[1000] ^= 1
    (tmp_path / name).write_bytes(data)
    with pytest.raises(Unavailable, match="damaged"):
        Voices(tmp_path).styles("nova", "en")
    with pytest.raises(Unavailable, match="cannot be read"):
        Voices(tmp_path).styles("echo", "en")


def test_silence_around_a_sentence_is_cut_and_the_pause_kept():
    sound = np.zeros(RATE * 3, np.float32)
    sound[RATE : RATE * 2] = 0.5
    assert seconds(trimmed(sound, 0.3)) == pytest.approx(0.08 + 1 + 0.3, abs=0.01)
    assert seconds(trimmed(sound[: RATE * 2], 0.3)) == pytest.approx(0.08 + 1 + 0.3, abs=0.01)
    assert trimmed(np.zeros(RATE, np.float32), 0.3).size == RATE


# With Kokoro's model file


@pytest.fixture(scope="module")
def kokoro(model_folder):
    return SpeechEngine(model_folder / "kokoro-v1.0.int8.onnx")


@pytest.mark.engines
@pytest.mark.parametrize("voice", VOICES)
def test_kokoro_says_hello_world_in_every_voice(kokoro, voice):
    assert kokoro.model_name("Hello world") == "kokoro"
    samples = np.concatenate(list(kokoro.speak("Hello world", voice=voice)))
    assert 0.8 < seconds(samples) < 2.5
    assert 0.02 < level(samples) < 0.3
    assert np.abs(samples).max() <= 0.971


@pytest.mark.engines
@pytest.mark.parametrize("voice", ["alloy", "onyx"])
def test_kokoro_speaks_chinese_with_an_english_word_in_it(kokoro, voice):
    assert kokoro.model_name(CHINESE) == "kokoro"
    samples = np.concatenate(list(kokoro.speak(CHINESE, voice=voice)))
    assert 3 < seconds(samples) < 7
    assert 0.02 < level(samples) < 0.3


@pytest.mark.engines
def test_kokoro_voices_differ(kokoro):
    lengths = {voice: sum(s.size for s in kokoro.speak("She sells sea shells.", voice=voice)) for voice in VOICES[:3]}
    assert len(set(lengths.values())) == 3


@pytest.mark.engines
def test_a_long_sentence_comes_in_pieces_of_at_most_fifteen_seconds(kokoro):
    text = "and then the old man walked down to the harbour to look at the boats " * 6
    pieces = list(kokoro.speak(text, voice="alloy"))
    assert len(pieces) >= 2
    assert max(map(seconds, pieces)) < 16
    assert sum(map(seconds, pieces)) > 15


@pytest.mark.engines
def test_a_model_file_that_arrives_later_is_taken_into_use(model_folder, tmp_path):
    model = tmp_path / "kokoro-v1.0.int8.onnx"
    engine = SpeechEngine(model)
    spoken_before = engine.speak("Hello", voice="alloy")
    model.symlink_to((model_folder / model.name).resolve())
    assert engine.model_name("Hello") == engine.speak("Hello", voice="alloy").model == "kokoro"
    assert spoken_before.model == "hibari"  # what made it, not what would make it now
    assert next(spoken_before).size
