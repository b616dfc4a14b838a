"""Tokens by the auth API: the guide's one token of a person, checking one, and a team's tokens by their scope."""

from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_http_methods

from pollweb.accounts import identity, money, scopes, tokens, tries
from pollweb.accounts.auth import callers
from pollweb.accounts.auth.answers import answer, body_of
from pollweb.accounts.auth.callers import Manager
from pollweb.accounts.auth.registrations import whose
from pollweb.accounts.errors import ScopeMissing
from pollweb.accounts.models import Token, User
from pollweb.accounts.personal import team_of
from pollweb.accounts.tokens import Actor, NewToken
from pollweb.lib import db, http
from pollweb.lib.errors import BadRequest, NotFound, PollwebError

NAME = "auth API"
NOBODY = {"valid": False, "userId": None, "username": None, "tier": None}
OVERLAPS = (0, 1, 24, 168)  # hours
MOST_LISTED = 500


# --- the guide's one token --------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
async def own_token(request: HttpRequest) -> HttpResponse:
    """GET /api/token: whether there is one; it cannot be told again. POST: a new one, and the old one is gone."""
    found = await callers.oneself(request)
    if request.method == "POST":
        secret = await db.run(_replace, found, Actor(found, request))
        return answer({"token": secret, "generated": True})
    return answer({"token": None, "has_token": await db.run(_has, found)})


def _has(user: User) -> bool:
    return team_of(user).tokens.usable().filter(name=NAME).exists()


@transaction.atomic
def _replace(user: User, by: Actor) -> str:
    team = team_of(user)
    for old in team.tokens.usable().filter(name=NAME).select_related("team"):
        tokens.revoke(old, "replaced by a new one", by=by)
    return tokens.create(team, NAME, by=by).secret


@require_http_methods(["GET", "HEAD", "POST"])
async def validate_token(request: HttpRequest, token: str = "") -> HttpResponse:
    """/api/validate-token/{token}, or the token as in any request: always 200, `valid` says it."""
    body = body_of(request) if request.method == "POST" else {}
    value = token or next((value for _, value in identity.offered(request, body)), "")
    try:
        principal = await identity.by_token(value, http.client_address(request))
    except PollwebError:
        principal = None
    if principal is None or principal.team_id is None:
        await tries.failed(request)
        return answer(NOBODY, cache="public, max-age=60" if token else "private, no-store")
    user_id, name = await db.run(whose, principal.team_id)
    told = {"valid": True, "userId": user_id, "username": name, "tier": principal.tier}
    # A shared cache may keep it for as long as the guide's service let it: a revoked token is valid there for a minute.
    return answer(told, cache="public, max-age=60" if token else "private, no-store")


# --- a team's tokens --------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
async def all_tokens(request: HttpRequest) -> HttpResponse:
    """GET /api/tokens: those that may be managed. POST: a new one, within what the calling token has."""
    body = body_of(request) if request.method == "POST" else {}
    manager = await callers.manager(request, body)
    if request.method != "POST":
        return answer({"tokens": await db.run(_listed, manager)})
    made = await db.run(_make, manager, body, request)
    return answer({**_told(made.token), "token": made.secret}, status=201)


@require_http_methods(["GET", "HEAD"])
async def one_token(request: HttpRequest, pk: int) -> HttpResponse:
    manager = await callers.manager(request)
    return answer(_told(await db.run(_find, manager, pk)))


@require_http_methods(["POST"])
async def rotate(request: HttpRequest, pk: int) -> HttpResponse:
    """POST /api/tokens/{id}/rotate {"overlap_hours": 0, 1, 24 or 168}: a new secret."""
    body = body_of(request)
    manager = await callers.manager(request, body)
    hours = body.get("overlap_hours", 24)
    if hours not in OVERLAPS:
        raise BadRequest(f"overlap_hours must be one of {', '.join(map(str, OVERLAPS))}.", code="invalid_parameter")
    made = await db.run(_rotate, manager, pk, hours, request)
    return answer({**_told(made.token), "token": made.secret})


@require_http_methods(["POST"])
async def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """POST /api/tokens/{id}/revoke {"reason": "…"}: refused everywhere within five seconds."""
    body = body_of(request)
    manager = await callers.manager(request, body)
    return answer(_told(await db.run(_revoke, manager, pk, str(body.get("reason") or ""), request)))


def _listed(manager: Manager) -> list[dict[str, Any]]:
    return [_told(row) for row in manager.tokens[:MOST_LISTED]]


def _find(manager: Manager, pk: int) -> Token:
    found: Token | None = manager.tokens.filter(pk=pk).select_related("team").first()
    if found is None:
        raise NotFound("There is no such token.")
    return found


def _within_reach(manager: Manager, pk: int) -> Token:
    """A token that is not mightier than the calling one: its secret would be a way up."""
    found = _find(manager, pk)
    if manager.token is not None and found.pk != manager.token.pk:
        _check_within(manager.token, {name: getattr(found, name) for name in (*LIMITS, "expires_at")})
    return found


def _rotate(manager: Manager, pk: int, hours: int, request: HttpRequest) -> NewToken:
    found = _within_reach(manager, pk)
    if found.state == "revoked":
        raise BadRequest("A revoked token is not rotated. Make a new one.", code="invalid_parameter")
    return tokens.rotate(found, timedelta(hours=hours), by=Actor(manager.user, request))


def _revoke(manager: Manager, pk: int, reason: str, request: HttpRequest) -> Token:
    found = _find(manager, pk)
    if found.revoked_at is None:
        tokens.revoke(found, reason, by=Actor(manager.user, request))
    return found


