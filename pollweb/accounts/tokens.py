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

from pollweb.accounts.models import Team, Token

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
FORM = re.compile(r"pw_[0-9A-Za-z]{36}")


def _checksum(body: str) -> str:
    value, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        value, digit = divmod(value, 62)
        digits = ALPHABET[digit] + digits
    return digits


def looks_like_ours(value: str) -> bool:
    return FORM.fullmatch(value) is not None


def is_well_formed(value: str) -> bool:
    """Of our form, and its checksum is right."""
    return looks_like_ours(value) and secrets.compare_digest(_checksum(value[:33]), value[33:])


def digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token and its secret, which is never to be had again."""

    token: Token
    secret: str


def create(team: Team, name: str = "token", visibility: str = "") -> NewToken:
    body = "pw_" + "".join(secrets.choice(ALPHABET) for _ in range(30))
    secret = body + _checksum(body)
    token = Token.objects.create(
        team=team, name=name, digest=digest(secret), last_four=secret[-4:], visibility=visibility
    )
    return NewToken(token, secret)
