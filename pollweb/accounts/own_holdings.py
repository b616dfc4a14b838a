"""What accounts itself holds of a team and of a person, as an archive has it. It is erased with the team's own row."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Model, QuerySet
from django.forms.models import model_to_dict

from pollweb.accounts.holdings import Holding
from pollweb.accounts.models import AuditEvent, Membership, Team, UsageHour, User

# Digests are no secret, yet nobody has a use for them but whoever tries to find what they are of.
UNTOLD = {"id", "team", "digest", "previous_digest", "proof"}


def rows(query: QuerySet[Any], *untold: str) -> Iterator[dict[str, Any]]:
    """The columns of each row as JSON values, but for keys and digests."""
    for row in query.iterator(chunk_size=500):
        yield row_of(row, *untold)


def row_of(row: Model, *untold: str) -> dict[str, Any]:
    hidden = UNTOLD | set(untold)
    # model_to_dict leaves out what no form may change, times of creation among it.
    fixed = {f.name: f.value_from_object(row) for f in row._meta.concrete_fields if not f.editable}
    return {name: value for name, value in {**model_to_dict(row), **fixed}.items() if name not in hidden}


def _team(team: Team) -> Iterator[dict[str, Any]]:
    yield row_of(team, "person", "deleted_by")


def _members(team: Team) -> Iterator[dict[str, Any]]:
    for each in team.memberships.select_related("user").order_by("pk").iterator(chunk_size=500):
        yield {"name": each.user.get_username(), "role": each.role, "since": each.created_at}


HOLDING = Holding(
    tables={
        "team": _team,
        "members": _members,
        "invitations": lambda team: rows(team.invitations.order_by("pk"), "created_by"),
        "applications": lambda team: rows(team.apps.order_by("pk"), "created_by"),
        "tokens": lambda team: rows(team.tokens.order_by("pk"), "created_by"),
        "referrers": lambda team: rows(team.referrers.order_by("pk"), "created_by"),
        "webhooks": lambda team: rows(
            team.webhooks.kept().order_by("pk"), "created_by", "secret", "previous_secret", "removed_at"
        ),
        "usage": lambda team: rows(UsageHour.objects.of_team(team).order_by("pk"), "owner"),
        "tier-requests": lambda team: rows(team.tier_requests.order_by("pk"), "asked_by", "decided_by"),
        "audit": lambda team: rows(AuditEvent.objects.filter(team=team).order_by("pk"), "actor"),
    }
)


def person(user: User) -> dict[str, Any]:
    """The person, their teams, and what they did in them."""
    memberships = Membership.objects.filter(user=user).select_related("team").order_by("pk")
    return {
        "name": user.get_username(),
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "joined": user.date_joined,
        "last_sign_in": user.last_login,
        "preferences": user.preferences,
        "settings": user.settings,
        "teams": [{"name": each.team.name, "role": each.role, "since": each.created_at} for each in memberships],
    }


def acts(user: User) -> Iterator[dict[str, Any]]:
    """What the audit logs hold of what this person did, in whatever team."""
    yield from rows(AuditEvent.objects.filter(actor=user).order_by("pk"), "actor")
