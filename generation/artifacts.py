"""Bytes kept with what is known of them: results, and files that somebody sent to have something made of them."""

import logging
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef
from django.utils import timezone

from generation import store
from generation.models import Artifact, Generation

log = logging.getLogger(__name__)

# Whoever is about to refer to an artifact touches it first, and needs far less than this to do so.
UNTOUCHED = timedelta(hours=1)


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


def collect(most: int = 10_000) -> int:
    """Remove artifacts that no generation refers to and nobody touched for an hour, with their files; returns how many.

    A row goes by one conditional DELETE, so whoever touched it meanwhile keeps it. Its file is moved aside before it is
    removed, and moved back if the row is there anew: `keep` writes the row first, and a file only where there is none.
    """
    removed: list[str] = []
    forms: set[str] = set()
    for artifact in _unused().only("digest", "variants").order_by("touched_at")[:most]:
        if not _unused().filter(pk=artifact.pk)._raw_delete(connection.alias):
            continue
        removed.append(artifact.digest)
        forms.update(artifact.variants.values())
    if forms:
        # The same pixels in files with different words in them have equal smaller forms.
        for variants in Artifact.objects.exclude(variants={}).values_list("variants", flat=True).iterator():
            forms.difference_update(variants.values())
    for digest in (*removed, *forms):
        store.remove(digest, unless=Artifact.objects.filter(pk=digest).exists)
    if removed:
        log.info("files that nothing led to were removed", extra={"fields": {"count": len(removed)}})
    return len(removed)


def _unused() -> Any:
    referred = Generation.objects.filter(artifact=OuterRef("pk"))
    return Artifact.objects.filter(~Exists(referred), touched_at__lt=timezone.now() - UNTOUCHED)
