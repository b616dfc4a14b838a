"""The block of China's GB 45438-2025 in sound, read back by another's reader (FFmpeg's)."""

import io
import json

import av
import numpy as np
import pytest

from generation import aigc, audio, finishing, sound_marking
from generation.results import Result

PRODUCER = '爱丽丝 & "bob"'
BEARS = ["mp3", "opus", "flac", "wav"]
BEARS_NOT = ["aac", "pcm"]
SAMPLES = (np.sin(np.arange(audio.RATE) / 20) * 0.4).astype(np.float32)


@pytest.fixture
def block(settings) -> str:
    said = settings.DESIGN.marking.model_copy(update={"producer": PRODUCER, "propagator": ""})
    settings.DESIGN = settings.DESIGN.model_copy(update={"marking": said})
    return aigc.block("abc")


def read(data: bytes) -> tuple[dict[str, str], int]:
    """What the file says, and how many samples are in it."""
    with av.open(io.BytesIO(data)) as file:
        said = {**file.metadata, **file.streams.audio[0].metadata}
        return said, sum(frame.samples for frame in file.decode(audio=0))


def streamed(format: str) -> list[bytes]:
    encoder = audio.Encoder(format)
    return [*(encoder.write(part) for part in np.split(SAMPLES, 10)), encoder.finish()]


@pytest.mark.parametrize("format", BEARS)
def test_a_file_bears_it_and_sounds_as_before(block, format):
    before = audio.encode(SAMPLES, format)
    marked = sound_marking.mark(before, block)
    said, samples = read(marked)
    assert json.loads(said["AIGC"]) == json.loads(block)
    assert json.loads(said["AIGC"])["ContentProducer"] == PRODUCER
    assert samples == read(before)[1]
    assert audio.sniff(marked) == format
    assert audio.duration(marked) == pytest.approx(audio.duration(before))
    assert 0 < len(marked) - len(before) < len(block.encode()) + 40


@pytest.mark.parametrize("format", BEARS_NOT)
def test_what_has_no_place_for_it_stays_as_it_is(block, format):
    before = audio.encode(SAMPLES, format)
    assert sound_marking.mark(before, block) == before


@pytest.mark.parametrize("format", BEARS)
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_a_stream_bears_it_however_it_is_cut(block, format, size):
    whole = b"".join(streamed(format))
    beginning = sound_marking.Beginning(block)
    parts = [beginning.pass_on(whole[at : at + size]) for at in range(0, len(whole), size)]
    marked = b"".join([*parts, beginning.rest()])
    said, samples = read(marked)
    assert json.loads(said["AIGC"]) == json.loads(block)
    assert samples == read(whole)[1]


@pytest.mark.parametrize("format", BEARS)
def test_the_first_piece_of_our_encoder_is_not_held_back(block, format):
    beginning = sound_marking.Beginning(block)
    first = next(part for part in streamed(format) if part)
    assert len(beginning.pass_on(first)) > len(first)


@pytest.mark.parametrize("format", [*BEARS, *BEARS_NOT])
def test_without_a_producer_a_stream_passes_as_it_comes(format):
    beginning = sound_marking.Beginning(aigc.block("abc"))
    assert [beginning.pass_on(part) for part in streamed(format)] == streamed(format)
    assert beginning.rest() == b""


@pytest.mark.parametrize("version", [3, 4])
def test_what_an_mp3_says_already_is_kept(block, version):
    text = b"\0A fox"
    frame = b"TIT2" + len(text).to_bytes(4, "big") + b"\0\0" + text
    tag = b"ID3" + bytes((version, 0, 0)) + len(frame).to_bytes(4, "big") + frame
    sound = sound_marking._mp3(audio.encode(SAMPLES, "mp3"), b"x")
    size = 10 + sound_marking._from_syncsafe(sound[6:10])
    said, _ = read(sound_marking.mark(tag + sound[size:], block))
    assert (said["title"], json.loads(said["AIGC"])) == ("A fox", json.loads(block))


def test_a_header_that_never_ends_is_passed_on(block):
    beginning, data = sound_marking.Beginning(block), b"OggS" + bytes(22) + b"\xff" * 300
    assert beginning.pass_on(data) == b""
    assert beginning.rest() == data
    endless = b"RIFF\0\0\0\0WAVEjunk" + b"\xff" * (sound_marking.LONGEST + 10)
    assert sound_marking.Beginning(block).pass_on(endless) == endless


async def test_what_a_provider_made_is_marked_before_it_is_kept(block, settings):
    class Row:
        public_id = "a-public-id"

    made = Result(made_by="x/y", data=audio.encode(SAMPLES, "flac"), media_type="audio/flac")
    kept = await finishing.finish(Row(), None, made)
    assert json.loads(read(kept.data)[0]["AIGC"])["ProduceID"] == "a-public-id"
    broken = Result(made_by="x/y", data=b"fLaC", media_type="audio/flac")
    assert (await finishing.finish(Row(), None, broken)).data == b"fLaC"
