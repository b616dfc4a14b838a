"""Sound files from strangers become samples, or a sentence that says why not."""

import struct

import numpy as np
import pytest

from generation.providers.local.transcription import Stopped, UnreadableAudio, decode, decoding
from tests.generation.sounds import KINDS, silent_film, sine, sound_file


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_container_comes_back_with_its_length_and_pitch(kind):
    samples = decode(sound_file(kind, sine(2)))
    assert samples.dtype == np.float32
    assert samples.size / decoding.RATE == pytest.approx(2, abs=0.1)
    spectrum = np.abs(np.fft.rfft(samples))
    assert np.fft.rfftfreq(samples.size, 1 / decoding.RATE)[spectrum.argmax()] == pytest.approx(440, abs=2)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 96_000])
def test_any_usual_rate_becomes_16_khz(rate):
    assert decode(sound_file("wav", sine(1, rate), rate)).size == pytest.approx(decoding.RATE, abs=200)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "is empty"),
        (b"This is a text that somebody renamed to song.mp3.\n" * 100, "no audio that can be read"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "no audio that can be read"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "no audio that can be read"),
        (b"ID3" + bytes(5000), "damaged"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(8), "damaged"),
        (b"OggS" + bytes(4000), "damaged"),
        (b"\x00\x00\x00\x20ftypM4A " + bytes(4000), "damaged"),
        (b"\x1aE\xdf\xa3" + bytes(4000), "damaged"),
        (b"fLaC" + bytes(4000), "damaged"),
        (sound_file("wav")[:44], "no sound|damaged"),
        (sound_file("m4a")[:200], "damaged"),
        (silent_film(), "no audio track"),
    ],
)
def test_what_holds_no_sound_is_refused_with_the_reason(data, why):
    with pytest.raises(UnreadableAudio, match=why):
        decode(data)


@pytest.mark.parametrize("kind", ["wav", "mp3", "ogg", "flac"])
def test_a_recording_that_was_cut_off_keeps_what_it_has(kind):
    whole = sound_file(kind, sine(4))
    assert 1 < decode(whole[: len(whole) // 2]).size / decoding.RATE < 3


def test_the_longest_recording_has_a_limit(monkeypatch):
    monkeypatch.setattr(decoding, "LONGEST_SECONDS", 2)
    with pytest.raises(UnreadableAudio, match="longer than"):
        decode(sound_file("flac", np.zeros(24_000 * 3, np.float32)))


def test_a_file_may_not_be_larger_than_the_limit(monkeypatch):
    monkeypatch.setattr(decoding, "LARGEST_BYTES", 1000)
    with pytest.raises(UnreadableAudio, match="larger than"):
        decode(sound_file("wav"))


def test_a_rate_at_which_small_files_are_hours_is_refused():
    data = bytearray(sound_file("wav"))
    struct.pack_into("<II", data, 24, 1, 2)
    with pytest.raises(UnreadableAudio, match="1 samples a second"):
        decode(bytes(data))


def test_it_stops_when_told():
    with pytest.raises(Stopped):
        decode(sound_file("wav"), lambda: True)


def test_random_bytes_behind_a_right_beginning_never_do_more_than_be_refused():
    random = np.random.default_rng(7)
    for kind in KINDS:
        whole = sound_file(kind)
        for _ in range(10):
            data = bytearray(whole)
            for position in random.integers(0, len(data), 200):
                data[position] = random.integers(0, 256)
            try:
                assert decode(bytes(data)).size
            except UnreadableAudio:
                pass
