"""A collection as one ZIP file, written while it is sent: nothing of it lies in memory or on the disk but a block.

The files are as they were made, in the collection's order, and two indexes stand last: `index.json`, and `metadata.csv`
for spreadsheets. Nothing is compressed, since pictures and sound are already. What cannot be sought back to has its
sizes after its bytes (APPNOTE, 4.3.9), which every unpacker reads from the directory at the end.
"""

import asyncio
import re
import zipfile
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import batched
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from feeds.visitors import Visitors
from generation.models import Generation
from generation.web.result import file_name
from pollweb.accounts import tables
from pollweb.gallery.filed import facts, opened
from pollweb.gallery.models import MOST_ITEMS, Collection
from pollweb.lib import db
from pollweb.lib.errors import Unavailable
from pollweb.lib.growing import Growing
from pollweb.lib.http.downloads import BLOCK

MEDIA_TYPE = "application/zip"
BATCH = 100  # rows
MOST_AT_ONCE = 8  # in this process: each holds an open file for as long as its reader takes
MOST_OF_ADDRESS = 2

visitors = Visitors()
_under_way = 0


class Full(Unavailable):
    """As many archives are being sent as may be."""

    code, retry_after = "too_many_downloads", 30


class Zipped:
    """The archive's bytes. It holds a place among the downloads until it is closed, as the response does."""

    def __init__(self, collection: Collection, leave: Callable[[], None]) -> None:
        self._leave = leave
        self._bytes = _written(_about(collection), list(collection.items().values_list("pk", flat=True)[:MOST_ITEMS]))

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._bytes

    def close(self) -> None:
        self._leave()


def answer(collection: Collection, address: str) -> StreamingHttpResponse:
    """The whole archive for a reader at `address`. Full when too many are being sent, to all or to this one."""
    return StreamingHttpResponse(
        Zipped(collection, _enter(address)), content_type=MEDIA_TYPE, headers=headers(collection)
    )


def headers(collection: Collection) -> dict[str, str]:
    name = "-".join(re.findall(r"\w+", collection.title)) or ("saved" if collection.is_saved else "collection")
    return {
        "Content-Disposition": content_disposition_header(True, f"{name}.zip") or "attachment",
        "Cache-Control": "private, no-store",
        "X-Robots-Tag": "noindex",
    }


def _enter(address: str) -> Callable[[], None]:
    global _under_way
    leave = visitors.enter(address, MOST_OF_ADDRESS) if _under_way < MOST_AT_ONCE else None
    if leave is None:
        raise Full(_("Too many archives are being downloaded at the moment. Try again in a while."))
    _under_way += 1
    inside = True

    def left() -> None:
        global _under_way
        nonlocal inside
        if inside:
            inside = False
            _under_way -= 1
        leave()

    return left


async def _written(about: dict[str, Any], items: Sequence[UUID]) -> AsyncIterator[bytes]:
    """Rows are read again while it is sent: what is hidden or removed meanwhile is left out."""
    pipe, told, missing, number, room = Growing(), [], [], 0, settings.DESIGN.limits.export_bytes
    with zipfile.ZipFile(pipe, "w") as archive:
        for part in batched(items, BATCH):
            for row in await db.run(_rows, part):
                number += 1
                size = row.artifact.size if row.artifact else len(row.response.encode())
                source = await asyncio.to_thread(opened, row) if size <= room else None
                if source is None:
                    missing.append({"address": _address(row), "why": "no room" if size > room else "lost"})
                    continue
                room -= size
                entry = zipfile.ZipInfo(f"{number:04}-{file_name(row)}", row.created_at.timetuple()[:6])
                entry.file_size, entry.external_attr = size, 0o644 << 16
                with source, archive.open(entry, "w") as target:
                    while data := await asyncio.to_thread(source.read, BLOCK):
                        target.write(data)
                        yield pipe.take()
                told.append({"file": entry.filename, "address": _address(row), **facts(row)})
                yield pipe.take()
        index = {**about, "items": told, "left_out": missing}
        archive.writestr("index.json", orjson.dumps(index, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        archive.writestr("metadata.csv", tables.written(told))
    yield pipe.take()


def _rows(keys: Sequence[UUID]) -> list[Generation]:
    found = Generation.objects.public().select_related("artifact").in_bulk(list(keys))
    return [found[key] for key in keys if key in found]


def _address(row: Generation) -> str:
    return f"{settings.SITE_URL}/p/{row.public_id}"


def _about(collection: Collection) -> dict[str, Any]:
    return {
        "title": collection.title,
        "note": collection.note,
        "address": f"{settings.SITE_URL}/c/{collection.public_id}",
        "at": timezone.now().isoformat(timespec="seconds"),
    }
