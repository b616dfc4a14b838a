"""Which jobs a visitor started: their public ids, newest first, kept in the session."""

from collections.abc import Collection

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from generation.models import Generation

KEY, MOST = "jobs", 50


def remember(request: HttpRequest, public_id: str) -> None:
    earlier = [other for other in request.session.get(KEY, []) if other != public_id]
    request.session[KEY] = [public_id, *earlier][:MOST]


def is_own(request: HttpRequest, public_id: str) -> bool:
    return is_in(request.session, public_id)


def is_in(session: SessionBase, public_id: str) -> bool:
    """Whether the visitor with this web session started the job."""
    return public_id in session.get(KEY, [])


def recent(request: HttpRequest, most: int = 12, among: Collection[str] = ()) -> list[Generation]:
    """The visitor's latest jobs, or those `among` these ids, newest first, whatever became of them."""
    wanted = [public_id for public_id in request.session.get(KEY, []) if not among or public_id in among][:most]
    if not wanted:
        return []
    found = {
        row.public_id: row
        for row in Generation.objects.filter(public_id__in=wanted, deleted_at=None).select_related("artifact")
    }
    return [found[public_id] for public_id in wanted if public_id in found]
