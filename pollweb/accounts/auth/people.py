"""Who somebody is: `/api/user`, `/api/whoami`, tiers, and what programs keep for a person."""

import hmac
from typing import Any

import orjson
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_safe

from pollweb.accounts import audit, identity, scopes
from pollweb.accounts.auth import callers
from pollweb.accounts.auth.answers import answer, body_of
from pollweb.accounts.models import Team, Token, User
from pollweb.accounts.personal import team_of
from pollweb.lib import db
from pollweb.lib.errors import BadRequest, NotFound, PollwebError

MOST_KEY, MOST_VALUE, MOST_ALL = 100, 10_000, 100_000  # characters, bytes, bytes
MOST_USERS = 1000
GIVEN = ("seed", "flower", "nectar")


@require_safe
async def user(request: HttpRequest) -> HttpResponse:
    """GET /api/user: {"github_user_id", "username"}, as the guide's time had it; the number is this installation's."""
    found = await callers.person(request)
    return answer({"github_user_id": str(found.pk), "user_id": str(found.pk), "username": found.get_username()})


# --- who am I ---------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
async def whoami(request: HttpRequest) -> HttpResponse:
    """GET /api/whoami: how any credential was read, where it stood, and what it is worth."""
    body = body_of(request) if request.method == "POST" else {}
    said = callers.bearer(request)
    if settings.ADMIN_KEY and hmac.compare_digest(said.encode(), settings.ADMIN_KEY.encode()):
        return answer({"credential": "admin_key", "source": "header:authorization"})
    if (found := await callers.person_or_none(request)) is not None:
        team = await db.run(team_of, found)
        return answer(
            {
                "credential": "jwt",
                "source": "header:authorization",
                "user_id": str(found.pk),
                "username": found.get_username(),
                "team": team.slug,
                "tier": team.tier,
            }
        )
    principal = await identity.identify(request, body)
    reading = request.reading  # type: ignore[attr-defined]
    told: dict[str, Any] = {
        "credential": {"DB_TOKEN": "token", "DB_REFERRER": "referrer"}.get(reading.result, "none"),
        "status": reading.status,
        "reason": reading.reason,
        "source": reading.source,
        "tier": principal.tier,
        "limited_by": "team" if principal.team_id else "address",
    }
    if principal.token_id:
        told |= await db.run(_token_told, principal.token_id)
        told["scopes"] = sorted(principal.scopes)
        told["allowed_models"] = sorted(principal.allowed_models) or None
    elif principal.referrer:
        told["referrer"] = principal.referrer
    return answer(told)


def _token_told(pk: int) -> dict[str, Any]:
    token = Token.objects.select_related("team").get(pk=pk)
    return {
        "team": token.team.slug,
        "token": {"id": token.pk, "name": token.name, "last_four": token.last_four, "expires_at": token.expires_at},
    }


# --- tiers ------------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
async def user_tier(request: HttpRequest) -> HttpResponse:
    """GET /api/user-tier: one's own. POST, with the admin key: {"user_id", "tier"}."""
    if request.method != "POST":
        found = await callers.oneself(request)
        return answer({"tier": (await db.run(team_of, found)).tier})
    await callers.operator(request)
    body = body_of(request)
    tier = body.get("tier")
    if tier not in GIVEN:
        raise BadRequest(f"tier must be one of {', '.join(GIVEN)}.", code="invalid_parameter")
    pk = number(body.get("user_id"))
    await db.run(_give, pk, tier)
    return answer({"success": True, "userId": str(pk), "tier": tier})


def number(said: Any) -> int:
    if isinstance(said, int) or (isinstance(said, str) and said.isascii() and said.isdecimal() and len(said) < 18):
        return int(said)
    raise BadRequest("user_id must be the number of a person.", code="invalid_parameter")


def _person(pk: int) -> User:
    found = User.objects.filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such user.")
    return found


def _give(pk: int, tier: str) -> None:
    team = team_of(_person(pk))
    before, team.tier = team.tier, tier
    team.save(update_fields=["tier"])
    audit.record("tier.changed", team=team, actor=None, target=team, before=before, after=tier)


@require_safe
async def user_tiers(request: HttpRequest) -> HttpResponse:
    """GET /api/user-tiers, with the admin key: everybody, a thousand at a time; `after` is the last user_id seen."""
    await callers.operator(request)
    rows = await db.run(_tiers, number(request.GET.get("after") or 0))
    return answer({"users": rows, "count": len(rows)})


def _tiers(after: int) -> list[dict[str, Any]]:
    teams = Team.objects.living().filter(person__gt=after).order_by("person").select_related("person")[:MOST_USERS]
    return [
        {"user_id": str(team.person_id), "username": team.person.get_username(), "tier": team.tier}
        for team in teams
        if team.person
    ]


