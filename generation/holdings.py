"""What generation holds of a team: its generations, and the files that they led to."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from feeds import outbox
from generation import handoff, store
from generation.media import ENDINGS
from generation.models import Generation
from pollweb.accounts.holdings import Holding, Opener
from pollweb.accounts.models import Team

BATCH = 500
TOLD = (
    "public_id", "kind", "model", "prompt", "params", "visibility", "tier", "referrer", "source_url", "state",
    "created_at", "started_at", "finished_at", "error_code", "error_message", "made_by", "message", "response",
    "finish_reason", "notes", "seed", "width", "height", "duration", "prompt_tokens", "completion_tokens", "is_mature",
    "token__name", "artifact_id", "artifact__media_type",
)  # fmt: skip


def _of(team: Team) -> Any:
    return Generation.objects.filter(team=team).order_by("pk")


def _generations(team: Team) -> Iterator[dict[str, Any]]:
    """Each with the name that its file has in the archive; `token` is the name of the token that asked."""
    for row in _of(team).values(*TOLD).iterator(chunk_size=BATCH):
        digest, media_type = row.pop("artifact_id"), row.pop("artifact__media_type")
        name, token = row.pop("public_id"), row.pop("token__name")
        yield {"id": name, **row, "token": token, "file": _name(digest, media_type) if digest else None}


def _name(digest: str, media_type: str) -> str:
    """Equal results are one file."""
    return f"{digest[:32]}{ENDINGS.get(media_type, '')}"


def _files(team: Team) -> Iterator[tuple[str, Opener]]:
    found = _of(team).exclude(artifact=None).values("artifact_id", "artifact__media_type")
    for row in found.iterator(chunk_size=BATCH):
        yield _name(row["artifact_id"], row["artifact__media_type"]), partial(store.open_file, row["artifact_id"])


def _erase(team: Team) -> None:
    """Rows first; a file goes with the next collection, once nothing else leads to it."""
    while rows := list(_of(team)[:BATCH]):
        for row in rows:
            if Generation.objects.cancel(row.pk):
                handoff.cancel_sync(str(row.pk))
        outbox.forget([(row.pk, row.public_id) for row in rows if row.visibility == "public"])
        Generation.objects.filter(pk__in=[row.pk for row in rows]).delete()


HOLDING = Holding(tables={"generations": _generations}, files=_files, erase=_erase)
