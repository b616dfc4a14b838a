"""Sound as files: what is encoded can be decoded, at its length, in pieces as in one."""

import io
import struct

import av
import numpy as np
import pytest

from generation import audio

ALL = pytest.mark.parametrize("format", list(audio.FORMATS))
COMPRESSED = ("mp3", "opus", "aac")
BEGINNINGS = {"mp3": b"ID3", "opus": b"OggS", "aac": b"\xff\xf1", "flac": b"fLaC", "wav": b"RIFF"}


def sine(seconds: float, hertz: float = 440) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * audio.RATE)) / audio.RATE)).astype(np.float32)


def decoded(data: bytes, format: str) -> tuple[np.ndarray, int]:
    """Samples and rate, as another program would read them."""
    if format == "pcm":
        return np.frombuffer(data, "<i2") / 32768, audio.RATE
    with av.open(io.BytesIO(data)) as container:
        frames = list(container.decode(audio=0))
    resampler = av.AudioResampler(format="flt", layout="mono", rate=frames[0].sample_rate)
    samples = [out.to_ndarray()[0] for frame in [*frames, None] for out in resampler.resample(frame)]
    return np.concatenate(samples), frames[0].sample_rate


def loudest_hertz(samples: np.ndarray, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples))
    return float(np.fft.rfftfreq(samples.size, 1 / rate)[spectrum.argmax()])


@ALL
def test_a_sine_comes_back_with_its_length_pitch_and_level(format):
    samples, rate = decoded(audio.encode(sine(2), format), format)
    assert rate == (48_000 if format == "opus" else audio.RATE)  # Opus always decodes at 48 kHz
    assert samples.size / rate == pytest.approx(2, abs=0.1 if format == "aac" else 0.01)
    assert loudest_hertz(samples, rate) == pytest.approx(440, abs=2)
    assert np.sqrt((samples**2).mean()) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)


@ALL
def test_a_file_begins_as_its_format_does(format):
    data = audio.encode(sine(0.5), format)
    assert data.startswith(BEGINNINGS.get(format, b""))
    assert audio.sniff(data) == format


@ALL
def test_pieces_make_the_same_sound_as_the_whole(format):
    sound = sine(2, hertz=330)
    encoder = audio.Encoder(format)
    pieces = [encoder.write(sound[start : start + 5000]) for start in range(0, sound.size, 5000)]
    joined, rate = decoded(b"".join([*pieces, encoder.finish()]), format)
    whole, _ = decoded(audio.encode(sound, format), format)
    surplus = joined.size - whole.size  # only a header that came too late could have named MP3's padding
    assert 0 <= surplus <= (0.07 * rate if format == "mp3" else 0)
    closest = min(np.abs(joined[skip : skip + whole.size] - whole).max() for skip in range(surplus + 1))
    assert closest < 0.01


@ALL
def test_a_stream_yields_bytes_before_its_end(format):
    encoder = audio.Encoder(format)
    early = encoder.write(sine(1))
    assert audio.duration(early, format) > 0.5
    late = encoder.write(sine(1))
    assert audio.duration(early + late + encoder.finish(), format) == pytest.approx(2, abs=0.1)


@ALL
def test_the_same_samples_give_the_same_bytes(format):
    assert audio.encode(sine(0.5), format) == audio.encode(sine(0.5), format)


@ALL
def test_no_samples_are_a_file_without_sound(format):
    data = audio.encode(np.zeros(0, np.float32), format)
    assert len(data) < 10_000
    if format in ("flac", "wav", "pcm"):
        assert audio.duration(data, format) == 0


@pytest.mark.parametrize("format", ["mp3", "flac", "wav"])
def test_a_whole_file_says_its_length_in_its_header(format):
    with av.open(io.BytesIO(audio.encode(sine(1.5), format))) as container:
        assert container.duration / av.time_base == pytest.approx(1.5, abs=0.01)


def test_an_mp3_has_64_kilobits_a_second():
    assert len(audio.encode(sine(10), "mp3")) == pytest.approx(80_000, rel=0.02)


def test_a_wav_is_16_bit_mono():
    channels, rate = struct.unpack("<HI", audio.encode(sine(0.1), "wav")[22:28])
    assert (channels, rate) == (1, audio.RATE)


def test_another_rate_is_kept():
    assert decoded(audio.encode(sine(1), "flac", rate=16_000), "flac")[1] == 16_000


def test_too_loud_and_impossible_samples_are_bounded():
    samples, _ = decoded(audio.encode(np.array([3.0, -3.0, np.nan, np.inf, 0.25], np.float32), "pcm"), "pcm")
    assert samples == pytest.approx([1, -1, 0, 1, 0.25], abs=0.001)


@ALL
def test_the_duration_of_any_format_is_found(format):
    assert audio.duration(audio.encode(sine(3), format), format) == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize("format", COMPRESSED)
def test_the_duration_needs_no_format_where_the_bytes_tell_it(format):
    assert audio.duration(audio.encode(sine(1), format)) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("data", [b"RIFF\0\0\0\0", b"OggS" + b"\0" * 100, b"ID3\x04\xff\xff", b"fLaC", b"\xff\xfb" * 9])
def test_a_broken_file_is_not_audio(data):
    with pytest.raises(audio.NotAudio):
        audio.duration(data)


def test_an_unknown_format_is_a_key_error():
    with pytest.raises(KeyError):
        audio.Encoder("au")


def test_every_format_has_a_media_type_and_an_ending_of_its_own():
    assert audio.FORMATS["mp3"].media_type == "audio/mpeg"
    assert len({format.ending for format in audio.FORMATS.values()}) == 6
