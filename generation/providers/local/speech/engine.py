"""The speech engine: a text goes in, sound comes out sentence by sentence."""

import logging
import threading
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from .chinese import Chinese
from .english import English
from .errors import EmptyText, Stopped, Unavailable, UnknownVoice
from .kokoro import DATA, LONGEST, RATE, Kokoro, Voices
from .pieces import cut, sentences
from .script import Language, clean, language_of

SLOWEST, FASTEST = 0.25, 4.0
PIECE = 240
"""Phonemes of one piece at speed 1: 13 to 15 s of sound. A run of the model cannot be interrupted."""

PEAK = 0.97
HUSH = 0.005
"""Samples below this are silence."""

BEFORE, BETWEEN_WORDS, BETWEEN_SENTENCES = 0.08, 0.1, 0.3
"""Seconds of silence left before a piece, and after one that ends inside or at the end of a sentence."""

ModelName = Literal["kokoro", "hibari"]

log = logging.getLogger(__name__)


class Speech(Iterator[np.ndarray]):
    """A text being spoken: its sound piece by piece, and the model that makes it."""

    def __init__(self, model: ModelName, pieces: Iterator[np.ndarray]) -> None:
        self.model = model
        self._pieces = pieces

    def __next__(self) -> np.ndarray:
        return next(self._pieces)


class SpeechEngine:
    """Speaks English and Chinese in six voices; loaded on first use, safe to call from several threads.

    `model` is kokoro-v1.0.int8.onnx. While it is None, missing or unreadable, hibari's one voice speaks English
    whatever voice is asked for (the `model` of a Speech tells), and Chinese is Unavailable; a file that arrives later
    is taken into use with the next text. `voices` is a folder with voices.json. `threads` bounds the cores of one run.
    """

    rate = RATE

    def __init__(self, model: Path | None, voices: Path = DATA, threads: int = 2) -> None:
        self._model = model
        self._threads = threads
        self._voices = Voices(voices)
        self._lock = threading.Lock()
        self._kokoro: Kokoro | None = None
        self._unreadable: tuple[int, int] | None = None
        self._american = English()
        self._british = English(british=True)
        self._chinese = Chinese(self._american)

    @property
    def voices(self) -> tuple[str, ...]:
        """alloy, echo, fable, onyx, nova, shimmer."""
        return self._voices.names

    def model_name(self, text: str) -> ModelName:
        """Which model would speak this text now. Loads it; raises what `speak` raises for the text."""
        language = language_of(clean(text))
        with self._lock:
            return "kokoro" if self._ready(language) else "hibari"

    def speak(self, text: str, *, voice: str, speed: float = 1.0, stop: Callable[[], bool] = lambda: False) -> Speech:
        """Float32 samples in -1..1, mono, 24 kHz: one array per sentence, each as soon as it is made.

        Raises UnknownVoice, EmptyText, UnsupportedLanguage, Unavailable or ValueError (a speed outside 0.25 to 4) at
        once; the iterator raises Stopped when `stop`, asked before every piece of at most about 15 s, says so.
        """
        if voice not in self._voices.names:
            raise UnknownVoice(voice, self._voices.names)
        if not SLOWEST <= speed <= FASTEST:
            raise ValueError(f"speed is {speed}: it must be from {SLOWEST} to {FASTEST}")
        text = clean(text)
        language = language_of(text)
        with self._lock:
            kokoro = self._ready(language)
        pieces = self._pieces(kokoro, text, language, voice, speed, stop)
        return Speech("kokoro" if kokoro else "hibari", pieces)

    def _pieces(
        self,
        kokoro: Kokoro | None,
        text: str,
        language: Language,
        voice: str,
        speed: float,
        stop: Callable[[], bool],
    ) -> Iterator[np.ndarray]:
        phonemes_of = self._rules(language, voice, kokoro)
        limit = max(40, min(LONGEST, int(PIECE * speed)))
        gain, started = 1.0, False
        for sentence in sentences(text, language):
            if stop():
                raise Stopped
            with self._lock:
                phonemes = phonemes_of(sentence)
            pieces = list(cut(phonemes, limit, opening=not started))
            for number, piece in enumerate(pieces, 1):
                if stop():
                    raise Stopped
                samples = self._say(kokoro, piece, language, voice, speed)
                pause = BETWEEN_SENTENCES if number == len(pieces) else BETWEEN_WORDS
                samples = trimmed(samples, pause / speed)
                if not samples.size:
                    continue
                gain = min(
                    gain, PEAK / max(PEAK, float(np.abs(samples).max()))
                )  # only ever down: no sentence jumps out
                started = True
                yield samples * np.float32(gain)
        if not started:
            raise EmptyText

    def _rules(self, language: Language, voice: str, kokoro: Kokoro | None) -> Callable[[str], str]:
        if language == "zh":
            return self._chinese
        return self._british if kokoro and self._voices.british(voice) else self._american

    def _say(self, kokoro: Kokoro | None, phonemes: str, language: Language, voice: str, speed: float) -> np.ndarray:
        with self._lock:
            if kokoro:
                return kokoro.say(phonemes, self._voices.styles(voice, language), speed)
            return np.asarray(self._hibari.from_phonemes(phonemes, speed, seed=0), np.float32)

    def _ready(self, language: Language) -> Kokoro | None:
        """The loaded Kokoro, or None for hibari. Call with the lock held."""
        if not self._kokoro:
            self._kokoro = self._load()
        if not self._kokoro and language == "zh":
            raise Unavailable(f"Chinese needs the Kokoro model file, which is {self._why_not()}.")
        return self._kokoro

    def _load(self) -> Kokoro | None:
        state = self._file_state()
        if not self._model or state is None or state == self._unreadable:
            return None
        try:
            return Kokoro(self._model, self._threads)
        except Exception as error:  # onnxruntime's own exceptions share no base class
            self._unreadable = state
            log.warning("The speech model %s cannot be loaded: %s", self._model.name, error)
            return None

    def _file_state(self) -> tuple[int, int] | None:
        try:
            status = self._model.stat() if self._model else None
        except OSError:
            return None
        return (status.st_size, status.st_mtime_ns) if status else None

    def _why_not(self) -> str:
        return "damaged" if self._file_state() else "not there yet"

    @cached_property
    def _hibari(self) -> Any:
        from hibari import Hibari

        return Hibari(threads=1)


def trimmed(samples: np.ndarray, pause: float) -> np.ndarray:
    """The samples with BEFORE seconds of silence in front and `pause` behind; unchanged if all is silence."""
    loud = np.flatnonzero(np.abs(samples) > HUSH)
    if not loud.size:
        return samples
    start, end = max(0, loud[0] - int(BEFORE * RATE)), loud[-1] + 1 + int(pause * RATE)
    return np.pad(samples[start:end], (0, max(0, end - samples.size)))
