"""Who a referrer stands for: what requests name as theirs, and whose registration that is.

A referrer is no secret. It raises the tier of a caller who is still limited by address, and opens nothing.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _

from pollweb.accounts import audit, domains
from pollweb.accounts.errors import InvalidReferrer
from pollweb.accounts.models import App, Referrer, SeenHost, Team
from pollweb.accounts.remembered import Remembered
from pollweb.accounts.tokens import OPERATOR, Actor
from pollweb.lib import db

# The tiers from the lowest to the highest.
TIERS = ("anonymous", "seed", "flower", "nectar")
MOST_BLOCKED = 1000
MOST_OF_A_TEAM = 200


@dataclass(frozen=True, slots=True)
class Standing:
    """What a referrer is worth. `reason` is one of registered_referrer, unverified_referrer, blocked_referrer and
    unknown_referrer; only the first raises the tier above anonymous.
    """

    reason: str
    tier: str = "anonymous"
    kind: str = ""
    pattern: str = ""
    team_id: int | None = None
    app_id: int | None = None
    referrer_id: int | None = None
    always_private: bool = False
    always_safe: bool = False
    # Of an identifier: the hosts it is not to be used from, and those that need no telling.
    blocked_hosts: frozenset[str] = frozenset()


UNKNOWN = Standing("unknown_referrer")


def said(request: HttpRequest, body: Mapping[str, Any] | None = None) -> str:
    """The referrer as it came: query, body, headers, in the public service's order; the first that is not empty."""
    body = body or {}
    given = (
        request.GET.get("referrer"),
        request.GET.get("referer"),
        body.get("referrer"),
        body.get("referer"),
        request.META.get("HTTP_REFERER"),
        request.META.get("HTTP_REFERRER"),
        request.META.get("HTTP_ORIGIN"),
    )
    return next((value for value in given if isinstance(value, str) and value), "")


def sending_host(request: HttpRequest) -> str:
    """The host of the page that a browser says it is on; "" without one."""
    for name in ("HTTP_REFERER", "HTTP_REFERRER", "HTTP_ORIGIN"):
        if (value := request.META.get(name, "")).lower().startswith(domains.SCHEMES):
            claim = domains.named(value)
            return claim.host if claim else ""
    return ""


_known: Remembered[Standing] = Remembered()


async def standing(value: str) -> Standing:
    """What a referrer as it came is worth."""
    claim = domains.named(value)
    if claim is None:
        return UNKNOWN
    return await _known.get(claim.pattern, _find)


async def _find(pattern: str) -> Standing:
    return await db.run(stand, pattern)


def stand(pattern: str) -> Standing:
    """The same from the database, for a name in the spelling of `domains`: exact first, then the longest wildcard."""
    is_host = "." in pattern or ":" in pattern
    # A loopback name has no dot and may be registered as a domain where the operator allows it.
    patterns = [pattern, *(domains.wildcards(pattern) if is_host else [])]
    rows = Referrer.objects.filter(pattern__in=patterns, team__deleted_at=None).select_related("team")
    # Longest first, which puts the exact one before every wildcard; of several claims the one in force first.
    found = sorted(rows, key=lambda row: (patterns.index(row.pattern), not row.is_in_force, row.pk))
    row = next((row for row in found if row.is_in_force or row.blocked_at), None) or next(iter(found), None)
    if row is None:
        return UNKNOWN
    return _standing(row)


def _standing(row: Referrer) -> Standing:
    told: dict[str, Any] = {
        "kind": row.kind,
        "pattern": row.pattern,
        "team_id": row.team_id,
        "app_id": row.app_id,
        "referrer_id": row.pk,
    }
    if row.blocked_at:
        return Standing("blocked_referrer", **told)
    if not row.is_in_force:
        return Standing("unverified_referrer", **told)
    blocked: frozenset[str] = frozenset()
    if row.kind == "identifier":
        hosts = SeenHost.objects.filter(team_id=row.team_id, blocked_at__isnull=False)
        blocked = frozenset(hosts.values_list("host", flat=True)[:MOST_BLOCKED])
    return Standing(
        "registered_referrer",
        tier=tier_of(row.team, row.kind),
        always_private=row.team.always_private,
        always_safe=row.team.always_safe,
        blocked_hosts=blocked,
        **told,
    )


def tier_of(team: Team, kind: str) -> str:
    """What a registration in force is worth: a domain its owner's tier, an identifier, which anybody may say, seed."""
    return min(team.tier, "seed", key=TIERS.index) if kind == "identifier" else team.tier


def belongs(host: str, team_id: int) -> bool:
    """Whether a host is registered by this team."""
    patterns = [host, *domains.wildcards(host)]
    return Referrer.objects.filter(team_id=team_id, pattern__in=patterns).exists()


def register(team: Team, text: str, app_name: str = "", *, by: Actor = OPERATOR) -> Referrer:
    """A team's claim, pending until it is verified; the claim it has already where it has one.

    InvalidReferrer for what cannot be registered, and for an identifier that another team has.
    """
    claim = domains.claimed(text)
    if known := team.referrers.filter(pattern=claim.pattern).first():
        return known
    if team.referrers.count() >= MOST_OF_A_TEAM:
        raise InvalidReferrer(_("A team has %(most)s referrers at most.") % {"most": MOST_OF_A_TEAM})
    try:
        with transaction.atomic():
            app = None
            if app_name:
                app, _new = App.objects.get_or_create(team=team, name=app_name, defaults={"created_by": by.user})
            row = Referrer.objects.create(
                team=team,
                app=app,
                kind=claim.kind,
                pattern=claim.pattern,
                proof=secrets.token_hex(16),
                created_by=by.user,
            )
            audit.record(
                "referrer.registered", team=team, actor=by.user, target=row, request=by.request, kind=claim.kind
            )
    except IntegrityError as exc:
        raise InvalidReferrer(_("The identifier %(name)s is taken. Choose another.") % {"name": claim.pattern}) from exc
    team.seen_hosts.filter(host=claim.pattern).delete()
    return row


@transaction.atomic
def remove(row: Referrer, *, by: Actor = OPERATOR) -> None:
    audit.record("referrer.removed", team=row.team, actor=by.user, target=row, request=by.request, kind=row.kind)
    row.delete()
