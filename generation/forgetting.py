"""Prompts of private results leave after the days that their team keeps them: `Team.prompt_days`.

The result stays, and what is needed to serve it again; the words that it was made from, and whatever repeats them, go.
"""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from generation import requests
from generation.models import ACTIVE, Generation, SearchEntry
from pollweb.accounts.models import Team
from pollweb.lib import ids

BATCH = 500
# What a request's stored form may keep: everything that is a number, a choice or a name of a model.
KEPT = frozenset(
    {
        "request", "model", "private", "seed", "width", "height", "quality", "guidance_scale", "transparent", "enhance",
        "safe", "nologo", "logo", "voice", "format", "speed", "language", "temperature", "words",
    }
)  # fmt: skip
KEPT_NOTES = frozenset({"nsfw_score", "is_mature"})


def forget_prompts(*, days: int | None = None) -> int:
    """Blank what is due, of all teams or of those that keep prompts for so many `days`; returns how many rows."""
    teams = Team.objects.all() if days is None else Team.objects.filter(prompt_days=days)
    count = 0
    for pk, kept in teams.order_by("pk").values_list("pk", "prompt_days").iterator(chunk_size=1000):
        count += _forget(pk, kept)
    return count


def _forget(team_id: int, days: int) -> int:
    due = (
        Generation.objects.filter(team=team_id, visibility="private", words_gone=False)
        .filter(pk__lt=ids.first_of(timezone.now() - timedelta(days=days)))
        .exclude(state__in=ACTIVE)
        .order_by("pk")
    )
    count = 0
    while rows := list(due[:BATCH]):
        for row in rows:
            blank(row)
        with transaction.atomic():
            Generation.objects.bulk_update(rows, ["prompt", "params", "source_url", "notes", "words_gone"])
            SearchEntry.objects.filter(generation__in=rows).delete()  # of those that were public once
        count += len(rows)
    return count


def blank(row: Generation) -> None:
    """Take the words out of the row; saving it is the caller's."""
    row.prompt, row.source_url, row.words_gone = "", "", True
    row.params = blanked(row.params)
    row.notes = {name: value for name, value in row.notes.items() if name in KEPT_NOTES}


def blanked(params: dict[str, Any]) -> dict[str, Any]:
    """What `requests.store` wrote, without words; `requests.restore` still reads it."""
    kept = {name: value for name, value in params.items() if name in KEPT}
    assert requests.restore(kept)
    return kept
