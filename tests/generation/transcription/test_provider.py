"""Transcription as the local provider gives it: words while it listens, a message with its times at the end."""

import time

import pytest

from generation.errors import EngineNotReady, InvalidParameter, InvalidRequest, ProviderTimeout
from generation.providers.local import provider as local
from generation.providers.local.transcription import Segment, Transcription, UnknownLanguage, Word, decode, engine
from generation.requests import TranscriptionRequest
from generation.results import Delta, Result
from tests.generation.sounds import sound_file

SPOKEN = [
    Segment(0.0, 1.0, " One.", (5, 6), 0, 0.0, -0.1, 1.0, 0.01, (Word(0.0, 0.9, " One."),)),
    Segment(1.0, 2.0, " Two.", (7,), 100, 0.0, -0.2, 1.0, 0.02, (Word(1.0, 1.9, " Two."),)),
]


class Ears:
    """In place of the engine: decodes for real and hears what it is told."""

    def __init__(self, segments=()):
        self.segments = segments
        self.asked = {}

    def transcribe(self, data, *, stop, **options):
        self.asked = options
        if options["language"] == "xx":
            raise UnknownLanguage("xx", ("en", "zh"))
        return Transcription("en", decode(data, stop).size / 16_000, iter(self.segments))


@pytest.fixture
def ears(monkeypatch):
    heard = Ears(SPOKEN)
    monkeypatch.setattr(local.Local, "transcription_engine", heard)
    monkeypatch.setattr(local, "_present", lambda name: None)
    return heard


async def written(data=None, seconds=30.0, **fields):
    request = TranscriptionRequest(model="whisper-1", data=sound_file("wav") if data is None else data, **fields)
    pieces = local.Local("embedded", {}).generate(request, model="transcription", deadline=time.monotonic() + seconds)
    return [piece async for piece in pieces]


async def test_words_come_segment_by_segment_and_then_the_whole(ears):
    *deltas, result = await written(words=True, hint="Numbers.")
    assert deltas == [Delta({"content": "One."}), Delta({"content": " Two."})]
    assert isinstance(result, Result)
    assert result.message == {"role": "assistant", "content": "One. Two."}
    assert result.made_by == "embedded/whisper-base"
    assert (result.duration, result.usage.completion_tokens) == (pytest.approx(1), 3)
    assert (result.notes["language"], len(result.notes["segments"])) == ("en", 2)
    assert result.notes["segments"][1]["start"] == 1.0
    assert [word["text"] for word in result.notes["words"]] == [" One.", " Two."]
    assert ears.asked == {"language": "", "hint": "Numbers.", "temperature": 0.0, "words": True}


async def test_no_words_are_noted_that_nobody_asked_for(ears):
    *_, result = await written()
    assert "words" not in result.notes
    assert "words" not in result.notes["segments"][0]


async def test_what_is_no_sound_is_the_callers_mistake(ears):
    with pytest.raises(InvalidRequest, match="no audio") as caught:
        await written(b"a text renamed to .mp3")
    assert caught.value.code == "invalid_audio"


async def test_an_unknown_language_is_the_callers_mistake(ears):
    with pytest.raises(InvalidParameter, match="en, zh"):
        await written(language="xx")


async def test_it_stops_at_its_deadline(ears):
    with pytest.raises(ProviderTimeout):
        await written(seconds=-1)


async def test_without_its_files_it_is_not_ready(settings, tmp_path):
    settings.MODEL_FOLDER = tmp_path
    with pytest.raises(EngineNotReady, match=r"whisper-base/model\.bin"):
        await written()


def test_the_engine_names_the_files_of_the_manifest():
    from generation.model_files import shipped

    for folder in local.TRANSCRIPTION_FOLDERS.values():
        named = {file.name for file in shipped().files if file.name.startswith(f"{folder}/")}
        assert named == {f"{folder}/{name}" for name in engine.FILES}
