"""Results of a team as files: what an archive of the chosen ones is made of."""

import io
from collections.abc import Iterator
from functools import partial
from itertools import batched

from generation import store
from generation.models import Generation, GenerationQuerySet
from generation.web.result import file_name
from pollweb.accounts.exporting import Piece
from pollweb.accounts.models import Team

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
    opener = partial(store.open_file, row.artifact_id) if row.artifact_id else lambda: io.BytesIO(row.response.encode())
    return Piece(
        file_name(row),
        opener,
        {
            "id": row.public_id,
            "kind": row.kind,
            "model": row.model,
            "prompt": row.prompt,
            "seed": row.seed,
            "width": row.width or None,
            "height": row.height or None,
            "seconds": row.duration or None,
            "visibility": row.visibility,
            "created_at": row.created_at.isoformat(timespec="seconds"),
        },
    )
