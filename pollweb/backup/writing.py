"""Making an archive: first the rows, all of one moment, then the results that they lead to."""

import hashlib
import io
import json
import os
import tarfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from django.conf import settings
from django.core import serializers
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from generation import store
from generation.models import Artifact
from pollweb.backup import rows

BATCH = 1000


def write(path: Path, *, media: bool = True) -> dict[str, Any]:
    """Make the archive under its name, whole or not at all, readable by its owner only; returns its end.json."""
    part = path.with_name(f".{path.name}.part")
    mode = "w:gz" if path.suffix in (".gz", ".tgz") else "w"
    try:
        with (
            TemporaryDirectory(dir=path.parent, prefix=".backup-") as folder,
            open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file,
            tarfile.open(fileobj=file, mode=mode, **({"compresslevel": 3} if mode == "w:gz" else {})) as archive,  # type: ignore[call-overload]
        ):
            with rows.one_moment():
                told = [_table(model, Path(folder)) for model in rows.tables()]
                digests = sorted(_digests()) if media else []
                ran = rows.migrations()
            _put(archive, "manifest.json", {"format": 1, "tables": told, "media": digests, "migrations": ran})
            design = settings.POLLWEB_HOME / "pollweb.toml"
            if design.is_file() and not _holds_secrets():
                archive.add(design, "pollweb.toml", filter=_plain)
            for table in told:
                archive.add(Path(folder) / table["label"], f"rows/{table['label']}.jsonl", filter=_plain)
            end = _media(archive, digests)
            _put(archive, "end.json", end)
            archive.close()
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return {**end, "rows": sum(table["count"] for table in told), "bytes": path.stat().st_size}


class Exact(DjangoJSONEncoder):
    """Times to the microsecond, as they stand in the database: Django's own encoder cuts them to milliseconds."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if isinstance(o, datetime) else super().default(o)


def _table(model: type[models.Model], folder: Path) -> dict[str, Any]:
    label = model._meta.label
    path, emptied = folder / label, rows.EMPTIED.get(label, {})
    fields = [field.name for field in model._meta.concrete_fields]
    count = 0

    def each() -> Iterator[models.Model]:
        nonlocal count
        for row in model._base_manager.order_by("pk").defer(*emptied).iterator(chunk_size=BATCH):
            for name, value in emptied.items():
                setattr(row, name, value)
            count += 1
            yield row

    with path.open("w", encoding="utf-8") as file:
        # Sorted: PostgreSQL orders the keys of its JSON by itself, and equal rows are to have equal hashes.
        serializers.serialize("jsonl", each(), stream=file, fields=fields, cls=Exact, sort_keys=True)
    with path.open("rb") as content:
        return {"label": label, "count": count, "sha256": hashlib.file_digest(content, "sha256").hexdigest()}


def _digests() -> set[str]:
    found: set[str] = set()
    for digest, variants in Artifact.objects.values_list("digest", "variants").iterator(chunk_size=BATCH):
        found.update((digest, *variants.values()))
    return found


def _media(archive: tarfile.TarFile, digests: list[str]) -> dict[str, Any]:
    lost = []
    for digest in digests:
        source = store.open_file(digest)
        if source is None:  # taken back meanwhile, or gone before
            lost.append(digest)
            continue
        with source:
            _add(archive, f"media/{digest}", source, source.seek(0, os.SEEK_END))
    return {"files": len(digests) - len(lost), "lost": lost}


def _put(archive: tarfile.TarFile, name: str, value: Any) -> None:
    data = json.dumps(value, indent=1).encode()
    _add(archive, name, io.BytesIO(data), len(data))


def _add(archive: tarfile.TarFile, name: str, source: IO[bytes], size: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = size, 0o600, int(time.time())
    source.seek(0)
    archive.addfile(entry, source)


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """No names of users, no odd modes."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o600
    return entry


def _holds_secrets() -> bool:
    """Headers for a provider may be a key; everything else in the file only says where keys are."""
    return any(getattr(provider, "headers", None) for provider in settings.DESIGN.providers.values())
