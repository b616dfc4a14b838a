"""What is told when a generation ends: hints to a team's open pages, and to its webhooks what it was and where it lies,
never its words."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings

from generation.models import Generation, State
from pollweb.accounts import hints, webhooks

EVENTS = {
    State.SUCCEEDED: "generation.done",
    State.FAILED: "generation.failed",
    State.EXPIRED: "generation.failed",
}


def tell_end(rows: Sequence[Generation]) -> None:
    """Belongs into the transaction that ends them. A request that its caller gave up is told to no webhook."""
    for team_id in {row.usage_team_id for row in rows}:
        hints.tell(team_id, "now", "request")
    for team_id in {row.team_id for row in rows if row.state == State.SUCCEEDED}:
        hints.tell(team_id, "result")
    told = [
        (row.team_id, event, _data(row))
        for row in rows
        if row.team_id and (event := EVENTS.get(State(row.state))) and webhooks.wants(row.team_id, event)
    ]
    if told:
        webhooks.tell_all(told)


def _data(row: Generation) -> dict[str, Any]:
    data: dict[str, Any] = {
        "id": row.public_id,
        "kind": row.kind,
        "model": row.model,
        "state": row.state,
        "visibility": row.visibility,
        "token": row.token_id,
        "created_at": row.created_at.isoformat(),
        "finished_at": row.finished_at.isoformat() if row.finished_at else None,
    }
    if row.state != State.SUCCEEDED:
        return data | {"error": {"code": row.error_code, "message": row.error_message}}
    data |= {
        "seed": row.seed,
        "width": row.width,
        "height": row.height,
        "duration": row.duration,
        "prompt_tokens": row.prompt_tokens,
        "completion_tokens": row.completion_tokens,
        "seconds": round(row.seconds_made, 3),
    }
    if row.artifact_id and row.is_visible:
        data["url"] = f"{settings.SITE_URL}/media/{row.public_id}/original"
    return data
