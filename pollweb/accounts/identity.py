"""Who is asking: token → registered referrer → anonymous by address.

A value that is no token of ours is no error: SDKs cannot be built without some key, and send dummies. The answer says
so (`X-Auth-Reason`). A token of our form that is mistyped, revoked or expired is an error, since whoever sent it
believes to be somebody.
"""

from collections.abc import MutableMapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import unquote_plus

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from pollweb.accounts import current, referrers, remembered, scopes, sightings, tokens, usage
from pollweb.accounts.errors import (
    AddressNotAllowed,
    AmbiguousToken,
    InvalidToken,
    ModelNotAllowed,
    ScopeMissing,
    TokenExpired,
    TokenRevoked,
)
from pollweb.accounts.models import Token
from pollweb.accounts.remembered import Remembered
from pollweb.lib import db, http
from pollweb.lib.errors import PollwebError

__all__ = ["Principal", "anonymous", "by_token", "forget", "identify", "visitor"]


@dataclass(frozen=True, slots=True)
class Principal:
    """Whose limits and whose results. `key` is `team:7` or `ip:192.0.2.1`, `visibility` what the team chose, if so.

    A registered referrer gives its team's tier to a caller who is still limited by address, and whose `team_id` is
    None: it opens nothing of the team's. `referrer_team_id` says whose it was, for usage.
    """

    key: str
    tier: str = "anonymous"
    team_id: int | None = None
    token_id: int | None = None
    visibility: str = ""
    app_id: int | None = None
    referrer: str = ""
    referrer_team_id: int | None = None
    # What the token may do (pollweb.accounts.scopes) and which models it and its team may use; empty: no limit.
    scopes: frozenset[str] = frozenset()
    allowed_models: frozenset[str] = frozenset()
    always_private: bool = False
    always_safe: bool = False
    # The token's own limits, below the team's.
    own_interval: float | None = None
    own_concurrency: int | None = None
    own_quota: int | None = None
    team_quota: int | None = None
    own_budget: int | None = None
    team_budget: int | None = None

    @property
    def is_anonymous(self) -> bool:
        return self.team_id is None

    @property
    def is_registered(self) -> bool:
        """By a token or by a referrer."""
        return self.team_id is not None or self.referrer_team_id is not None

    def usage_key(self, kind: str, model: str) -> usage.Key:
        """Whose usage it is when this caller uses `model`: its team's, or its registered referrer's."""
        return usage.Key(
            kind=kind,
            model=model,
            team_id=self.team_id or self.referrer_team_id,
            token_id=self.token_id,
            app_id=self.app_id,
            referrer=self.referrer,
        )

    def may(self, scope: str) -> bool:
        if self.token_id is None:
            return scope in scopes.OPEN
        return scope in (self.scopes or scopes.USUAL)

    def require(self, scope: str) -> None:
        """ScopeMissing (403) where this token may not do it."""
        if not self.may(scope):
            raise ScopeMissing(
                f"This token has not the scope {scope}. A member of its team can give it on the token's page."
                if self.token_id
                else f"This needs a token with the scope {scope}."
            )

    def may_use(self, name: str) -> bool:
        """Whether this model is among those that the token and its team may use."""
        return not self.allowed_models or name in self.allowed_models

    def require_model(self, name: str) -> None:
        """ModelNotAllowed (403) for a model beyond those that the token and its team may use."""
        if not self.may_use(name):
            allowed = ", ".join(sorted(self.allowed_models - {""})) or "none"
            raise ModelNotAllowed(f"This token may not use the model {name}. It may use: {allowed}.")


# --- tokens -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Held:
    """A token as it is remembered. `until` is when it ends by itself, `refusal` why it is not taken at all."""

    principal: Principal
    until: datetime | None = None
    refusal: str = ""
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    is_previous: bool = False
    seen_in_url: bool = False


