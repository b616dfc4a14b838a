"""Kokoro-82M: phonemes and a voice's style become sound. Model and voices are by hexgrad, Apache-2.0.

A voice file holds 510 styles of 256 float32 (little-endian), one for each length of the text in phonemes.
"""

import hashlib
import json
from functools import cached_property
from pathlib import Path

import numpy as np

from .errors import Unavailable, UnknownVoice
from .script import Language

RATE = 24_000
"""Samples a second of everything that is spoken here."""

LONGEST = 480
"""Phonemes one run of the model takes, with room to its limit of 510 tokens."""

DATA = Path(__file__).parent / "data"


class Voices:
    """The voices of a folder. `voices.json` names the file and its SHA-256 by voice and language; a file is checked
    when it is first read."""

    def __init__(self, folder: Path = DATA) -> None:
        self.folder = folder
        self._styles: dict[str, np.ndarray] = {}

    @cached_property
    def _files(self) -> dict[str, dict[Language, dict[str, str]]]:
        return json.loads((self.folder / "voices.json").read_text())

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._files)

    def british(self, voice: str) -> bool:
        return self._named(voice, "en").startswith("b")

    def styles(self, voice: str, language: Language) -> np.ndarray:
        """The styles of a voice: float32, one row of 256 for each length in phonemes."""
        name = self._named(voice, language)
        if name not in self._styles:
            self._styles[name] = self._read(name, self._files[voice][language]["sha256"])
        return self._styles[name]

    def _named(self, voice: str, language: Language) -> str:
        if voice not in self._files:
            raise UnknownVoice(voice, self.names)
        return self._files[voice][language]["file"]

    def _read(self, name: str, sha256: str) -> np.ndarray:
        try:
            data = (self.folder / name).read_bytes()
        except OSError as error:
            raise Unavailable(f"The voice file {name} cannot be read: {error.strerror}.") from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise Unavailable(f"The voice file {name} is damaged: its SHA-256 is not the one in voices.json.")
        return np.frombuffer(data, "<f4").reshape(-1, 256)


class Kokoro:
    """The loaded model (0.6 s). Not safe for two threads at once, because its threads are shared out on purpose."""

    def __init__(self, model: Path, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4  # errors are raised; the log would repeat them on stderr
        # Threads that spin while they wait take the cores that other engines need.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Between runs the memory of the longest piece (400 MB) is given back; a run takes about 3 % longer for it.
        self._run = onnxruntime.RunOptions()
        self._run.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._ids: dict[str, int] = json.loads((DATA / "phonemes.json").read_text())

    def say(self, phonemes: str, styles: np.ndarray, speed: float) -> np.ndarray:
        """Float32 samples at 24 kHz. Characters outside the phoneme table are silent."""
        ids = [self._ids[phoneme] for phoneme in phonemes if phoneme in self._ids][:LONGEST]
        if not ids:
            return np.zeros(0, np.float32)
        inputs = {
            "tokens": np.array([[0, *ids, 0]], np.int64),
            "style": styles[len(ids) - 1][None],
            "speed": np.array([speed], np.float32),
        }
        return np.asarray(self._session.run(None, inputs, self._run)[0], np.float32).ravel()
