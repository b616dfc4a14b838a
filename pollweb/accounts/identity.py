"""Who is asking: token → anonymous by address. (Registered referrers raise the tier of an anonymous caller; they are
not there yet.)

A token of an unknown form, or one we do not know, is no error: SDKs cannot be built without some key, and send dummies.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from pollweb.accounts import tokens
from pollweb.accounts.errors import AmbiguousToken
from pollweb.accounts.models import Token
from pollweb.lib import db, http

# A revoked token must be refused everywhere within five seconds; "not known" is remembered as well.
REMEMBERED_SECONDS = 4.0
MOST_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Principal:
    """Whose limits and whose results. `key` is `team:7` or `ip:192.0.2.1`, `visibility` what the team chose, if so."""

    key: str
    tier: str = "anonymous"
    team_id: int | None = None
    token_id: int | None = None
    visibility: str = ""

    @property
    def is_anonymous(self) -> bool:
        return self.team_id is None


_known: OrderedDict[str, tuple[float, Principal | None]] = OrderedDict()


def forget() -> None:
    """Drop what is remembered (tests, and after a change in this process)."""
    _known.clear()


def _look_up(digest: str) -> Principal | None:
    now = timezone.now()
    token = Token.objects.usable().filter(digest=digest).select_related("team").first()
    if token is None:
        return None
    # At most once a minute: every use of a token would be a write otherwise.
    Token.objects.filter(pk=token.pk).filter(
        Q(last_used_at=None) | Q(last_used_at__lt=now - timedelta(minutes=1))
    ).update(last_used_at=now)
    return Principal(
        key=f"team:{token.team_id}",
        tier=token.team.tier,
        team_id=token.team_id,
        token_id=token.pk,
        visibility=token.visibility or token.team.visibility,
    )


async def by_token(value: str) -> Principal | None:
    """Whose token this is; None when it is nobody's. A wrong checksum costs no query."""
    if not tokens.is_well_formed(value):
        return None
    digest = tokens.digest(value)
    found = _known.get(digest)
    if found is None or found[0] < time.monotonic():
        found = (time.monotonic() + REMEMBERED_SECONDS, await db.run(_look_up, digest))
        _known[digest] = found
        _known.move_to_end(digest)
        if len(_known) > MOST_REMEMBERED:
            _known.popitem(last=False)
    return found[1]


def _token_of(request: HttpRequest, body: dict[str, Any] | None) -> str:
    """The first value of our form: query, Authorization, X-Pollinations-Token, X-Api-Key, body. Two are an error."""
    bearer = request.headers.get("authorization", "").strip()
    if bearer[:7].lower() == "bearer ":
        bearer = bearer[7:].strip()
    candidates = (
        request.GET.get("token", ""),
        bearer,
        request.headers.get("x-pollinations-token", ""),
        request.headers.get("x-api-key", ""),
        (body or {}).get("token", ""),
    )
    ours = list(
        dict.fromkeys(value for value in candidates if isinstance(value, str) and tokens.looks_like_ours(value))
    )
    if len(ours) > 1:
        raise AmbiguousToken("This request carries two different tokens. Send one.")
    return ours[0] if ours else ""


def anonymous(address: str) -> Principal:
    return Principal(key=f"ip:{http.network_of(address)}")


async def identify(request: HttpRequest, body: dict[str, Any] | None = None) -> Principal:
    """Who sends this API request. `body` is the parsed JSON of a POST. A browser's cookie says nothing here."""
    value = _token_of(request, body)
    known = await by_token(value) if value else None
    return known or anonymous(http.client_address(request))


def visitor(request: HttpRequest) -> Principal:
    """Who sends a form of the site."""
    return anonymous(http.client_address(request))
