"""Results of a team as files: what an archive of the chosen ones is made of."""

from collections.abc import Iterator
from functools import partial
from itertools import batched

from generation.models import Generation, GenerationQuerySet
from generation.web.result import file_name
from pollweb.accounts.exporting import Piece
from pollweb.accounts.models import Team
from pollweb.gallery.filed import facts, opened

BATCH = 200


def pieces(team: Team, items: list[str]) -> Iterator[Piece]:
    """Those that are still there, in the order of `items`."""
    for part in batched(items, BATCH):
        rows = available(Generation.objects.filter(team=team, public_id__in=part)).select_related("artifact")
        found = {row.public_id: row for row in rows}
        yield from (_piece(found[name]) for name in part if name in found)


def available(rows: GenerationQuerySet) -> GenerationQuerySet:
    """What there is a file of."""
    return rows.finished().filter(deleted_at=None)


def _piece(row: Generation) -> Piece:
    told = {"id": row.public_id, **facts(row), "visibility": row.visibility}
    return Piece(file_name(row), partial(opened, row), told)
