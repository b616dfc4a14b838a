"""Bytes kept with what is known of them: results, and files that somebody sent to have something made of them."""

from typing import Any

from django.utils import timezone

from generation import store
from generation.models import Artifact


def keep(data: bytes, media_type: str, **known: Any) -> str:
    """Store the bytes under an Artifact and return their digest; `known` are further columns of a new one.

    The artifact's row first, then the bytes: collection never takes a file whose row was just touched. An artifact
    that belongs to no generation, such as a recording to be written down, has no address. Raises StorageFull.
    """
    digest = store.digest_of(data)
    Artifact.objects.update_or_create(
        digest=digest,
        defaults={"touched_at": timezone.now()},
        create_defaults={"touched_at": timezone.now(), "media_type": media_type, "size": len(data), **known},
    )
    store.put(data)
    return digest
