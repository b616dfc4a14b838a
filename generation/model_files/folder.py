"""The model folder: which files are there, and whether their bytes are known to be right.

A file whose SHA-256 was found right gets a marker beside it (`NAME.ok`) that remembers the hash together with the
file's size, time and inode. While these stay the same the file is not hashed again.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generation.model_files.errors import DamagedModelFile, MissingModelFile
from generation.model_files.manifest import Manifest, ModelFile, shipped

PROGRESS = "progress.json"
LOCK = ".fetch.lock"


@dataclass(frozen=True)
class FileState:
    """One file as it stands now.

    `state`: `ready` (there and right), `unchecked` (there, right size, never hashed), `fetching`, `failed` (the last
    fetch could not have it: see `error`) or `missing`. `bytes` are those that are there already.
    """

    name: str
    engine: str
    sets: tuple[str, ...]
    state: str
    bytes: int
    total: int
    error: str = ""


def state(folder: Path, set_name: str, manifest: Manifest | None = None) -> list[FileState]:
    """The files of a set as they stand. Looks at sizes and markers only: cheap enough for every page."""
    progress, fetching = read_progress(folder), is_locked(folder)
    files = (manifest or shipped()).in_set(set_name)
    return [_state(folder, file, progress.get(file.name, {}), fetching) for file in files]


def _state(folder: Path, file: ModelFile, entry: dict[str, Any], fetching: bool) -> FileState:
    def stands(state: str, size: int, error: str = "") -> FileState:
        return FileState(file.name, file.engine, file.sets, state, size, file.bytes, error)

    if is_verified(folder, file):
        return stands("ready", file.bytes)
    if fetching and entry.get("state") == "fetching":
        return stands("fetching", entry["bytes"])
    if _size(folder / file.name) == file.bytes:
        return stands("unchecked", file.bytes)
    if entry.get("state") == "failed":
        return stands("failed", entry["bytes"], entry["error"])
    return stands("missing", entry.get("bytes", _size(part_path(folder, file))))


def path_of(folder: Path, name: str, manifest: Manifest | None = None) -> Path:
    """Where a file is, for an engine that wants to load it; hashed now if it never was.

    Raises MissingModelFile or DamagedModelFile.
    """
    file = (manifest or shipped()).file(name)
    if not is_verified(folder, file):
        verify(folder, file)
    return folder / name


def verify(folder: Path, file: ModelFile) -> None:
    """Hash a file and remember that it is right. Raises MissingModelFile or DamagedModelFile; removes nothing."""
    path = folder / file.name
    try:
        with path.open("rb") as source:
            size = os.fstat(source.fileno()).st_size
            digest = hashlib.file_digest(source, "sha256").hexdigest() if size == file.bytes else ""
    except FileNotFoundError as exc:
        raise MissingModelFile(f"{file.name} is not in the model folder") from exc
    if size != file.bytes:
        raise DamagedModelFile(f"{file.name} is damaged: {size} bytes instead of {file.bytes}")
    if digest != file.sha256:
        raise DamagedModelFile(f"{file.name} is damaged: its SHA-256 is {digest} instead of {file.sha256}")
    mark_verified(folder, file)


def is_verified(folder: Path, file: ModelFile) -> bool:
    """Is the file there, and the very one whose hash was found right?"""
    try:
        return _marker(folder, file).read_text() == _fingerprint(folder, file)
    except OSError:
        return False


def mark_verified(folder: Path, file: ModelFile) -> None:
    try:
        write_atomically(_marker(folder, file), _fingerprint(folder, file))
    except PermissionError:
        pass  # a read-only model folder: its files are hashed once in each process instead


def part_path(folder: Path, file: ModelFile) -> Path:
    """Where the file grows while it is fetched."""
    return folder / f"{file.name}.part"


def read_progress(folder: Path) -> dict[str, dict[str, Any]]:
    """What the running or last fetch wrote: file → `{"bytes", "total", "state", "error"}`."""
    try:
        progress: dict[str, dict[str, Any]] = json.loads((folder / PROGRESS).read_bytes())
    except (OSError, ValueError):
        return {}
    return progress


def write_atomically(path: Path, text: str) -> None:
    """Readers see the old text or the new one, never a half."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    draft.write_text(text)
    draft.replace(path)


@contextmanager
def fetch_lock(folder: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """One fetch at a time in a model folder; `waiting` is called once when another one is at work."""
    with (folder / LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield  # closing the file releases the lock, and so does the end of the process


def is_locked(folder: Path) -> bool:
    """Is a fetch at work in this folder?"""
    try:
        with (folder / LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _marker(folder: Path, file: ModelFile) -> Path:
    return folder / f"{file.name}.ok"


def _fingerprint(folder: Path, file: ModelFile) -> str:
    seen = (folder / file.name).stat()
    return f"{file.sha256} {seen.st_size} {seen.st_mtime_ns} {seen.st_ino}\n"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
