"""Whether somebody has a second factor, as far as this installation has such a thing."""

from django.apps import apps

from pollweb.accounts.models import User


def is_offered() -> bool:
    return apps.is_installed("allauth.mfa")


def has(user: User) -> bool:
    """A code generator or a passkey."""
    if not is_offered():
        return False
    from allauth.mfa.utils import is_mfa_enabled

    return bool(is_mfa_enabled(user))
