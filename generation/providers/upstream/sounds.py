"""Sound from upstreams: known by its first bytes, measured by decoding, and in the format that was asked for."""

import asyncio
import io

import numpy as np

from generation import audio
from generation.errors import InvalidParameter
from generation.providers.upstream.faults import garbled
from generation.requests import SpeechRequest
from generation.results import Result

MOST_SECONDS = 3600


class _Unusable(Exception):
    pass


async def result(provider: str, data: bytes, request: SpeechRequest, made_by: str, *, sent: str = "") -> Result:
    """The sound as a Result. ProviderError when the bytes are none. `sent` is "pcm" where bare samples may come."""
    if request.format not in audio.FORMATS:
        raise InvalidParameter(f"format is {request.format[:40]!r}; allowed are {', '.join(audio.FORMATS)}.")
    try:
        data, duration = await asyncio.to_thread(_fitting, data, request.format, sent)
    except _Unusable as exc:
        raise garbled(provider, str(exc)) from exc
    media_type = audio.FORMATS[request.format].media_type
    return Result(made_by=made_by, data=data, media_type=media_type, duration=duration)


def _fitting(data: bytes, wanted: str, sent: str) -> tuple[bytes, float]:
    """The same sound in the wanted format, and its seconds."""
    import av  # see generation.audio

    found = audio.sniff(data)
    if found == "pcm" and (sent != "pcm" or len(data) % 2 or data.lstrip()[:1] in (b"{", b"<")):
        raise _Unusable("it is no sound")
    try:
        if found == wanted:
            duration = audio.duration(data, wanted)
        else:
            samples = np.frombuffer(data, "<i2") / np.float32(32768) if found == "pcm" else _samples(data)
            duration = samples.size / audio.RATE
            data = audio.encode(samples, wanted)
    except (audio.NotAudio, av.FFmpegError, ValueError, IndexError) as exc:
        raise _Unusable("its sound cannot be read") from exc
    if not duration:
        raise _Unusable("it holds no sound")
    return data, duration


def _samples(data: bytes) -> np.ndarray:
    """Mono samples at audio.RATE."""
    import av

    resampler = av.AudioResampler(format="flt", layout="mono", rate=audio.RATE)
    heard: list[np.ndarray] = []
    with av.open(io.BytesIO(data), "r") as container:
        for frame in (*container.decode(audio=0), None):
            heard += [part.to_ndarray().ravel() for part in resampler.resample(frame)]
            if sum(part.size for part in heard) > MOST_SECONDS * audio.RATE:
                raise _Unusable(f"it is longer than {MOST_SECONDS} seconds")
    return np.concatenate(heard) if heard else np.zeros(0, np.float32)
