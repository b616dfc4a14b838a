"""An archive of everything that a team or a person has here: rows as JSON lines, files as they are; or of some results
that were chosen, with a table of what they are.

Made in the background; one at a time for each team and each person. It lies on the shelf (pollweb.accounts.shelf) for a
week, under a random name, readable by this server only; whoever asked for it can download it.
"""

import logging
import os
import re
import shutil
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, BinaryIO

import orjson
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError

from pollweb.accounts import archive_mail, own_holdings, shelf, tables
from pollweb.accounts.audit import record
from pollweb.accounts.errors import NotPossible
from pollweb.accounts.holdings import Opener, holdings
from pollweb.accounts.models import DataExport, Team, User
from pollweb.accounts.models.exports import KEPT
from pollweb.lib.errors import Unavailable

log = logging.getLogger(__name__)

# A worker that makes one says so every so often; after this long without a word it is believed dead.
SILENCE = timedelta(minutes=10)
STRAY_SECONDS = 3600.0
README = """This archive holds everything that {site} keeps of {whose}, as of {at}.

*.jsonl   one JSON object a line; times are UTC (RFC 3339)
files/    results, named as in generations.jsonl
{left_out}"""


MOST_CHOSEN = 2000


@dataclass(frozen=True, slots=True)
class Piece:
    """A chosen result: its name in the archive, what opens it if it is still there, and a line of the table."""

    name: str
    opener: Opener
    facts: dict[str, Any]


# The chosen results of a team, by their public ids; the app whose results they are says so when it starts.
chosen: Callable[[Team, list[str]], Iterator[Piece]] = lambda team, items: iter(())  # noqa: E731


class TooLarge(Exception):
    """The rows alone are larger than an archive may be."""


def ask(user: User, team: Team | None, items: Sequence[str] = (), *, request: HttpRequest | None = None) -> DataExport:
    """Queue an archive of `team`, of `items` of it, or of all that `user` has.

    Raises NotPossible while one of the sort is being made.
    """
    items = items[:MOST_CHOSEN]
    try:
        with transaction.atomic():
            export = DataExport.objects.create(person=user, team=team, items=list(items), chosen=len(items))
            if team is not None:
                target = f"{len(items)} items" if items else team.name
                record("team.exported", team=team, actor=user, target=target, request=request)
    except IntegrityError as exc:
        raise NotPossible(_("An archive is being made already.")) from exc
    transaction.on_commit(lambda: _tell(export), robust=True)
    return export


def _tell(export: DataExport) -> None:
    from pollweb.accounts import tasks

    try:
        tasks.export.apply_async((export.pk,), queue="light", retry=False)
    except (OperationalError, OSError) as exc:
        log.warning("an export could not be announced to the workers: %s", exc)  # `tidy` tells them again


def make(pk: int) -> bool:
    """Make the archive of a queued row; False when it is not to be made (any more)."""
    now = timezone.now()
    if not DataExport.objects.filter(pk=pk, state="queued").update(state="running", started_at=now):
        return False
    export = DataExport.objects.select_related("person", "team").get(pk=pk)
    try:
        left_out, size = _write(export)
    except (OSError, TooLarge, Unavailable) as exc:
        log.warning("an export failed: %s", type(exc).__name__)
        _end(export, "failed")
        return False
    if not _end(export, "ready", size=size, left_out=left_out, expires_at=timezone.now() + KEPT):
        shelf.current().remove(export.name)
        return False
    return True


def _end(export: DataExport, state: str, **facts: Any) -> bool:
    """Say how it ended, on the row and by mail; False when its owner left meanwhile, or it was believed dead."""
    now = timezone.now()
    running = DataExport.objects.filter(pk=export.pk, state="running")
    if not running.update(state=state, finished_at=now, tell_at=now, **facts):
        return False
    export.refresh_from_db()
    archive_mail.send(export)
    return True


