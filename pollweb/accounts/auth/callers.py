"""Who calls the auth API: a person by JWT, a token's holder, or the operator by the admin key. Never a cookie."""

import hmac
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from pollweb.accounts import identity, tries
from pollweb.accounts.auth import jwts
from pollweb.accounts.errors import NotIdentified
from pollweb.accounts.identity import Principal
from pollweb.accounts.models import Membership, Team, Token, User
from pollweb.accounts.personal import team_of
from pollweb.lib import db
from pollweb.lib.errors import BadRequest, PollwebError


def bearer(request: HttpRequest) -> str:
    said: str = request.META.get("HTTP_AUTHORIZATION", "").strip()
    return said[7:].strip() if said[:7].lower() == "bearer " else said


def _living(pk: int) -> User | None:
    return User.objects.filter(pk=pk, is_active=True).first()


async def person_or_none(request: HttpRequest) -> User | None:
    value = bearer(request)
    pk = jwts.read(value) if value.count(".") == 2 else None
    return await db.run(_living, pk) if pk is not None else None


async def person(request: HttpRequest) -> User:
    """Whose JWT this is. NotIdentified (401) for anything else, an API token too."""
    found = await person_or_none(request)
    if found is None:
        await tries.failed(request)
        raise NotIdentified("Invalid token: this needs the session token (JWT) that /authorize gives.")
    return found


async def oneself(request: HttpRequest) -> User:
    """The person whose JWT this is, who must be the `user_id` of the query."""
    said = request.GET.get("user_id", "")
    if not said:
        raise BadRequest("user_id is missing.", code="invalid_parameter")
    found = await person(request)
    if said != str(found.pk):
        raise PollwebError("user_id is somebody else.", code="forbidden", status=403)
    return found


async def operator(request: HttpRequest) -> None:
    """NotIdentified (401) without POLLWEB_ADMIN_KEY, and for everybody where it is not set."""
    said = bearer(request) or request.META.get("HTTP_X_API_KEY", "") or request.GET.get("api_key", "")
    if not (settings.ADMIN_KEY and hmac.compare_digest(said.encode(), settings.ADMIN_KEY.encode())):
        await tries.failed(request)
        raise NotIdentified("The admin key is missing or wrong.")


async def holder(request: HttpRequest, body: dict[str, Any] | None = None) -> User:
    """A person by JWT, or by a token of their personal team."""
    if (found := await person_or_none(request)) is not None:
        return found
    principal = await identity.identify(request, body)
    if principal.team_id is None:
        await tries.failed(request)
        raise NotIdentified("This needs a token or a session token (JWT).")
    found = await db.run(_owner, principal.team_id)
    if found is None:
        raise PollwebError("Preferences are a person's; this token is a team's.", code="forbidden", status=403)
    return found


def _owner(team_id: int) -> User | None:
    return User.objects.filter(personal_team=team_id).first()


async def manager(request: HttpRequest, body: dict[str, Any] | None = None) -> "Manager":
    """Who may make and revoke tokens here: a person by JWT (of their personal team), or a token with the scope."""
    if (found := await person_or_none(request)) is not None:
        return await db.run(_manager_of, found)
    principal = await identity.identify(request, body)
    if principal.token_id is None:
        await tries.failed(request)
        raise NotIdentified("This needs a token with the scope tokens.manage, or a session token (JWT).")
    principal.require("tokens.manage")
    return await db.run(_manager_by, principal)


class Manager:
    """In whose team, as whom, and with which token: None for a person, who is not bound by one."""

    def __init__(self, team: Team, user: User | None, token: Token | None, sees_all: bool) -> None:
        self.team, self.user, self.token, self.sees_all = team, user, token, sees_all

    @property
    def tokens(self) -> Any:
        """The team's tokens, or one's own where the role reaches no further."""
        rows = self.team.tokens.order_by("-pk")
        return rows if self.sees_all else rows.filter(created_by=self.user)


def _manager_of(user: User) -> Manager:
    return Manager(team_of(user), user, None, True)


def _manager_by(principal: Principal) -> Manager:
    token = Token.objects.select_related("team", "created_by").get(pk=principal.token_id or 0)
    if token.created_by is None:  # the operator made it
        return Manager(token.team, None, token, True)
    role = Membership.objects.filter(team=token.team, user=token.created_by).values_list("role", flat=True).first()
    return Manager(token.team, token.created_by, token, role in ("owner", "admin"))
