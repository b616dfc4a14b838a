"""Where result bytes lie, each under the SHA-256 of what is in it: a folder, or a bucket of an S3-compatible server.

`POLLWEB_MEDIA_URL` says which. Something appears whole or not at all, and the same bytes are stored once.
"""

import hashlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, Protocol

from django.conf import settings

from generation.store import folder


class Store(Protocol):
    def exists(self, digest: str) -> bool: ...

    def write(self, digest: str, data: bytes) -> None:
        """Store what is not there yet. StorageFull (507) without room, Unavailable when the store does not answer."""

    def read(self, digest: str) -> bytes | None:
        """The bytes, or None when they are gone."""

    def open(self, digest: str) -> BinaryIO | None: ...

    def take(self, digest: str) -> tuple[Callable[[], None], Callable[[], None]] | None:
        """Take the bytes away: what puts them back, and what drops them for good. None when they are not here."""

    def digests(self) -> Iterator[str]:
        """All that is here, in no order."""

    def sweep_parts(self, older_than_seconds: float) -> int:
        """Remove what interrupted writers left behind; returns how many."""

    def probe(self) -> None:
        """Whether something can be stored now; raises when not."""

    def free(self) -> int | None:
        """Bytes of room, or None where nobody knows."""


def _store() -> Store:
    if settings.MEDIA_BUCKET is None:
        return folder.Folder(settings.MEDIA_FOLDER)
    from generation.store import bucket  # slow to load, and not needed with a folder

    return bucket.current()


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def exists(digest: str) -> bool:
    return _store().exists(digest)


def put(data: bytes) -> str:
    """Store the bytes and return their digest. StorageFull (507) when there is no room; nothing half-written stays."""
    digest = digest_of(data)
    _store().write(digest, data)
    return digest


def remove(digest: str, *, unless: Callable[[], bool]) -> None:
    """Remove the bytes, unless they turn out to be wanted: they are taken away first, then asked about.

    Whoever wants them wrote their row first, so one that found them there before they went is seen by `unless`. When
    that cannot say, they stay.
    """
    taken = _store().take(digest)
    if taken is None:
        return
    put_back, drop = taken
    wanted = True  # while nobody knows
    try:
        wanted = unless()
    finally:
        if wanted:
            put_back()
        else:
            drop()


def read(digest: str) -> bytes | None:
    """The bytes, or None when they are gone."""
    return _store().read(digest)


def open_file(digest: str) -> BinaryIO | None:
    return _store().open(digest)


def digests() -> Iterator[str]:
    """Of everything that is stored."""
    return _store().digests()


def sweep_parts(older_than_seconds: float = 3600) -> int:
    """Remove what interrupted writers left behind; returns how many."""
    return _store().sweep_parts(older_than_seconds)


def probe() -> None:
    """Whether something can be stored now; raises when not."""
    _store().probe()


def free() -> int | None:
    """Bytes of room, or None where nobody knows."""
    return _store().free()
