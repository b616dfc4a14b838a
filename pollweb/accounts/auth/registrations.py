"""Domains and referrers by the auth API."""

from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_safe

from pollweb.accounts import domains, referrers
from pollweb.accounts.auth import callers
from pollweb.accounts.auth.answers import answer, body_of
from pollweb.accounts.auth.people import number
from pollweb.accounts.models import Team, User
from pollweb.accounts.personal import team_of
from pollweb.accounts.tokens import Actor
from pollweb.lib import db
from pollweb.lib.errors import BadRequest

MOST = 100


@require_http_methods(["GET", "HEAD", "POST"])
async def user_domains(request: HttpRequest) -> HttpResponse:
    """GET /api/domains: {"domains": […]}. POST {"domains": […]} replaces the list; what is new is pending."""
    found = await callers.oneself(request)
    if request.method == "POST":
        said = body_of(request).get("domains")
        if not isinstance(said, list) or len(said) > MOST or not all(isinstance(each, str) for each in said):
            raise BadRequest(f"domains must be a list of at most {MOST} texts.", code="invalid_parameter")
        await db.run(_replace, found, said, Actor(found, request))
        return answer({"success": True, **await db.run(_told, found)})
    return answer(await db.run(_told, found))


def _told(user: User) -> dict[str, Any]:
    rows = list(team_of(user).referrers.order_by("pattern"))
    return {
        "domains": [row.pattern for row in rows],
        "pending": [
            {"domain": row.pattern, "proof": f"pollweb-verification={row.proof}"} for row in rows if not row.is_in_force
        ],
    }


@transaction.atomic
def _replace(user: User, said: list[str], by: Actor) -> None:
    team = team_of(user)
    wanted = {domains.claimed(text).pattern for text in said}
    for row in team.referrers.exclude(pattern__in=wanted).select_related("team"):
        referrers.remove(row, by=by)
    for pattern in sorted(wanted):
        referrers.register(team, pattern, by=by)


@require_safe
async def check_domain(request: HttpRequest) -> HttpResponse:
    """GET /api/check-domain?user_id=…&domain=…: whether this domain counts as this person's."""
    claim = domains.named(request.GET.get("domain", ""))
    if claim is None:
        raise BadRequest("domain is missing, or is none.", code="invalid_parameter")
    allowed = await db.run(_is_theirs, number(request.GET.get("user_id")), claim.pattern)
    return answer({"allowed": allowed})


def _is_theirs(pk: int, pattern: str) -> bool:
    standing = referrers.stand(pattern)
    return (
        standing.reason == "registered_referrer" and Team.objects.filter(pk=standing.team_id or 0, person=pk).exists()
    )


@require_http_methods(["GET", "HEAD", "POST"])
async def validate_referrer(request: HttpRequest) -> HttpResponse:
    """/api/validate-referrer: whose a referrer is, named as in any request (query, body, headers)."""
    said = referrers.said(request, body_of(request) if request.method == "POST" else {})
    if not said:
        raise BadRequest("referrer is missing.", code="invalid_parameter")
    found = await referrers.standing(said)
    if found.reason != "registered_referrer":
        return answer({"valid": False, "message": found.reason})
    assert found.team_id is not None
    user_id, name = await db.run(whose, found.team_id)
    return answer({"valid": True, "user_id": user_id, "username": name, "tier": found.tier})


def whose(team_id: int) -> tuple[str, str]:
    """A team as this API's user: the person of a personal team, else the team by its name in addresses."""
    team = Team.objects.select_related("person").get(pk=team_id)
    return (str(team.person_id), team.person.get_username()) if team.person else (f"team:{team.slug}", team.name)
