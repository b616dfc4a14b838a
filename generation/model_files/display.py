"""A fetch as an operator sees it: bars on a terminal, plain lines anywhere else."""

import shutil
import time
from typing import TextIO

from generation.model_files.progress import Display, FileProgress

REDRAW_EVERY = 0.1  # seconds
BAR = 16  # characters
NAME = 40  # characters
STEP = 10  # percent between two plain lines of one file


def display_for(stream: TextIO) -> Display:
    return Bars(stream) if stream.isatty() else Lines(stream)


def megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


class Bars:
    """A bar for each file and one for all, drawn over themselves."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._drawn = 0
        self._drawn_at = float("-inf")
        self._states: list[str] = []

    def show(self, files: dict[str, FileProgress]) -> None:
        states = [entry.state for entry in files.values()]
        if states == self._states and time.monotonic() - self._drawn_at < REDRAW_EVERY:
            return
        self._states, self._drawn_at = states, time.monotonic()
        whole = FileProgress(sum(f.bytes for f in files.values()), sum(f.total for f in files.values()), "")
        rows = [*files.items(), ("in total", whole)]
        width = shutil.get_terminal_size().columns - 1
        self._erase()
        for name, entry in rows:
            self._stream.write(_bar(name, entry)[:width] + "\n")
        self._stream.flush()
        self._drawn = len(rows)

    def note(self, sentence: str) -> None:
        self._erase()
        self._stream.write(sentence + "\n")
        self._stream.flush()
        self._states = []  # the bars come back at once

    def _erase(self) -> None:
        if self._drawn:
            self._stream.write(f"\x1b[{self._drawn}A\x1b[J")  # up, and clear what is below
            self._drawn = 0


def _bar(name: str, entry: FileProgress) -> str:
    share = entry.bytes / entry.total if entry.total else 1.0
    filled = int(share * BAR)
    return (
        f"{name:<{NAME}.{NAME}} [{'#' * filled}{'.' * (BAR - filled)}] {share:4.0%} of {megabytes(entry.total)} "
        f"{entry.state}"
    )


class Lines:
    """One line when a file begins, at every tenth of it, and when it ends."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._told: dict[str, tuple[str, int]] = {}

    def show(self, files: dict[str, FileProgress]) -> None:
        for name, entry in files.items():
            step = 100 * entry.bytes // entry.total // STEP if entry.state == "fetching" else 0
            if entry.state == "missing" or self._told.get(name) == (entry.state, step):
                continue
            self._told[name] = (entry.state, step)
            self.note(f"{name}: {entry.state}, {megabytes(entry.bytes)} of {megabytes(entry.total)}")

    def note(self, sentence: str) -> None:
        self._stream.write(sentence + "\n")
        self._stream.flush()