def _make(manager: Manager, body: dict[str, Any], request: HttpRequest) -> NewToken:
    name = body.get("name", "token")
    if not isinstance(name, str) or not 1 <= len(name) <= 80:
        raise BadRequest("name must be a text of 1 to 80 characters.", code="invalid_parameter")
    visibility = body.get("visibility") or ""
    if visibility not in ("", "public", "private"):
        raise BadRequest("visibility must be public or private.", code="invalid_parameter")
    limits = _limits(body)
    if manager.token is not None:
        limits = _inherited(manager.token, limits)
        visibility = visibility or manager.token.visibility
        _check_within(manager.token, limits)
    return tokens.create(manager.team, name, visibility, by=Actor(manager.user, request), **limits)


LIMITS = ("scopes", "allowed_models", "networks", "interval", "concurrency", "monthly_quota", "monthly_budget")


def _limits(body: dict[str, Any]) -> dict[str, Any]:
    """The limits that a body asks for, checked; what it does not say is not there."""
    found: dict[str, Any] = {}
    for name in ("scopes", "allowed_models", "networks"):
        if (said := body.get(name)) is not None:
            if not isinstance(said, list) or len(said) > 100 or not all(isinstance(each, str) for each in said):
                raise BadRequest(f"{name} must be a list of texts.", code="invalid_parameter")
            found[name] = said
    if unknown := [name for name in found.get("scopes", ()) if name not in scopes.WORDS]:
        raise BadRequest(
            f"{unknown[0][:40]!r} is no scope; known are {', '.join(scopes.WORDS)}.", code="invalid_parameter"
        )
    try:
        found |= (
            {"networks": [str(ip_network(each, strict=False)) for each in found["networks"]]}
            if "networks" in found
            else {}
        )
    except ValueError as exc:
        raise BadRequest("networks must be address ranges, such as 192.0.2.0/24.", code="invalid_parameter") from exc
    for name, least, kind in (("interval", 0, (int, float)), ("concurrency", 1, (int,)), ("monthly_quota", 1, (int,))):
        if (said := body.get(name)) is not None:
            if isinstance(said, bool) or not isinstance(said, kind) or not least <= said <= 2**31 - 1:
                raise BadRequest(f"{name} must be a number from {least} on.", code="invalid_parameter")
            found[name] = said
    if (said := body.get("monthly_budget")) is not None:
        if isinstance(said, bool) or not isinstance(said, int | float) or not 0.01 <= said <= money.MOST:
            raise BadRequest("monthly_budget must be an amount from 0.01 on.", code="invalid_parameter")
        found["monthly_budget"] = round(said * money.MILLION)
    if (said := body.get("expires_at")) is not None:
        found["expires_at"] = _moment(said)
    return found


def _moment(said: Any) -> datetime:
    try:
        moment = parse_datetime(said) if isinstance(said, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or moment <= timezone.now():
        raise BadRequest("expires_at must be a time to come, such as 2027-01-31T12:00:00Z.", code="invalid_parameter")
    return moment


def _inherited(held: Token, wanted: dict[str, Any]) -> dict[str, Any]:
    """What was not said is as the calling token has it, without the scope to make further ones."""
    own = {name: getattr(held, name) for name in (*LIMITS, "expires_at")}
    own["scopes"] = sorted(scopes.of(held.scopes) - {"tokens.manage"})
    return {**own, **wanted}


def _check_within(held: Token, wanted: dict[str, Any]) -> None:
    """ScopeMissing for whatever would give more than the calling token has."""
    beyond = [
        name
        for name, is_more in (
            ("scopes", not scopes.of(wanted["scopes"]) <= scopes.of(held.scopes)),
            (
                "allowed_models",
                bool(held.allowed_models) and not _is_part(wanted["allowed_models"], held.allowed_models),
            ),
            ("networks", bool(held.networks) and not _is_inside(wanted["networks"], held.networks)),
            ("interval", (held.interval or 0) > (wanted["interval"] or 0)),
            ("concurrency", held.concurrency is not None and (wanted["concurrency"] or 2**40) > held.concurrency),
            (
                "monthly_quota",
                held.monthly_quota is not None and (wanted["monthly_quota"] or 2**62) > held.monthly_quota,
            ),
            (
                "monthly_budget",
                held.monthly_budget is not None and (wanted["monthly_budget"] or 2**62) > held.monthly_budget,
            ),
            ("expires_at", held.expires_at is not None and _is_later(wanted["expires_at"], held.expires_at)),
        )
        if is_more
    ]
    if beyond:
        raise ScopeMissing(f"A token gives no more than it has: {', '.join(beyond)} would be more than this one's.")


def _is_part(some: list[str], all_: list[str]) -> bool:
    return bool(some) and set(some) <= set(all_)


def _is_inside(some: list[str], all_: list[str]) -> bool:
    outer = [ip_network(each, strict=False) for each in all_]
    inner = [ip_network(each, strict=False) for each in some]
    return bool(inner) and all(
        any(each.version == other.version and each.subnet_of(other) for other in outer)  # type: ignore[arg-type]
        for each in inner
    )


def _is_later(moment: datetime | None, end: datetime) -> bool:
    return moment is None or moment > end


def _told(token: Token) -> dict[str, Any]:
    return {
        "id": token.pk,
        "name": token.name,
        "last_four": token.last_four,
        "state": token.state,
        "scopes": sorted(scopes.of(token.scopes)),
        "visibility": token.visibility or None,
        **{name: getattr(token, name) or None for name in LIMITS if name not in ("scopes", "monthly_budget")},
        "monthly_budget": money.amount(token.monthly_budget) if token.monthly_budget else None,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
        "previous_until": token.previous_until,
    }
