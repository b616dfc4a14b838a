"""Identifiers: ordered ones for rows, unguessable ones for addresses."""

import re
import secrets
import time
import uuid
from datetime import datetime

PUBLIC_ID = re.compile(r"[0-9A-Za-z_-]{22}")


def uuid7() -> uuid.UUID:
    """A UUID that sorts by the quarter of a microsecond it was made in (RFC 9562, version 7; section 6.2, method 3)."""
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    fraction = (rest << 12) // 1_000_000
    return uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0x2 << 62 | secrets.randbits(62))


def first_of(moment: datetime) -> uuid.UUID:
    """The least UUID that `uuid7` can make at this moment: ids of a time lie between two of them."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80 | 0x7 << 76 | 0x2 << 62)


def public_id() -> str:
    """128 random bits as 22 URL-safe characters; whoever has it was given it."""
    return secrets.token_urlsafe(16)


def is_public_id(value: str) -> bool:
    return PUBLIC_ID.fullmatch(value) is not None


def request_id() -> str:
    return secrets.token_hex(8)