def _read(digest: str) -> Held | None:
    token = (
        Token.objects.filter(Q(digest=digest) | Q(previous_digest=digest)).select_related("team").order_by("pk").first()
    )
    if token is None:
        return None
    is_previous = token.digest != digest
    ends = [end for end in (token.expires_at, token.previous_until if is_previous else None) if end]
    refusal = ""
    if token.revoked_at:
        refusal = f"revoked{f': {token.revoked_reason}' if token.revoked_reason else ''}"
    elif token.team.deleted_at:
        refusal = "revoked: its team was deleted"
    elif is_previous and token.previous_until is None:
        refusal = "revoked: it was replaced"
    return Held(
        Principal(
            key=f"team:{token.team_id}",
            tier=token.team.tier,
            team_id=token.team_id,
            token_id=token.pk,
            visibility=token.visibility or token.team.visibility,
            app_id=token.app_id,
            scopes=scopes.of(token.scopes),
            allowed_models=_both(token.allowed_models, token.team.allowed_models),
            always_private=token.team.always_private,
            always_safe=token.team.always_safe,
            own_interval=token.interval,
            own_concurrency=token.concurrency,
            own_quota=token.monthly_quota,
            team_quota=token.team.monthly_quota,
            own_budget=token.monthly_budget,
            team_budget=token.team.monthly_budget,
        ),
        until=min(ends, default=None),
        refusal=refusal,
        networks=tuple(ip_network(network, strict=False) for network in token.networks),
        is_previous=is_previous,
        seen_in_url=token.seen_in_url_at is not None,
    )


def _both(*lists: list[str]) -> frozenset[str]:
    """The names that every list allows; an empty list allows all, and so does an empty answer."""
    said = [frozenset(names) for names in lists if names]
    if not said:
        return frozenset()
    return frozenset.intersection(*said) or frozenset({""})  # no model is called "": nothing is allowed


async def _find(digest: str) -> Held | None:
    return await db.run(_read, digest)


_known: Remembered[Held | None] = Remembered()


def forget() -> None:
    """Drop what this process remembers (tests)."""
    remembered.forget()
    sightings.forget()


async def by_token(value: str, address: str, *, client: str = "", in_url: bool = False) -> Principal | None:
    """Whose token this is, used from `address`; None for a value that no token here has or had.

    InvalidToken (its checksum is wrong, which costs no query), TokenRevoked, TokenExpired; AddressNotAllowed.
    """
    if not tokens.looks_like_ours(value):
        return None
    if not tokens.is_well_formed(value):
        raise InvalidToken("This token is mistyped: its last six characters do not fit the others. Copy it again.")
    held = await _known.get(tokens.digest(value), _find)
    if held is None:
        return None
    _check(held, address)
    token_id = held.principal.token_id
    assert token_id is not None
    if times := sightings.is_news(f"{token_id}:{held.is_previous}"):
        sightings.write(sightings.token_used, token_id, address, client, times if held.is_previous else 0)
    if in_url and not held.seen_in_url and sightings.is_news(f"{token_id}:url"):
        sightings.write(sightings.token_in_url, token_id)
    return held.principal


def _check(held: Held, address: str) -> None:
    if held.refusal:
        raise TokenRevoked(f"This token was {held.refusal}.")
    if held.until is not None and held.until <= timezone.now():
        when = f"{held.until:%Y-%m-%d %H:%M} UTC"
        if held.is_previous:
            raise TokenExpired(f"This token was replaced, and its time beside the new one ended on {when}.")
        raise TokenExpired(f"This token expired on {when}. Make a new one.")
    if held.networks and not any(_parsed(address) in network for network in held.networks):
        raise AddressNotAllowed("This token may not be used from your address.")


@lru_cache(maxsize=4096)
def _parsed(address: str) -> Any:
    return ip_address(address)


# --- what a request brings --------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Reading:
    """How a request's credentials were read: what the answer's X-Auth headers tell, and `GET /api/whoami`."""

    result: str = "NONE"  # DB_TOKEN, DB_REFERRER or NONE
    reason: str = "no_credentials"
    token: str = ""  # masked
    source: str = ""
    has_referrer: bool = False

    @property
    def status(self) -> str:
        return "unauthenticated" if self.result == "NONE" else "authenticated"

    def tell(self, store: MutableMapping[str, tuple[str, str]], *, debug: bool) -> None:
        """Into an answer's headers; with `debug` all that the public image host tells."""
        store["x-auth-status"] = ("X-Auth-Status", self.status)
        store["x-auth-reason"] = ("X-Auth-Reason", self.reason)
        if debug:
            store["x-auth-result"] = ("X-Auth-Result", self.result)
            if self.token:
                store["x-debug-token"] = ("X-Debug-Token", self.token)
                store["x-debug-token-source"] = ("X-Debug-Token-Source", self.source)
            if self.has_referrer:
                store["x-debug-referrer"] = ("X-Debug-Referrer", "present")


