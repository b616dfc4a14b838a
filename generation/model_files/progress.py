"""How far a fetch has come: kept in a small file for the site, and handed to a display for the operator."""

import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from generation.model_files.folder import PROGRESS, write_atomically
from generation.model_files.manifest import ModelFile

WRITE_EVERY = 1.0  # seconds between two versions of the progress file


@dataclass
class FileProgress:
    """`state`: `missing` (not begun), `fetching`, `ready` or `failed`."""

    bytes: int
    total: int
    state: str = "missing"
    error: str = ""


class Display(Protocol):
    """Shows a fetch to a person."""

    def show(self, files: dict[str, FileProgress]) -> None:
        """Something moved. Called often."""

    def note(self, sentence: str) -> None:
        """Something worth a line of its own."""


class Progress:
    """The progress of one fetch over all its files."""

    def __init__(self, folder: Path, files: Iterable[ModelFile], display: Display) -> None:
        self.files = {file.name: FileProgress(0, file.bytes) for file in files}
        self._path = folder / PROGRESS
        self._display = display
        self._written_at = float("-inf")

    def begin(self, file: ModelFile) -> None:
        self._set(file, state="fetching")

    def advance(self, file: ModelFile, size: int) -> None:
        """`size` bytes of the finished file are here."""
        self.files[file.name].bytes = min(size, file.bytes)
        if time.monotonic() - self._written_at >= WRITE_EVERY:
            self._write()
        self._display.show(self.files)

    def ready(self, file: ModelFile) -> None:
        self._set(file, state="ready", size=file.bytes)

    def failed(self, file: ModelFile, error: str) -> None:
        self._set(file, state="failed", error=error)

    def stopped(self) -> None:
        """The fetch ends, perhaps in the middle: nothing is being fetched any more."""
        for entry in self.files.values():
            if entry.state == "fetching":
                entry.state = "missing"
        self._write()

    def _set(self, file: ModelFile, *, state: str, size: int | None = None, error: str = "") -> None:
        entry = self.files[file.name]
        entry.state, entry.error = state, error
        if size is not None:
            entry.bytes = size
        self._write()
        self._display.show(self.files)

    def _write(self) -> None:
        self._written_at = time.monotonic()
        try:
            write_atomically(self._path, json.dumps({name: asdict(entry) for name, entry in self.files.items()}))
        except OSError:
            pass  # progress is a courtesy: a full disk is reported by the file that does not fit
