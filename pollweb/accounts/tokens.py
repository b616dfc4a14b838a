"""Tokens: `pw_`, 30 random characters, 6 of a checksum, all of base 62. We keep SHA-256 digests only.

The checksum (CRC-32 of what stands before it) lets a mistyped or invented token be refused without a query, and leak
scanners be sure of what they found.
"""

import hashlib
import re
import secrets
import string
import zlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from pollweb.accounts import audit, remembered, scopes
from pollweb.accounts.models import Team, Token, User

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
# The page says ten seconds; who pressed the button in the last of them is still in time.
UNDO = timedelta(seconds=12)
FORM = re.compile(r"pw_[0-9A-Za-z]{36}")


def _checksum(body: str) -> str:
    value, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        value, digit = divmod(value, 62)
        digits = ALPHABET[digit] + digits
    return digits


def looks_like_ours(value: str) -> bool:
    return FORM.fullmatch(value) is not None


def is_well_formed(value: str, prefix: str = "pw_") -> bool:
    """Of our form, and its checksum is right. Secrets of other parts have a prefix of their own."""
    if not looks_like_ours(value.replace(prefix, "pw_", 1)) or not value.startswith(prefix):
        return False
    return secrets.compare_digest(_checksum(value[:33]), value[33:])


def digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def masked(value: str) -> str:
    """Enough to know which one it was, never enough to use it."""
    return f"{value[:4]}...{value[-4:]}" if len(value) >= 24 else "..."


def new_secret(prefix: str = "pw_") -> str:
    """`prefix` has three characters."""
    body = prefix + "".join(secrets.choice(ALPHABET) for _ in range(30))
    return body + _checksum(body)


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token and its secret, which is never to be had again."""

    token: Token
    secret: str


@dataclass(frozen=True, slots=True)
class Actor:
    """In whose name something is changed, for the audit: a person, at a page or by the API; nobody: the operator."""

    user: User | None = None
    request: HttpRequest | None = None

    @classmethod
    def at(cls, request: Any) -> "Actor":
        """Whoever sent this to a team's page."""
        return cls(request.visit.user, request)


OPERATOR = Actor()


@transaction.atomic
def create(team: Team, name: str = "token", visibility: str = "", *, by: Actor = OPERATOR, **limits: Any) -> NewToken:
    """`limits` are fields of Token, below what its team may: scopes, allowed_models, networks, interval, …"""
    secret = new_secret()
    token = Token.objects.create(
        team=team,
        name=name,
        visibility=visibility,
        digest=digest(secret),
        last_four=secret[-4:],
        created_by=by.user,
        **limits,
    )
    audit.record("token.created", team=team, actor=by.user, target=token, request=by.request, **_told(token))
    return NewToken(token, secret)


def _told(token: Token) -> dict[str, Any]:
    return {"token": token.pk, "scopes": sorted(scopes.of(token.scopes))}


@transaction.atomic
def rotate(token: Token, overlap: timedelta, *, by: Actor = OPERATOR) -> NewToken:
    """A new secret for the same token. The one before works for `overlap` more; one before that ends at once."""
    secret = new_secret()
    token.previous_digest, token.previous_until = token.digest, timezone.now() + overlap
    token.previous_used_at, token.previous_uses = None, 0
    token.digest, token.last_four, token.seen_in_url_at = digest(secret), secret[-4:], None
    token.save()
    hours = round(overlap.total_seconds() / 3600)
    audit.record(
        "token.rotated", team=token.team, actor=by.user, target=token, request=by.request, token=token.pk, hours=hours
    )
    return NewToken(token, secret)


@transaction.atomic
def revoke(token: Token, reason: str = "", *, by: Actor = OPERATOR) -> None:
    """Refused in every process within five seconds."""
    token.revoked_at, token.revoked_reason = timezone.now(), reason[:200]
    token.save(update_fields=["revoked_at", "revoked_reason"])
    audit.record(
        "token.revoked",
        team=token.team,
        actor=by.user,
        target=token,
        request=by.request,
        token=token.pk,
        reason=token.revoked_reason,
    )


@transaction.atomic
def restore(token: Token, *, by: Actor = OPERATOR) -> bool:
    """Take a revocation back. False when it is longer ago than that can be done."""
    since = timezone.now() - UNDO
    if not Token.objects.filter(pk=token.pk, revoked_at__gte=since).update(revoked_at=None, revoked_reason=""):
        return False
    token.refresh_from_db()
    transaction.on_commit(remembered.changed)
    audit.record("token.restored", team=token.team, actor=by.user, target=token, request=by.request, token=token.pk)
    return True
