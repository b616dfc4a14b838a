"""`record`: the one way an audit row is made. It belongs into the transaction that makes the change."""

from typing import Any

from django.http import HttpRequest

from pollweb.accounts import hints
from pollweb.accounts.models import AuditEvent, Team, User
from pollweb.lib import http

ITSELF = "pollweb"  # the actor's name where no person acted


def record(
    action: str,
    *,
    team: Team | None,
    actor: User | None,
    target: object = "",
    request: HttpRequest | None = None,
    **detail: Any,
) -> AuditEvent:
    """`action` is `thing.past_tense`, such as `token.created`; `detail` holds plain words and numbers, no secret."""
    hints.tell(team.pk if team else None, "team")
    return AuditEvent.objects.create(
        team=team,
        actor=actor,
        actor_name=actor.get_username() if actor else ITSELF,
        action=action,
        target=str(target)[:200],
        detail=detail,
        address=http.network_of(http.client_address(request)) if request else "",
    )
