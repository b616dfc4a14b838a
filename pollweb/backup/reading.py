"""Restoring an archive where nobody and nothing is yet: first all of it is checked, then it is taken in."""

import hashlib
import itertools
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from django.apps import apps
from django.conf import settings
from django.core import serializers
from django.core.serializers.base import DeserializationError
from django.db import DatabaseError, connection, transaction

from generation import store
from pollweb.backup import rows
from pollweb.lib import db

BATCH = 500
READ = 1024 * 1024


class CannotRestore(Exception):
    """A sentence for the person at the terminal."""


def read(path: Path) -> dict[str, Any]:
    """Check the archive and fill the empty installation from it; returns its end.json. CannotRestore says why not."""
    manifest, end = check(path)
    missing = sorted(set(manifest["migrations"]) - set(rows.migrations()))
    surplus = sorted(set(rows.migrations()) - set(manifest["migrations"]))
    if missing or surplus:
        raise CannotRestore(
            f"The archive was made by another version ({(missing or surplus)[0]}, and "
            f"{len(missing) + len(surplus) - 1} further migrations, are in one of the two only). "
            "Restore it with the version that made it, then upgrade."
        )
    if not rows.is_empty():
        raise CannotRestore("Somebody or something is here already; an archive is restored into an empty database.")
    with tarfile.open(path) as archive:
        for digest in manifest["media"]:
            if digest not in end["lost"]:
                store.put(_bytes(archive, f"media/{digest}"))
        try:
            with transaction.atomic():
                _settle()
                rows.clear()
                for table in manifest["tables"]:
                    _fill(_member(archive, f"rows/{table['label']}.jsonl"))
                rows.reset_sequences()
            _count(manifest)
        except (DatabaseError, DeserializationError) as exc:
            raise CannotRestore(f"The rows of {path} do not fit this database: {' '.join(str(exc).split())}") from exc
        _design(archive)
    return {**end, "rows": sum(table["count"] for table in manifest["tables"])}


def check(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Manifest and end of an archive in which every hash is right. CannotRestore says what is not."""
    try:
        return _checked(path)
    except (OSError, EOFError, tarfile.TarError, ValueError, LookupError, TypeError) as exc:
        raise CannotRestore(f"{path} is no whole archive of pollweb: {exc}.") from exc


def _checked(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    with tarfile.open(path) as archive:
        manifest, end = (json.loads(_bytes(archive, f"{name}.json")) for name in ("manifest", "end"))
        if manifest["format"] != 1:
            raise ValueError("its format is of a later version")
        known = {model._meta.label for model in rows.tables()}
        if strange := [table["label"] for table in manifest["tables"] if table["label"] not in known]:
            raise ValueError(f"it holds {strange[0]}, which is not known here")
        wanted = {f"rows/{table['label']}.jsonl": table["sha256"] for table in manifest["tables"]}
        wanted |= {f"media/{digest}": digest for digest in manifest["media"] if digest not in end["lost"]}
        for name, digest in wanted.items():
            if _digest(_member(archive, name)) != digest:
                raise ValueError(f"{name} is damaged")
    return manifest, end


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    try:
        found = archive.extractfile(name)
    except KeyError:
        found = None
    if found is None:
        raise ValueError(f"{name} is missing")
    return found


def _bytes(archive: tarfile.TarFile, name: str) -> bytes:
    with _member(archive, name) as file:
        return file.read()


def _digest(file: IO[bytes]) -> str:
    found = hashlib.sha256()
    while data := file.read(READ):
        found.update(data)
    return found.hexdigest()


def _settle() -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            db.without_haste(cursor)


def _fill(file: IO[bytes]) -> None:
    found: Iterator[Any] = serializers.deserialize("jsonl", file)
    while batch := [each.object for each in itertools.islice(found, BATCH)]:
        type(batch[0])._base_manager.bulk_create(batch)


def _count(manifest: dict[str, Any]) -> None:
    for table in manifest["tables"]:
        here = apps.get_model(table["label"])._base_manager.count()
        if here != table["count"]:
            raise CannotRestore(f"{table['label']} has {here} rows in place of {table['count']}.")


def _design(archive: tarfile.TarFile) -> None:
    path = settings.POLLWEB_HOME / "pollweb.toml"
    if "pollweb.toml" in archive.getnames() and not path.exists():
        path.write_bytes(_bytes(archive, "pollweb.toml"))
        path.chmod(0o600)
