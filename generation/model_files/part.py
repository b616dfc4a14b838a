"""A model file while it grows: `NAME.part`, hashed as it is written, renamed when it is whole and right."""

import hashlib
import os
from pathlib import Path

from generation.model_files.errors import SourceFailed
from generation.model_files.folder import mark_verified, part_path
from generation.model_files.manifest import ModelFile

BLOCK = 1 << 20  # bytes handled at a time


class PartFile:
    """Opened where an earlier attempt stopped."""

    def __init__(self, folder: Path, file: ModelFile) -> None:
        self.folder = folder
        self.file = file
        self.path = part_path(folder, file)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._stream = self.path.open("a+b")
        self._hash = hashlib.sha256()
        self._stream.seek(0)
        while block := self._stream.read(BLOCK):
            self._hash.update(block)
        self.size = self._stream.tell()
        if self.size > file.bytes:
            self.restart()

    @property
    def is_right(self) -> bool:
        return self.size == self.file.bytes and self._hash.hexdigest() == self.file.sha256

    def write(self, block: bytes) -> None:
        """Raises SourceFailed when the source sends more than the file has."""
        if self.size + len(block) > self.file.bytes:
            raise SourceFailed(f"it sent more than the {self.file.bytes} bytes of the file")
        self._stream.write(block)
        self._hash.update(block)
        self.size += len(block)

    def restart(self) -> None:
        """Forget what is there and begin at the first byte."""
        self._stream.seek(0)
        self._stream.truncate()
        self._hash = hashlib.sha256()
        self.size = 0

    def finish(self) -> None:
        """The bytes are right: make them durable, then give the file its name."""
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self.close()
        target = self.folder / self.file.name
        self.path.replace(target)
        _sync_folder(target.parent)
        mark_verified(self.folder, self.file)

    def close(self) -> None:
        """What is there stays for the next attempt; an empty file goes."""
        self._stream.close()
        if self.size == 0:
            self.path.unlink(missing_ok=True)


def _sync_folder(path: Path) -> None:
    """A rename is durable once its folder is."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