def _write(export: DataExport) -> tuple[int, int]:
    """The archive under its name, whole or not at all; returns how many files had no room, and its bytes.

    It is written on this machine, since a ZIP file needs to seek, and put on the shelf when it is finished.
    """
    most = settings.DESIGN.limits.export_bytes
    settings.EXPORT_FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = settings.EXPORT_FOLDER / f"{export.name}.part"
    part.unlink(missing_ok=True)
    try:
        with open(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                left_out = _some(archive, export, most) if export.chosen else _all(archive, export, most)
            file.flush()
            os.fsync(file.fileno())
        size = part.stat().st_size
        DataExport.objects.filter(pk=export.pk).update(started_at=timezone.now())  # a word before what may take long
        shelf.current().put(part, export.name)
    finally:
        part.unlink(missing_ok=True)
    return left_out, size


def _all(archive: zipfile.ZipFile, export: DataExport, most: int) -> int:
    left_out = 0
    if export.team is None:
        _put(archive, "account.json", orjson.dumps(own_holdings.person(export.person), default=str))
        _lines(archive, "acts.jsonl", own_holdings.acts(export.person), most)
        for holding in holdings():
            for name, rows in holding.personal.items():
                _lines(archive, f"{name}.jsonl", rows(export.person), most)
    for team in _teams(export):
        left_out += _team(archive, team, "" if export.team else f"teams/{team.slug}/", export, most)
    _put(archive, "README.txt", _readme(export, left_out).encode())
    return left_out


def _some(archive: zipfile.ZipFile, export: DataExport, most: int) -> int:
    """The chosen results, and `metadata.csv`: a line for each file that is in."""
    assert export.team is not None
    lines: list[dict[str, Any]] = []
    names, left_out = set(), 0
    for number, piece in enumerate(chosen(export.team, export.items)):
        if number % 100 == 0:
            DataExport.objects.filter(pk=export.pk).update(started_at=timezone.now())  # a word to `tidy`
        name = piece.name if piece.name not in names else f"{number + 1}-{piece.name}"
        if (source := piece.opener()) is None or not _fits(archive, name, source, most):
            left_out += 1
            continue
        names.add(name)
        lines.append({"file": name, **piece.facts})
    _put(archive, "metadata.csv", tables.written(lines))
    return left_out


def _fits(archive: zipfile.ZipFile, name: str, source: BinaryIO, most: int) -> bool:
    """Put it in, unless the archive would become too large."""
    with source:
        size = source.seek(0, os.SEEK_END)
        source.seek(0)
        if _size(archive) + size > most:
            return False
        _copy(archive, name, source, size)
    return True


def _teams(export: DataExport) -> list[Team]:
    """The one asked for; of a person, those that they own."""
    if export.team is not None:
        return [export.team]
    mine = Q(memberships__user=export.person, memberships__role="owner")
    return list(Team.objects.living().filter(mine).order_by("pk"))


def _team(archive: zipfile.ZipFile, team: Team, folder: str, export: DataExport, most: int) -> int:
    for holding in holdings():
        for name, rows in holding.tables.items():
            _lines(archive, f"{folder}{name}.jsonl", rows(team), most)
            DataExport.objects.filter(pk=export.pk).update(started_at=timezone.now())  # a word to `tidy`
    left_out, names = 0, set()
    for holding in holdings():
        for number, (name, opener) in enumerate(holding.files(team)):
            if number % 100 == 0:
                DataExport.objects.filter(pk=export.pk).update(started_at=timezone.now())
            name = safe_name(name)
            if name in names:
                continue
            if (source := opener()) is None:
                left_out += 1
                continue
            if _fits(archive, f"{folder}files/{name}", source, most):
                names.add(name)
            else:
                left_out += 1
    return left_out


def _copy(archive: zipfile.ZipFile, name: str, source: BinaryIO, size: int) -> None:
    """As it is: pictures and sound are compressed already."""
    entry = zipfile.ZipInfo(name, timezone.now().timetuple()[:6])
    entry.file_size, entry.external_attr = size, 0o600 << 16
    with archive.open(entry, "w") as target:
        shutil.copyfileobj(source, target)


def safe_name(name: str) -> str:
    """A name that no unpacker can be led astray by."""
    return re.sub(r"[^0-9A-Za-z._-]", "_", name).lstrip(".")[:120] or "file"


def _lines(archive: zipfile.ZipFile, name: str, rows: Iterable[dict[str, Any]], most: int) -> None:
    with archive.open(name, "w", force_zip64=True) as file:
        for row in rows:
            file.write(orjson.dumps(row, default=str, option=orjson.OPT_APPEND_NEWLINE))
            if _size(archive) > most:
                raise TooLarge


def _put(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    archive.writestr(name, data)


def _size(archive: zipfile.ZipFile) -> int:
    assert archive.fp is not None
    return archive.fp.tell()


def _readme(export: DataExport, left_out: int) -> str:
    whose = f"the team {export.team.name}" if export.team else f"{export.person.get_username()} and their teams"
    return README.format(
        site=settings.DESIGN.site.name,
        whose=whose,
        at=f"{timezone.now():%Y-%m-%d %H:%M} UTC",
        left_out=f"\n{left_out} files are missing: lost, or without room in an archive of this size.\n"
        if left_out
        else "",
    )


def tidy() -> None:
    """Remove what is over, give up what a dead worker left, tell again what nobody took, send the mail that is due.

    Any number may run.
    """
    now = timezone.now()
    for export in DataExport.objects.overdue()[:200]:
        shelf.current().remove(export.name)
        DataExport.objects.filter(pk=export.pk).update(state="expired")
    DataExport.objects.filter(state="running", started_at__lt=now - SILENCE).update(
        state="failed", finished_at=now, tell_at=now
    )
    for export in DataExport.objects.filter(state="queued", created_at__lt=now - timedelta(seconds=30))[:50]:
        _tell(export)
    archive_mail.send_due()
    _remove_strays()


def _remove_strays() -> None:
    """What belongs to no row any more, an hour old or older: what is being written now is nobody's yet.

    Parts that a killed worker left lie on its own machine: each machine removes those that it finds.
    """
    for name in list(shelf.current().older_than(STRAY_SECONDS)):
        if not DataExport.objects.is_wanted(name):
            shelf.current().remove(name)
    for part in settings.EXPORT_FOLDER.glob("*.part"):
        with suppress(OSError):
            if time.time() - part.stat().st_mtime > STRAY_SECONDS and not DataExport.objects.is_wanted(part.stem):
                part.unlink()


def remove_of(exports: Iterable[DataExport]) -> None:
    """Rows and files."""
    for export in exports:
        shelf.current().remove(export.name)
        (settings.EXPORT_FOLDER / f"{export.name}.part").unlink(missing_ok=True)
        DataExport.objects.filter(pk=export.pk).delete()
