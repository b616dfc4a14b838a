"""Somebody's sound file as samples for Whisper: mono, 16 kHz, float32.

The bytes come from strangers. What they are is told by their beginning, never by the name or type that was said of
them, and only these containers are opened: FFmpeg by itself would also try playlists, which name other files.
"""

import io
import re
from collections.abc import Callable

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer

from .errors import Stopped, UnreadableAudio

RATE = 16_000
LONGEST_SECONDS = 30 * 60
LARGEST_BYTES = 24 * 2**20
SLOWEST_RATE, FASTEST_RATE = 4_000, 384_000
"""Samples a second of a real recording; at one sample a second a small file would be hours of silence."""

BEGINNINGS = [
    (re.compile(rb"(?:RIFF|RF64).{4}WAVE", re.DOTALL), "wav"),
    (re.compile(rb"OggS"), "ogg"),
    (re.compile(rb"fLaC"), "flac"),
    (re.compile(rb".{4}ftyp", re.DOTALL), "mp4"),  # m4a, mp4, 3gp
    (re.compile(rb"\x1aE\xdf\xa3"), "matroska"),  # webm, mka
    (re.compile(rb"ID3"), "mp3"),
    (re.compile(rb"\xff[\xf0\xf1\xf8\xf9]"), "aac"),  # an ADTS frame: layer 0
    (re.compile(rb"\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff]"), "mp3"),  # an MPEG audio frame: any other layer
]
"""First bytes, after each container's own specification, and the name of FFmpeg's demuxer."""

CODECS = frozenset(
    {
        *("mp3", "mp3float", "mp2", "mp2float", "mp1", "mp1float", "aac", "alac", "opus", "libopus", "vorbis"),
        *("libvorbis", "flac", "speex", "libspeex", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_u8", "pcm_f32le"),
        *("pcm_f64le", "pcm_s16be", "pcm_alaw", "pcm_mulaw", "adpcm_ima_wav", "adpcm_ms", "amrnb", "amrwb"),
        *("libopencore_amrnb", "libopencore_amrwb", "gsm_ms"),
    }
)
"""Decoders of recordings. No other is opened, also not to look what else a file holds."""


def decode(data: bytes, stop: Callable[[], bool] = lambda: False) -> np.ndarray:
    """The samples of the file's first sound track.

    Raises UnreadableAudio for what is none, damaged from the start, empty, or longer than LONGEST_SECONDS; damage
    further on loses only what follows it. Raises Stopped when `stop`, asked before every frame, says so.
    """
    if not data:
        raise UnreadableAudio("The audio file is empty.")
    if len(data) > LARGEST_BYTES:
        raise UnreadableAudio(f"The audio file is larger than {LARGEST_BYTES // 2**20} MiB.")
    try:
        with av.open(io.BytesIO(data), "r", format=_container(data), options=_options()) as container:
            samples = _samples(container, stop)
    except (av.FFmpegError, ValueError, IndexError, OverflowError) as error:
        raise UnreadableAudio("The audio file is damaged: no sound can be read from it.") from error
    if not samples.size:
        raise UnreadableAudio("The audio file holds no sound.")
    return samples


def _container(data: bytes) -> str:
    for beginning, name in BEGINNINGS:
        if beginning.match(data):
            return name
    raise UnreadableAudio("The file is no audio that can be read here: wav, mp3, m4a, ogg, opus, webm, flac or aac.")


def _options() -> dict[str, str]:
    return {"codec_whitelist": ",".join(sorted(CODECS)), "protocol_whitelist": "none"}


def _samples(container: InputContainer, stop: Callable[[], bool]) -> np.ndarray:
    stream = next((stream for stream in container.streams if isinstance(stream, AudioStream)), None)
    if stream is None:
        raise UnreadableAudio("The file holds no sound: it has no audio track.")
    codec = stream.codec_context
    if codec is None or codec.name not in CODECS:
        raise UnreadableAudio(f"The audio codec {codec.name if codec else 'of the file'} is not read here.")
    if not SLOWEST_RATE <= codec.sample_rate <= FASTEST_RATE:
        raise UnreadableAudio(f"The file has {codec.sample_rate} samples a second.")
    codec.thread_count = 1
    resampler = av.AudioResampler(format="fltp", layout="mono", rate=RATE)
    pieces: list[np.ndarray] = []
    length = 0
    try:
        for frame in container.decode(stream):
            if stop():
                raise Stopped
            frame.pts = None  # broken time stamps would make the resampler fill gaps with silence
            for resampled in resampler.resample(frame):
                pieces.append(resampled.to_ndarray()[0])
                length += pieces[-1].size
            if length > LONGEST_SECONDS * RATE:
                raise UnreadableAudio(f"The recording is longer than {LONGEST_SECONDS // 60} minutes.")
        pieces += [resampled.to_ndarray()[0] for resampled in resampler.resample(None)]
    except (av.FFmpegError, ValueError):
        # Cut off or damaged further on, as recordings are when their program crashed: what came before is kept.
        if not length:
            raise
    return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
