"""The transcription engine: a recording goes in, text comes out segment by segment."""

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from .decoding import RATE, decode
from .errors import ModelMissing, Stopped, UnknownLanguage

FILES = ("model.bin", "config.json", "tokenizer.json", "vocabulary.txt")
"""What a model's folder holds."""

SIMPLIFIED = "以下是普通话的句子。"
"""Without a word of guidance the small models write Chinese in traditional characters, whoever speaks."""

FALLBACKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Whisper's own temperatures: the next is tried when a window came out repetitive or improbable."""


@dataclass(frozen=True, slots=True)
class Word:
    """Times in seconds from the beginning of the recording."""

    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True)
class Segment:
    """Some words, and what Whisper thinks of them. Times in seconds from the beginning of the recording."""

    start: float
    end: float
    text: str
    tokens: tuple[int, ...]
    seek: int
    temperature: float
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float
    words: tuple[Word, ...] = ()


class Transcription(Iterator[Segment]):
    """A recording being written down: its segments in order. `language` is a code such as `en`, `duration` seconds."""

    def __init__(self, language: str, duration: float, segments: Iterator[Segment]) -> None:
        self.language = language
        self.duration = duration
        self._segments = segments

    def __next__(self) -> Segment:
        return next(self._segments)


class TranscriptionEngine:
    """Loaded on first use, which takes about a second; safe to call from several threads, one at a time.

    `folder` holds the FILES of a Whisper model that was converted to CTranslate2; `threads` bounds the cores.
    """

    def __init__(self, folder: Path, threads: int = 2) -> None:
        self._folder = folder
        self._threads = threads
        self._lock = threading.Lock()

    @property
    def languages(self) -> tuple[str, ...]:
        """The codes it understands: 100 of them, or English alone."""
        with self._lock:
            return tuple(self._whisper.supported_languages)

    def transcribe(
        self,
        data: bytes,
        *,
        language: str = "",
        hint: str = "",
        temperature: float = 0.0,
        words: bool = False,
        stop: Callable[[], bool] = lambda: False,
    ) -> Transcription:
        """Write down a sound file: wav, mp3, m4a, ogg, webm, flac or aac.

        `language` "" is found out from the first half minute; `hint` is text as it might have stood before, whose
        spelling and style are followed. Raises UnreadableAudio, UnknownLanguage or ModelMissing at once; Stopped when
        `stop`, asked while decoding and before every segment, says so.
        """
        samples = decode(data, stop)
        known = self.languages
        if language and language not in known:
            raise UnknownLanguage(language, known)
        if stop():
            raise Stopped
        options = {
            "initial_prompt": hint or None,
            "temperature": list(FALLBACKS) if temperature <= 0 else temperature,
            "beam_size": 2,
            "word_timestamps": words,
            "vad_filter": True,
            # A window that came out wrong does not lead the next one astray.
            "condition_on_previous_text": False,
        }
        with self._lock:
            segments, info = self._whisper.transcribe(
                samples, language=language or None, hotwords=SIMPLIFIED if language == "zh" else None, **options
            )
            if info.language == "zh" and not language:  # nothing is written down before the first segment is asked for
                segments, info = self._whisper.transcribe(samples, language="zh", hotwords=SIMPLIFIED, **options)
        return Transcription(info.language, samples.size / RATE, self._segments(segments, stop))

    def _segments(self, segments: Iterator[Any], stop: Callable[[], bool]) -> Iterator[Segment]:
        while True:
            if stop():
                raise Stopped
            with self._lock:
                segment = next(segments, None)
            if segment is None:
                return
            yield Segment(
                start=float(segment.start),
                end=float(segment.end),
                text=segment.text,
                tokens=tuple(segment.tokens),
                seek=segment.seek,
                temperature=float(segment.temperature or 0),
                avg_logprob=float(segment.avg_logprob),
                compression_ratio=float(segment.compression_ratio),
                no_speech_prob=float(segment.no_speech_prob),
                words=tuple(Word(float(word.start), float(word.end), word.word) for word in segment.words or ()),
            )

    @cached_property
    def _whisper(self) -> Any:
        """Call with the lock held."""
        missing = [name for name in FILES if not (self._folder / name).is_file()]
        if missing:
            raise ModelMissing(f"The transcription model lacks {', '.join(missing)}.")
        # Whatever it lacks is never to be fetched behind the operator's back.
        os.environ["HF_HUB_OFFLINE"] = "1"
        from faster_whisper import WhisperModel

        try:
            return WhisperModel(
                str(self._folder), device="cpu", compute_type="int8", cpu_threads=self._threads, local_files_only=True
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise ModelMissing("The transcription model cannot be loaded: its files are damaged.") from error
