"""Pieces of the gallery that other pages show."""

from typing import Any

from django import template
from django.core.cache import cache

from generation import search
from generation.models import Generation
from generation.web.tiles import for_tiles, tiles
from pollweb.gallery import keeping

register = template.Library()

ROW = 8  # tiles
KEPT_SECONDS = 120


@register.inclusion_tag("gallery/_save.html", takes_context=True)
def save_button(context: Any, generation: Generation) -> dict[str, Any]:
    """The heart of an item, and, for a person, the way into a collection."""
    request = context["request"]
    return {
        "public_id": generation.public_id,
        "is_saved": keeping.is_saved(request, generation),
        "person": request.user if request.user.is_authenticated else None,
        "csrf_token": context.get("csrf_token"),
    }


@register.inclusion_tag("gallery/_similar.html")
def similar(generation: Generation) -> dict[str, Any]:
    """A row of public results whose prompts mean something like this one's."""
    if not generation.is_visible:
        return {}
    key = f"similar:{generation.public_id}"
    if (keys := cache.get(key)) is None:
        found = search.find(search.parse(f"similar:{generation.public_id}"), limit=ROW)
        keys = [row.pk for row in found.rows]
        cache.set(key, keys, KEPT_SECONDS)
    rows = for_tiles(Generation.objects.public()).in_bulk(keys) if keys else {}
    return {"tiles": tiles([rows[key] for key in keys if key in rows]), "public_id": generation.public_id}
