"""Pages of a list that grows at its top. A page is named by the row it begins after: none is shown twice or missed."""

import base64
import binascii
import re
import uuid
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, QuerySet, UUIDField
from django.utils.translation import gettext as _

from pollweb.lib.errors import BadRequest

NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Page[T]:
    """Rows, newest first, and the cursors of the neighbouring pages; empty where there is none."""

    rows: list[T]
    older: str
    newer: str


def cursor(pk: uuid.UUID | int) -> str:
    """The place of a row: a UUID as 22 URL-safe characters, a number as it is."""
    return str(pk) if isinstance(pk, int) else base64.urlsafe_b64encode(pk.bytes).rstrip(b"=").decode()


def place(cursor: str, model: type[Model]) -> uuid.UUID | int:
    """The counterpart of `cursor` for rows of `model`; BadRequest for anything else."""
    try:
        if isinstance(model._meta.pk, UUIDField):
            return uuid.UUID(bytes=base64.b64decode(f"{cursor}==", altchars=b"-_", validate=True))
        if NUMBER.fullmatch(cursor):
            return int(cursor)
        raise ValueError(cursor)
    except (ValueError, binascii.Error) as exc:
        raise BadRequest(_("This page number is damaged. Start again from the newest.")) from exc


def page[T: Model](rows: QuerySet[T, Any], size: int, *, after: str = "", before: str = "") -> Page[T]:
    """`size` rows of `rows` (ordered by descending key) older than `after`, or the nearest ones newer than `before`."""
    if before:
        nearest = list(rows.filter(pk__gt=place(before, rows.model)).order_by("pk")[: size + 1])
        found = nearest[:size][::-1]
        return Page(found, cursor(found[-1].pk) if found else "", cursor(found[0].pk) if len(nearest) > size else "")
    found = list((rows.filter(pk__lt=place(after, rows.model)) if after else rows)[: size + 1])
    more, found = len(found) > size, found[:size]
    return Page(found, cursor(found[-1].pk) if more else "", cursor(found[0].pk) if after and found else "")
