"""Addresses of what is not public, lent to whoever is given them: signed, for an hour."""

from urllib.parse import urlencode

from django.conf import settings
from django.core import signing

SECONDS = 3600  # as long as OpenAI's addresses of pictures hold
_signer = signing.TimestampSigner(salt="generation.lending")


def address(public_id: str, variant: str) -> str:
    """`/media/{public id}/{variant}` with a signature for just that."""
    signature = _signer.sign(_named(public_id, variant)).removeprefix(f"{_named(public_id, variant)}:")
    return f"{settings.SITE_URL}/media/{public_id}/{variant}?{urlencode({'signature': signature})}"


def holds(public_id: str, variant: str, signature: str) -> bool:
    """Whether this signature is ours, for this very thing, and not older than an hour."""
    try:
        _signer.unsign(f"{_named(public_id, variant)}:{signature}", max_age=SECONDS)
    except signing.BadSignature:
        return False
    return True


def _named(public_id: str, variant: str) -> str:
    return f"{public_id}/{variant}"
