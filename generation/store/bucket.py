"""A bucket of an S3-compatible server, through django-storages. An object appears whole, or not at all.

Whatever fails is told as our own errors, which say no address and no key.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.files.base import ContentFile

from generation.errors import StorageFull
from pollweb.lib import s3
from pollweb.lib.errors import Unavailable

# How the servers of this kind say that a quota or a disk is at its end.
FULL = frozenset({"QuotaExceeded", "InsufficientStorage", "XMinioStorageFull", "NoSpaceLeft", "507"})
IN_MEMORY = 8 * 2**20  # bytes of a file that is read; larger ones pass through a temporary file


def current() -> "Bucket":
    return Bucket(cast(dict[str, Any], settings.MEDIA_BUCKET))


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except ClientError as exc:
        said = exc.response.get("Error", {}).get("Code", "")
        if said in FULL or exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 507:
            raise StorageFull("The media store is full; nothing was stored. Tell the operator of this server.") from exc
        raise Unavailable(f"The media store refuses: {said[:40]}.", code="store_away") from exc
    except (BotoCoreError, OSError) as exc:
        raise Unavailable("The media store does not answer right now.", code="store_away") from exc


class Bucket:
    def __init__(self, options: dict[str, Any]) -> None:
        self.storage = s3.storage(options)

    def _name(self, digest: str) -> str:
        return f"{digest[:2]}/{digest[2:4]}/{digest}"

    def exists(self, digest: str) -> bool:
        with _told():
            return bool(self.storage.exists(self._name(digest)))

    def write(self, digest: str, data: bytes) -> None:
        if not self.exists(digest):
            with _told():
                self.storage.save(self._name(digest), ContentFile(data))

    def read(self, digest: str) -> bytes | None:
        file = self.open(digest)
        if file is None:
            return None
        with file:
            return file.read()

    def open(self, digest: str) -> BinaryIO | None:
        """The whole object is fetched, since a connection must not stay open while somebody reads slowly."""
        file = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  # whoever asked closes it
        key = self.storage._normalize_name(self._name(digest))
        with _told():
            try:
                self.storage.bucket.Object(key).download_fileobj(file, Config=self.storage.transfer_config)
            except ClientError as exc:
                file.close()
                if exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404:
                    return None
                raise
        file.seek(0)
        return cast(BinaryIO, file)

    def take(self, digest: str) -> tuple[Callable[[], None], Callable[[], None]] | None:
        """No bucket renames: the bytes are kept here meanwhile."""
        data = self.read(digest)
        if data is None:
            return None
        with _told():
            self.storage.delete(self._name(digest))
        return partial(self.write, digest, data), lambda: None

    def digests(self) -> Iterator[str]:
        prefix = self.storage._normalize_name("").rstrip("/")
        with _told():
            for found in self.storage.bucket.objects.filter(Prefix=f"{prefix}/" if prefix else ""):
                name = found.key.rpartition("/")[2]
                if len(name) == 64:
                    yield name

    def sweep_parts(self, older_than_seconds: float) -> int:
        """An upload that was broken off leaves nothing that can be read, and its server forgets it."""
        return 0

    def probe(self) -> None:
        with _told():
            self.storage.bucket.meta.client.head_bucket(Bucket=self.storage.bucket_name)

    def free(self) -> int | None:
        return None
