"""Where finished archives lie, so that every machine can hand them out: in POLLWEB_HOME/exports, or in the bucket of
the results, under `exports/`. They appear there whole or not at all."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from django.conf import settings

from pollweb.lib.errors import Unavailable


class Shelf(Protocol):
    def put(self, part: Path, name: str) -> None:
        """Take the finished file in; it is gone from where it was written, or may be removed there."""

    def open(self, name: str) -> BinaryIO | None:
        """What reads the archive from its beginning, or None when it is gone."""

    def remove(self, name: str) -> None: ...

    def older_than(self, seconds: float) -> Iterator[str]:
        """The names of all archives that were put here so long ago."""


def current() -> Shelf:
    return Folder() if settings.MEDIA_BUCKET is None else Bucket(settings.MEDIA_BUCKET)


class Folder:
    def _at(self, name: str) -> Path:
        return settings.EXPORT_FOLDER / f"{name}.zip"

    def put(self, part: Path, name: str) -> None:
        os.replace(part, self._at(name))

    def open(self, name: str) -> BinaryIO | None:
        try:
            return open(self._at(name), "rb")
        except FileNotFoundError:
            return None

    def remove(self, name: str) -> None:
        self._at(name).unlink(missing_ok=True)

    def older_than(self, seconds: float) -> Iterator[str]:
        for path in settings.EXPORT_FOLDER.glob("*.zip"):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > seconds:
                    yield path.stem


class Bucket:
    """Unavailable whenever its server fails: no address and no key is told."""

    def __init__(self, options: dict[str, Any]) -> None:
        from pollweb.lib import s3  # slow to load, and not needed with a folder

        self.storage = s3.storage(options)

    def _object(self, name: str) -> Any:
        return self.storage.bucket.Object(self.storage._normalize_name(f"exports/{name}.zip"))

    def put(self, part: Path, name: str) -> None:
        with _told():
            self._object(name).upload_file(str(part), Config=self.storage.transfer_config)

    def open(self, name: str) -> BinaryIO | None:
        """It is read as it is sent: an archive may be larger than memory."""
        from botocore.exceptions import ClientError

        with _told():
            try:
                return cast(BinaryIO, self._object(name).get()["Body"])
            except ClientError as exc:
                if exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404:
                    return None
                raise

    def remove(self, name: str) -> None:
        with _told():
            self._object(name).delete()

    def older_than(self, seconds: float) -> Iterator[str]:
        with _told():
            for found in self.storage.bucket.objects.filter(Prefix=self.storage._normalize_name("exports/")):
                if time.time() - found.last_modified.timestamp() > seconds:
                    yield found.key.rpartition("/")[2].removesuffix(".zip")


@contextmanager
def _told() -> Iterator[None]:
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (ClientError, BotoCoreError, Boto3Error) as exc:
        raise Unavailable("The media store does not answer right now.", code="store_away") from exc
