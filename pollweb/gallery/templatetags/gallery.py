"""Pieces of the gallery that other pages show."""

from typing import Any

from django import template

from generation import search
from generation.models import Generation
from generation.web.tiles import for_tiles, tiles
from pollweb.gallery import announcements as announced
from pollweb.gallery import keeping
from pollweb.gallery.models import Announcement
from pollweb.lib import copies

register = template.Library()

ROW = 8  # tiles
KEPT_SECONDS = 120


@register.inclusion_tag("components/announcements.html", takes_context=True)
def announcements(context: Any, *, ask: bool = True) -> dict[str, Any]:
    """What the operator tells everybody now, less what this browser has closed; an incident cannot be closed. A page
    that must not need the database does not `ask` it."""
    request = context.get("request")
    closed = request.COOKIES.get(announced.CLOSED, "").split(".") if request is not None else []

    def is_shown(each: Announcement) -> bool:
        return each.is_incident or str(each.pk) not in closed

    return {
        "announcements": [each for each in announced.current(ask=ask) if is_shown(each)],
        "request": request,
        "csrf_token": context.get("csrf_token"),
    }


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
    if (keys := copies.kept(key)) is None:
        found = search.find(search.parse(f"similar:{generation.public_id}"), limit=ROW)
        keys = [row.pk for row in found.rows]
        copies.keep(key, keys, KEPT_SECONDS)
    rows = for_tiles(Generation.objects.public()).in_bulk(keys) if keys else {}
    return {"tiles": tiles([rows[key] for key in keys if key in rows]), "public_id": generation.public_id}
