"""For which team a signed-in person acts on the site: the one they were in last, else their own."""

from typing import cast

from django.http import HttpRequest

from pollweb.accounts.models import Membership, Team, User
from pollweb.accounts.permissions import roles_with

KEY = "team"


def teams(request: HttpRequest) -> list[Team]:
    """Those that the person who is signed in can go to, asked for once in a page."""
    if not hasattr(request, "teams"):
        request.teams = list(Team.objects.of(cast(User, request.user))[:50])  # type: ignore[attr-defined]
    return cast(list[Team], request.teams)  # type: ignore[attr-defined]


def enter(request: HttpRequest, team: Team) -> None:
    """Remember that this person is in `team` now."""
    if request.session.get(KEY) != team.pk:
        request.session[KEY] = team.pk


def team_of(request: HttpRequest, action: str = "generate") -> Team | None:
    """The team in whose name `action` is done; None for visitors, and for those who may do it nowhere."""
    if not request.user.is_authenticated:
        return None
    allowed = Membership.objects.filter(roles_with(action), user=request.user, team__deleted_at=None)
    found = {membership.team_id: membership.team for membership in allowed.select_related("team")[:200]}
    own = next((team for team in found.values() if team.person_id == request.user.pk), None)
    return found.get(request.session.get(KEY, 0)) or own or next(iter(found.values()), None)
