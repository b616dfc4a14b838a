"""Collections for the walls of teams: what feeds.collected asks."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Q

from feeds.events import FeedEvent
from generation import fulfilment
from generation.models import Generation
from pollweb.accounts.models import Team, User
from pollweb.gallery.models import Collection

MOST_OFFERED = 100


def offered(team: Team, person: User) -> list[tuple[str, str]]:
    """Their own that are not private, and the public ones of whoever is in the team."""
    mates = Q(person__memberships__team=team, visibility="public")
    found = Collection.objects.open().filter(Q(person=person) | mates, is_saved=False).distinct().order_by("-pk")
    return list(found.values_list("public_id", "title")[:MOST_OFFERED])


def titles(collections: Iterable[str]) -> dict[str, str]:
    found = Collection.objects.open().filter(public_id__in=list(collections))
    return dict(found.values_list("public_id", "title"))


def members(collection: str, most: int) -> list[tuple[UUID, str]]:
    found = Collection.objects.open().filter(public_id=collection).first()
    return list(found.items().values_list("pk", "public_id")[:most]) if found else []


def events(ids: Iterable[UUID]) -> dict[UUID, FeedEvent]:
    rows = Generation.objects.public().select_related("artifact").in_bulk(list(ids))
    return {id: fulfilment.event(row) for id, row in rows.items()}
