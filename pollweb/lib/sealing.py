"""Secrets that must be had back lie encrypted in the database, under a key that is derived from the installation's."""

import base64
import hashlib

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings


def cipher(purpose: str) -> MultiFernet:
    """What is sealed for one purpose is not opened for another. Keys of before (SECRET_KEY_FALLBACKS) still open."""
    keys = map(str, [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS])
    return MultiFernet(
        Fernet(base64.urlsafe_b64encode(hashlib.sha256(f"pollweb {purpose}:{key}".encode()).digest())) for key in keys
    )


def seal(text: str, purpose: str) -> str:
    return cipher(purpose).encrypt(text.encode()).decode()


def unseal(sealed: str, purpose: str) -> str:
    """Raises cryptography.fernet.InvalidToken when it was sealed under another key or changed."""
    return cipher(purpose).decrypt(sealed.encode()).decode()
