"""Where result bytes lie: a folder of files named by the SHA-256 of what is in them.

A file appears whole or not at all: written under another name, synced, renamed. The same bytes are stored once.
"""

import contextlib
import errno
import hashlib
import os
import secrets
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from generation.errors import StorageFull
from pollweb.lib.errors import Unavailable


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def path(digest: str) -> Path:
    """Where these bytes are, or would be."""
    return settings.MEDIA_FOLDER / digest[:2] / digest[2:4] / digest


def exists(digest: str) -> bool:
    return path(digest).is_file()


def put(data: bytes) -> str:
    """Store the bytes and return their digest. StorageFull (507) when there is no room; nothing half-written stays."""
    digest = digest_of(data)
    target = path(digest)
    if target.is_file():
        return digest
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
            raise StorageFull("The media store is full; nothing was stored. Tell the operator of this server.") from exc
        raise Unavailable("The media store cannot be written to right now.", code="store_away") from exc
    return digest


def read(digest: str) -> bytes | None:
    """The bytes, or None when they are gone."""
    try:
        return path(digest).read_bytes()
    except FileNotFoundError:
        return None


def open_file(digest: str) -> BinaryIO | None:
    try:
        return open(path(digest), "rb")
    except FileNotFoundError:
        return None


def sweep_parts(older_than_seconds: float = 3600) -> int:
    """Remove what interrupted writers left behind; returns how many."""
    import time

    removed = 0
    for part in settings.MEDIA_FOLDER.glob("*/*/.*.part"):
        with contextlib.suppress(OSError):
            if time.time() - part.stat().st_mtime > older_than_seconds:
                part.unlink()
                removed += 1
    return removed
