"""Sound as files: samples become MP3, Ogg Opus, AAC, FLAC, WAV or raw PCM, at once or while they are being made.

Samples are float32, mono, in -1..1. MP3 is constant bit rate, so that its length follows from its size even in a
stream, where no header can be written afterwards; `pcm` is 16 bit, little-endian, without a header. The format names
are those of OpenAI's `response_format`.

PyAV is imported where sound is made or read: it takes a tenth of the memory of a process that does neither.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pollweb.lib.growing import Growing

if TYPE_CHECKING:
    import av

RATE = 24_000
"""Samples a second, where nothing else is said."""


@dataclass(frozen=True)
class Format:
    media_type: str
    ending: str
    container: str
    codec: str
    bit_rate: int = 0


FORMATS = {
    "mp3": Format("audio/mpeg", ".mp3", "mp3", "libmp3lame", 64_000),
    "opus": Format("audio/ogg", ".opus", "ogg", "libopus", 32_000),
    "aac": Format("audio/aac", ".aac", "adts", "aac", 64_000),
    "flac": Format("audio/flac", ".flac", "flac", "flac"),
    "wav": Format("audio/wav", ".wav", "wav", "pcm_s16le"),
    "pcm": Format("audio/pcm", ".pcm", "s16le", "pcm_s16le"),
}


class NotAudio(ValueError):
    """The bytes cannot be read as sound."""


def encode(samples: np.ndarray, format: str, rate: int = RATE) -> bytes:
    """A complete file, its header with the true length. KeyError for a format that is not in FORMATS."""
    file = io.BytesIO()
    writer = _Writer(file, FORMATS[format], rate)
    writer.write(samples)
    writer.close()
    return file.getvalue()


class Encoder:
    """A file made while its sound is made: join what `write` and `finish` return.

    The bytes cannot be corrected afterwards, so the headers of MP3, FLAC and WAV say nothing, or "unknown", of the
    length: players take that, and `encode` is better for a file to keep. KeyError for an unknown format.
    """

    def __init__(self, format: str, rate: int = RATE) -> None:
        self._pipe = Growing()
        self._writer = _Writer(self._pipe, FORMATS[format], rate)

    def write(self, samples: np.ndarray) -> bytes:
        """What is ready after these samples; codecs keep back up to a frame, Ogg up to a page (0.2 s)."""
        self._writer.write(samples)
        return self._pipe.take()

    def finish(self) -> bytes:
        """The rest. Nothing may be written afterwards."""
        self._writer.close()
        return self._pipe.take()


def duration(data: bytes, format: str = "") -> float:
    """Length in seconds, by decoding. Bytes without a known beginning are pcm at RATE, as `format="pcm"` says for
    certain; NotAudio when they begin like a sound file and hold none."""
    if (format or sniff(data)) == "pcm":
        return len(data) / 2 / RATE
    import av

    try:
        with av.open(io.BytesIO(data), "r") as container:
            return sum((frame.samples / frame.sample_rate for frame in container.decode(audio=0)), 0.0)
    except (av.FFmpegError, ValueError, IndexError) as error:
        raise NotAudio("These bytes cannot be read as sound.") from error


def converted(data: bytes, format: str) -> bytes:
    """Any sound file as one of FORMATS, mono at RATE, frame by frame. NotAudio when it holds no sound."""
    import av

    encoder, made = Encoder(format), []
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    try:
        with av.open(io.BytesIO(data), "r") as container:
            for frame in container.decode(audio=0):
                frame.pts = None  # broken time stamps would make the resampler fill gaps with silence
                made += [encoder.write(piece.to_ndarray()[0]) for piece in resampler.resample(frame)]
        made += [encoder.write(piece.to_ndarray()[0]) for piece in resampler.resample(None)]
    except (av.FFmpegError, ValueError, IndexError) as error:
        raise NotAudio("These bytes cannot be read as sound.") from error
    return b"".join((*made, encoder.finish()))


def sniff(data: bytes) -> str:
    """The name in FORMATS that the first bytes tell; "pcm" when they tell nothing."""
    if data[:4] == b"RIFF":
        return "wav"
    if data[:4] == b"OggS":
        return "opus"
    if data[:4] == b"fLaC":
        return "flac"
    if data[:3] == b"ID3":
        return "mp3"
    if len(data) > 1 and data[0] == 0xFF and data[1] & 0xE0 == 0xE0:  # a frame's sync bits; layer 0 is ADTS
        return "mp3" if data[1] & 0x06 else "aac"
    return "pcm"


class _Writer:
    """Encodes into an open file; one that cannot seek gets no corrections of its header."""

    def __init__(self, file: io.BytesIO | Growing, format: Format, rate: int) -> None:
        import av
        from av.audio.stream import AudioStream

        # The same samples give the same bytes (no random numbers, no version), and each packet leaves at once.
        options = {"fflags": "bitexact", "flush_packets": "1"}
        if format.container == "ogg":
            options["page_duration"] = "200000"  # microseconds; by itself a page waits for a whole second
        self._container = av.open(file, "w", format=format.container, container_options=options)
        stream = self._container.add_stream(format.codec, rate=rate, layout="mono")
        assert isinstance(stream, AudioStream)
        if format.bit_rate:
            stream.bit_rate = format.bit_rate
        self._stream, self._rate, self._written = stream, rate, 0
        self._container.start_encoding()  # writes the header, which a file without any sound has too

    def write(self, samples: np.ndarray) -> None:
        for frame in self._frames(samples):
            for packet in self._stream.encode(frame):
                self._container.mux(packet)

    def close(self) -> None:
        for packet in self._stream.encode(None):
            self._container.mux(packet)
        self._container.close()

    def _frames(self, samples: np.ndarray) -> "Iterator[av.AudioFrame]":
        import av

        if not samples.size:
            return
        samples = np.nan_to_num(np.asarray(samples, np.float32).ravel())
        integers = np.round(samples.clip(-1, 1) * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(integers[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts = self._rate, self._written
        self._written += integers.size
        yield frame