# --- what programs keep -----------------------------------------------------------------------------------------------


def _size(value: Any) -> int:
    return len(orjson.dumps(value))


def _merged(kept: dict[str, Any], body: dict[str, Any], whole: str) -> dict[str, Any]:
    """{"key", "value"} or {WHOLE: {…}} over what is kept. BadRequest beyond the sizes."""
    if isinstance(body.get(whole), dict):
        new = body[whole]
    elif isinstance(body.get("key"), str) and body["key"] and "value" in body:
        new = {body["key"]: body["value"]}
    else:
        raise BadRequest(f'Send {{"key", "value"}} or {{"{whole}": {{…}}}}.', code="invalid_parameter")
    for key, value in new.items():
        if len(key) > MOST_KEY or _size(value) > MOST_VALUE:
            raise BadRequest(
                f"A key has {MOST_KEY} characters at most, a value {MOST_VALUE} bytes.", code="invalid_parameter"
            )
    merged = {**kept, **new}
    if _size(merged) > MOST_ALL:
        raise BadRequest(f"All together is larger than {MOST_ALL} bytes.", code="invalid_parameter")
    return merged


def _keep(pk: int, body: dict[str, Any]) -> dict[str, Any]:
    with transaction.atomic():
        row = User.objects.select_for_update().get(pk=pk)
        row.preferences = _merged(row.preferences, body, "preferences")
        row.save(update_fields=["preferences"])
    return row.preferences


@require_http_methods(["GET", "HEAD", "POST"])
async def preferences(request: HttpRequest) -> HttpResponse:
    """GET, POST /preferences: what programs keep for a person, by token or JWT."""
    body = body_of(request) if request.method == "POST" else {}
    found = await callers.holder(request, body)
    kept = await db.run(_keep, found.pk, body) if request.method == "POST" else found.preferences
    return answer({"user_id": str(found.pk), "preferences": kept})


@require_http_methods(["GET", "HEAD", "POST"])
async def admin_preferences(request: HttpRequest) -> HttpResponse:
    """GET, POST /admin/preferences?user_id=…, with the admin key."""
    await callers.operator(request)
    body = body_of(request) if request.method == "POST" else {}
    found = await db.run(_person, number(request.GET.get("user_id") or body.get("user_id")))
    kept = await db.run(_keep, found.pk, body) if request.method == "POST" else found.preferences
    return answer({"user_id": str(found.pk), "preferences": kept})


def _measure(pk: int, body: dict[str, Any]) -> dict[str, Any]:
    with transaction.atomic():
        row = User.objects.select_for_update().get(pk=pk)
        if isinstance(step := body.get("increment"), dict):
            key, by = step.get("key"), step.get("by", 1)
            before = row.metrics.get(key, 0) if isinstance(key, str) else None
            if not isinstance(before, int | float) or not isinstance(by, int | float):
                raise BadRequest('Send {"increment": {"key", "by"}} of a number.', code="invalid_parameter")
            body = {"key": key, "value": before + by}
        row.metrics = _merged(row.metrics, body, "metrics")
        row.save(update_fields=["metrics"])
    return row.metrics


@require_http_methods(["GET", "HEAD", "POST"])
async def admin_metrics(request: HttpRequest) -> HttpResponse:
    """GET, POST /admin/metrics?user_id=…, with the admin key: numbers that the operator's programs keep."""
    await callers.operator(request)
    body = body_of(request) if request.method == "POST" else {}
    found = await db.run(_person, number(request.GET.get("user_id") or body.get("user_id")))
    kept = await db.run(_measure, found.pk, body) if request.method == "POST" else found.metrics
    return answer({"user_id": str(found.pk), "metrics": kept})


@require_safe
async def admin_user_info(request: HttpRequest) -> HttpResponse:
    """GET /admin/user-info?user_id=…, with the admin key. It holds no secret: there are none to be had."""
    await callers.operator(request)
    return answer(await db.run(_info, number(request.GET.get("user_id"))))


def _info(pk: int) -> dict[str, Any]:
    found = _person(pk)
    team = team_of(found)
    return {
        "user_id": str(found.pk),
        "username": found.get_username(),
        "email": found.email,
        "is_active": found.is_active,
        "created_at": found.date_joined,
        "tier": team.tier,
        "team": team.slug,
        "domains": list(team.referrers.order_by("pattern").values_list("pattern", flat=True)[:1000]),
        "tokens": [
            {"id": row.pk, "name": row.name, "last_four": row.last_four, "scopes": sorted(scopes.of(row.scopes))}
            for row in team.tokens.usable().order_by("pk")[:1000]
        ],
    }


async def nothing(request: HttpRequest) -> HttpResponse:
    raise PollwebError("Resource not found", code="not_found", status=404)
