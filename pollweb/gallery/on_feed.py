"""The gallery for the operator's page of the feed: what feeds.moderation asks."""

from django.http import HttpRequest

from feeds.events import FeedEvent
from generation import fulfilment
from generation.models import Generation
from pollweb.accounts.models import User
from pollweb.gallery import removal


def hide(public_id: str, by: User, request: HttpRequest | None) -> bool:
    row = _find(public_id)
    return row is not None and removal.hide(row, by, reason="feed", request=request)


def show(public_id: str, by: User, request: HttpRequest | None) -> bool:
    row = _find(public_id)
    return row is not None and removal.show(row, by, request=request)


def hidden(public_ids: list[str]) -> list[FeedEvent]:
    rows = Generation.objects.finished().filter(public_id__in=public_ids, visibility="public", deleted_at=None)
    return [fulfilment.event(row) for row in rows.exclude(hidden_at=None).select_related("artifact")]


def _find(public_id: str) -> Generation | None:
    return Generation.objects.filter(public_id=public_id, visibility="public").first()
