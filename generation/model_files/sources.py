"""Where a model file can come from: a folder or an address of the operator's, and the publisher's address.

Each source fills a PartFile or raises SourceFailed with a short reason. The wheels are in `wheels.py`.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import httpx

from generation.model_files.errors import SourceFailed
from generation.model_files.part import BLOCK, PartFile

CONNECT_TIMEOUT = 3.0  # seconds
READ_TIMEOUT = 30.0  # seconds without a byte
ATTEMPTS = 3  # connections for one file, as long as each brings something
SPARE = 64_000_000  # bytes that a fetch leaves free: the database lives on the same disk

Advance = Callable[[int], None]


class Source(Protocol):
    """`name` appears in explanations, also public ones: no path, no password."""

    name: str

    def fill(self, part: PartFile, advance: Advance) -> None:
        """Bring the bytes that `part` lacks. Raises SourceFailed."""


def need_room(folder: Path, needed: int) -> None:
    """Raises SourceFailed when `needed` more bytes do not fit on the folder's disk."""
    free = shutil.disk_usage(folder).free
    if free < needed + SPARE:
        raise SourceFailed(f"the disk has {free / 1e6:.0f} MB free and {(needed + SPARE) / 1e6:.0f} MB are needed")


class MirrorFolder:
    """A folder of the operator's that holds finished files under their names."""

    name = "the operator's mirror folder"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def fill(self, part: PartFile, advance: Advance) -> None:
        try:
            source = (self._folder / part.file.name).open("rb")
        except OSError as exc:
            raise SourceFailed("the file is not there") from exc
        with source:
            need_room(part.folder, part.file.bytes - part.size)
            source.seek(part.size)
            while block := source.read(BLOCK):
                part.write(block)
                advance(part.size)


class Addresses:
    """Downloads by HTTP. A host that could not be reached is not asked again."""

    def __init__(self, client: httpx.Client | None = None) -> None:
        timeout = httpx.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT)
        self._client = client or httpx.Client(timeout=timeout, follow_redirects=True)
        self._unreachable: set[str] = set()

    def close(self) -> None:
        self._client.close()

    def download(self, url: httpx.URL, part: PartFile, advance: Advance, *, secure: bool) -> None:
        """Raises SourceFailed. `secure`: every hop must be https."""
        if url.host in self._unreachable:
            raise SourceFailed("skipped, it could not be reached before")
        for attempt in range(1, ATTEMPTS + 1):
            size_before = part.size
            try:
                self._transfer(url, part, advance, secure=secure)
                return
            except (httpx.ConnectError, httpx.ConnectTimeout) as exc:
                self._unreachable.add(url.host)
                raise SourceFailed("it cannot be reached") from exc
            except httpx.HTTPError as exc:
                if attempt == ATTEMPTS or part.size == size_before:
                    raise SourceFailed(f"the connection broke after {part.size} bytes") from exc

    def _transfer(self, url: httpx.URL, part: PartFile, advance: Advance, *, secure: bool) -> None:
        headers = {"Accept-Encoding": "identity"}
        if part.size:
            headers["Range"] = f"bytes={part.size}-"
        with self._client.stream("GET", url, headers=headers) as response:
            hops = [*response.history, response]
            if secure and any(hop.url.scheme != "https" for hop in hops):
                raise SourceFailed("it led away from https")
            resumes = response.headers.get("Content-Range", "").startswith(f"bytes {part.size}-")
            if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                part.restart()
                raise SourceFailed("it refused to go on where the download had stopped")
            if response.status_code not in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
                raise SourceFailed(f"it answered {response.status_code}")
            if part.size and not (response.status_code == httpx.codes.PARTIAL_CONTENT and resumes):
                part.restart()
            need_room(part.folder, part.file.bytes - part.size)
            for block in response.iter_raw():  # as it comes: a broken connection loses nothing
                part.write(block)
                advance(part.size)


class Mirror:
    """An address of the operator's under which finished files lie by name."""

    name = "the operator's mirror"

    def __init__(self, base: str, addresses: Addresses) -> None:
        self._base = base.rstrip("/")
        self._addresses = addresses

    def fill(self, part: PartFile, advance: Advance) -> None:
        url = httpx.URL(f"{self._base}/{quote(part.file.name)}")
        self._addresses.download(url, part, advance, secure=False)


class Publisher:
    """One official https address of one file."""

    def __init__(self, url: str, addresses: Addresses) -> None:
        self._url = httpx.URL(url)
        self._addresses = addresses
        self.name = self._url.host

    def fill(self, part: PartFile, advance: Advance) -> None:
        self._addresses.download(self._url, part, advance, secure=True)


def mirror(place: str, addresses: Addresses) -> Source:
    """What POLLWEB_MODEL_MIRROR names: an http(s) address or a folder."""
    if place.startswith(("http://", "https://")):
        return Mirror(place, addresses)
    return MirrorFolder(Path(place).expanduser())
