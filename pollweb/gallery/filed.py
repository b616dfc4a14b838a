"""A result as a file of an archive: what opens it, and what a table beside the files says of it."""

import io
from typing import Any, BinaryIO

from generation import store
from generation.models import Generation


def opened(row: Generation) -> BinaryIO | None:
    """Its bytes, or its words; None when the store has lost them."""
    return store.open_file(row.artifact_id) if row.artifact_id else io.BytesIO(row.response.encode())


def facts(row: Generation) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "prompt": row.prompt,
        "model": row.model,
        "seed": row.seed,
        "width": row.width or None,
        "height": row.height or None,
        "seconds": row.duration or None,
        "created_at": row.created_at.isoformat(timespec="seconds"),
    }
