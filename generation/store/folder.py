"""A folder of files named by the SHA-256 of what is in them: written under another name, synced, renamed."""

import contextlib
import errno
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from generation.errors import StorageFull
from pollweb.lib.errors import Unavailable


class Folder:
    def __init__(self, path: Path) -> None:
        self.path = path

    def at(self, digest: str) -> Path:
        """Where these bytes are, or would be."""
        return self.path / digest[:2] / digest[2:4] / digest

    def exists(self, digest: str) -> bool:
        return self.at(digest).is_file()

    def write(self, digest: str, data: bytes) -> None:
        target = self.at(digest)
        if target.is_file():
            return
        part = target.with_name(f".{digest[:16]}-{secrets.token_hex(4)}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with open(part, "xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, target)
        except OSError as exc:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            if exc.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StorageFull(
                    "The media store is full; nothing was stored. Tell the operator of this server."
                ) from exc
            raise Unavailable("The media store cannot be written to right now.", code="store_away") from exc

    def read(self, digest: str) -> bytes | None:
        try:
            return self.at(digest).read_bytes()
        except FileNotFoundError:
            return None

    def open(self, digest: str) -> BinaryIO | None:
        try:
            return open(self.at(digest), "rb")
        except FileNotFoundError:
            return None

    def take(self, digest: str) -> tuple[Callable[[], None], Callable[[], None]] | None:
        target = self.at(digest)
        aside = target.with_name(f".{digest[:16]}-{secrets.token_hex(4)}.part")  # what a crash leaves is swept up
        try:
            os.replace(target, aside)
        except FileNotFoundError:
            return None
        return partial(os.replace, aside, target), partial(aside.unlink, missing_ok=True)

    def digests(self) -> Iterator[str]:
        for path in self.path.glob("??/??/[0-9a-f]*"):
            yield path.name

    def sweep_parts(self, older_than_seconds: float) -> int:
        removed = 0
        for part in self.path.glob("*/*/.*.part"):
            with contextlib.suppress(OSError):
                if time.time() - part.stat().st_mtime > older_than_seconds:
                    part.unlink()
                    removed += 1
        return removed

    def probe(self) -> None:
        """A block really written: a full disk still creates empty files."""
        self.path.mkdir(parents=True, exist_ok=True)
        path = self.path / f".probe-{os.getpid()}-{secrets.token_hex(4)}"
        try:
            path.write_bytes(b"\0" * 4096)
        finally:
            path.unlink(missing_ok=True)

    def free(self) -> int | None:
        """Whether or not the folder was needed yet."""
        folder = self.path
        while not folder.exists():
            folder = folder.parent
        return shutil.disk_usage(folder).free