def take_from_address(request: HttpRequest) -> None:
    """Take `token` out of the query string, before anything can log or store it, and keep it for `identify`."""
    query = request.META["QUERY_STRING"]
    if "token=" not in query:
        return
    rest = [piece for piece in query.split("&") if unquote_plus(piece.partition("=")[0]) != "token"]
    request.query_token = request.GET.get("token", "")  # type: ignore[attr-defined]
    request.META["QUERY_STRING"] = "&".join(rest)
    request.scope = {**request.scope, "query_string": request.META["QUERY_STRING"].encode()}  # type: ignore[attr-defined]
    del request.GET


def offered(request: HttpRequest, body: MutableMapping[str, Any] | None = None) -> list[tuple[str, str]]:
    """(source, value) of all that may be a token, in the order in which it counts. The body's is taken out of it."""
    meta = request.META
    found = []
    if value := getattr(request, "query_token", "") or request.GET.get("token", ""):
        found.append(("query:token", value))
    if bearer := meta.get("HTTP_AUTHORIZATION", "").strip():
        found.append(("header:authorization", bearer[7:].strip() if bearer[:7].lower() == "bearer " else bearer))
    if value := meta.get("HTTP_X_POLLINATIONS_TOKEN"):
        found.append(("header:x-pollinations-token", value))
    if value := meta.get("HTTP_X_API_KEY"):
        found.append(("header:x-api-key", value))
    if body and isinstance(value := body.pop("token", None), str):
        found.append(("body:token", value))
    return [(source, value) for source, value in found if value]


def _chosen(offers: list[tuple[str, str]]) -> tuple[str, str]:
    """The first token of our form; without one, the first value. Two different tokens of ours are an error."""
    ours = [offer for offer in offers if tokens.looks_like_ours(offer[1])]
    if len({value for _, value in ours}) > 1:
        raise AmbiguousToken("This request carries two different tokens. Send one.")
    return (ours or offers)[0]


def anonymous(address: str) -> Principal:
    return Principal(key=f"ip:{http.network_of(address)}")


async def identify(request: HttpRequest, body: MutableMapping[str, Any] | None = None) -> Principal:
    """Who sends this API request. `body` is the parsed JSON of a POST. A browser's cookie says nothing here.

    Leaves a Reading at `request.reading`. Errors of `by_token`, and AmbiguousToken.
    """
    reading = Reading()
    request.reading = reading  # type: ignore[attr-defined]
    address = http.client_address(request)
    if offers := offered(request, body):
        reading.source, value = _chosen(offers)
        reading.token = tokens.masked(value)
        try:
            principal = await by_token(
                value,
                address,
                client=request.META.get("HTTP_USER_AGENT", ""),
                in_url=reading.source == "query:token",
            )
        except PollwebError as exc:
            reading.reason = exc.code
            raise
        if principal is not None:
            reading.result, reading.reason = "DB_TOKEN", "token"
            return principal
        reading.reason = "unknown_token"
    if value := referrers.said(request, body):
        reading.has_referrer = True
        return await _by_referrer(request, value, address, reading)
    return anonymous(address)


async def _by_referrer(request: HttpRequest, value: str, address: str, reading: Reading) -> Principal:
    """A caller by address, with the tier of whoever registered the referrer."""
    found = await referrers.standing(value)
    host = referrers.sending_host(request) if found.kind == "identifier" else ""
    reason = "blocked_referrer" if host in found.blocked_hosts else found.reason
    if reading.reason != "unknown_token":
        reading.reason = reason
    if found.team_id is not None and host and (times := sightings.is_news(f"host:{found.team_id}:{host}")):
        sightings.write(sightings.host_seen, found.team_id, host, times)
    if reason != "registered_referrer":
        return anonymous(address)
    reading.result = "DB_REFERRER"
    if found.referrer_id is not None and sightings.is_news(f"referrer:{found.referrer_id}"):
        sightings.write(sightings.referrer_used, found.referrer_id)
    return Principal(
        key=f"ip:{http.network_of(address)}",
        tier=found.tier,
        app_id=found.app_id,
        referrer=found.pattern,
        referrer_team_id=found.team_id,
        always_private=found.always_private,
        always_safe=found.always_safe,
    )


def visitor(request: HttpRequest) -> Principal:
    """Who sends a form of the site: the team in which a signed-in person is, else whoever is at this address."""
    team = current.team_of(request)
    if team is None:
        return anonymous(http.client_address(request))
    return Principal(
        key=f"team:{team.pk}",
        tier=team.tier,
        team_id=team.pk,
        visibility=team.visibility,
        allowed_models=frozenset(team.allowed_models),
        always_private=team.always_private,
        always_safe=team.always_safe,
        team_quota=team.monthly_quota,
        team_budget=team.monthly_budget,
    )
