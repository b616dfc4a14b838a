"""Session tokens for programs: a JWT (RFC 7519) of an hour, HS256, claims `sub` (the person's number) and `username`.

A person gets one on the consent page of `/authorize`. It opens the auth API and nothing else.
"""

from datetime import timedelta

import jwt
from django.utils import timezone
from django.utils.crypto import salted_hmac

from pollweb.accounts.models import User

LIFE = timedelta(hours=1)
AUDIENCE = "pollweb.auth"


def _key() -> bytes:
    """Derived from the secret key, so that it fits nothing else."""
    return salted_hmac("pollweb.accounts.auth.jwts", "key", algorithm="sha256").digest()


def issue(user: User) -> str:
    now = timezone.now()
    claims = {"sub": str(user.pk), "username": user.get_username(), "aud": AUDIENCE, "iat": now, "exp": now + LIFE}
    return jwt.encode(claims, _key(), algorithm="HS256")


def read(value: str) -> int | None:
    """The person's number; None for what is no valid session token of ours."""
    try:
        claims = jwt.decode(
            value, _key(), algorithms=["HS256"], audience=AUDIENCE, options={"require": ["exp", "sub", "aud"]}
        )
        return int(claims["sub"])
    except (jwt.InvalidTokenError, ValueError):
        return None
