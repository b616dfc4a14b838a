"""Which jobs a visitor started: their public ids, newest first, kept in the session."""

from django.http import HttpRequest

from generation.models import Generation

KEY, MOST = "jobs", 50


def remember(request: HttpRequest, public_id: str) -> None:
    earlier = [other for other in request.session.get(KEY, []) if other != public_id]
    request.session[KEY] = [public_id, *earlier][:MOST]


def is_own(request: HttpRequest, public_id: str) -> bool:
    return public_id in request.session.get(KEY, [])


def recent(request: HttpRequest, most: int = 12) -> list[Generation]:
    """The visitor's latest jobs, newest first, whatever became of them."""
    wanted = request.session.get(KEY, [])[:most]
    if not wanted:
        return []
    found = {row.public_id: row for row in Generation.objects.filter(public_id__in=wanted).select_related("artifact")}
    return [found[public_id] for public_id in wanted if public_id in found]
