"""What a person sees and gets: progress, files under sensible names, text that cannot move the cursor."""

import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pollweb.cli.errors import AWAY, USAGE, Failure

ENDINGS = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "audio/mpeg": ".mp3",
    "audio/ogg": ".opus",
    "audio/opus": ".opus",
    "audio/aac": ".aac",
    "audio/flac": ".flac",
    "audio/wav": ".wav",
    "audio/x-wav": ".wav",
    "audio/pcm": ".pcm",
    "audio/l16": ".pcm",
}
LONGEST_NAME = 60  # characters: a name can still be read in a list
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """Without what a terminal would obey: what others wrote shall not colour it, clear it or turn it round."""
    return CONTROLS.sub("", text)


class Progress:
    """One line on standard error while something is made; nothing where that is no terminal."""

    def __init__(self, quiet: bool) -> None:
        self.shown = not quiet and sys.stderr.isatty()
        self.words = ""

    def say(self, words: str) -> None:
        self.words = clean(words)
        if not self.shown:
            return
        self._draw("")

    @contextmanager
    def of(self, words: str) -> Iterator[None]:
        self.words = words
        if not self.shown:
            yield
            return
        ended, began = threading.Event(), time.monotonic()

        def draw() -> None:
            while not ended.wait(0.2):
                self._draw(f"  {time.monotonic() - began:.0f} s")

        drawing = threading.Thread(target=draw, daemon=True)
        drawing.start()
        try:
            yield
        finally:
            ended.set()
            drawing.join()
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def _draw(self, after: str) -> None:
        sys.stderr.write(f"\r\x1b[K{self.words}{after}")
        sys.stderr.flush()


def prompt_of(words: list[str]) -> str:
    """The words of the command line; each - among them, and no words at all, mean standard input."""
    if not words and sys.stdin.isatty():
        raise Failure("A prompt is needed: write it behind the command, or pipe it in.", USAGE)
    given = words or ["-"]
    if "-" in given:
        said = sys.stdin.buffer.read().decode("utf-8", "replace").strip()
        given = [said if word == "-" else word for word in given]
    # What is piped in is a text of its own, not another word.
    prompt = ("\n\n" if "-" in words else " ").join(given).strip()
    if not prompt:
        raise Failure("The prompt is empty.", USAGE)
    return prompt


def slug(prompt: str) -> str:
    """A file name that reads like the prompt, in any script."""
    words = re.sub(r"[^\w]+", "-", prompt.lower()).strip("-_")
    short = words[:LONGEST_NAME].rpartition("-")[0] if len(words) > LONGEST_NAME and "-" in words else words
    return short[:LONGEST_NAME].strip("-_") or "untitled"


def save(data: bytes, media_type: str, prompt: str, output: str | None, *, force: bool = False) -> None:
    """Write to `output`, or to a new file named after the prompt, and print its name. Nothing is written over."""
    if output == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        path = _written(data, ENDINGS.get(media_type, ".bin"), prompt, output, force)
    except OSError as exc:
        raise Failure(f"{output or 'The file'} cannot be written: {exc.strerror}.", AWAY) from exc
    print(path)


def _written(data: bytes, ending: str, prompt: str, output: str | None, force: bool) -> Path:
    folder = Path(output) if output and (output.endswith("/") or Path(output).is_dir()) else None
    if output and folder is None:
        path = Path(output)
        try:
            with path.open("wb" if force else "xb") as file:
                file.write(data)
        except FileExistsError as exc:
            raise Failure(f"{path} is there already; --force writes over it.", USAGE) from exc
        return path
    folder = folder or Path()
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, 10_000):
        path = folder / f"{slug(prompt)}{f'-{number}' if number > 1 else ''}{ending}"
        try:
            with path.open("xb") as file:
                file.write(data)
        except FileExistsError:
            continue
        return path
    raise Failure(f"There are 9,999 files of this name in {folder}.", USAGE)
