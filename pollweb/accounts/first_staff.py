"""The first staff account: made only with a link that `up` prints while there is none.

The link works once and for a day. Of its secret the installation keeps the digest, in POLLWEB_HOME/run, so that neither
database nor logs hold it; a new start makes a new link, and the one before is worth nothing.
"""

import hashlib
import hmac
import json
import os
import secrets
import time
from pathlib import Path

from django.conf import settings

from pollweb.accounts.models import User

LASTS = 24 * 3600  # seconds


def _file() -> Path:
    return Path(settings.POLLWEB_HOME) / "run" / "first_staff.json"


def is_needed() -> bool:
    return not User.objects.filter(is_staff=True, is_active=True).exists()


def new_secret() -> str:
    """The secret of a link that works from now on, in place of any before."""
    secret = secrets.token_urlsafe(24)
    path, kept = _file(), {"digest": _digest(secret), "until": time.time() + LASTS}
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        json.dump(kept, file)
    part.replace(path)
    return secret


def forget() -> None:
    _file().unlink(missing_ok=True)


def is_good(secret: str) -> bool:
    """Whether this is the secret of the link that was printed last, neither used nor expired."""
    try:
        kept = json.loads(_file().read_text(encoding="ascii"))
        fits = hmac.compare_digest(str(kept["digest"]), _digest(secret)) and time.time() < float(kept["until"])
    except (OSError, ValueError, LookupError, TypeError):
        return False
    return fits and is_needed()


def spend(secret: str) -> bool:
    """Take the link: True for one caller only, however many come at once. The file's removal decides."""
    if not is_good(secret):
        return False
    try:
        _file().unlink()
    except FileNotFoundError:
        return False
    return True


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
