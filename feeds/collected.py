"""What a wall of a collection shows: what somebody has put together, in their order, in place of what is made now.

Nothing of the stream comes to such a wall but removals; what is in the collection is asked of its keeper, again every
few seconds while somebody watches. So what a collection no longer holds, or what is no longer public, is not shown.
"""

import time
from collections.abc import Iterable
from itertools import islice
from typing import Any, Protocol
from uuid import UUID

from django.db.models import Q

from feeds import frames, policy
from feeds.events import FeedEvent
from feeds.frames import Item
from feeds.hub import Wants
from feeds.models import Outbox
from pollweb.accounts.models import Team, User

LOOKED_AT = 400  # of a collection, from its beginning
SHOWN = 100  # of these, by turns: as many as static/js/wall.js keeps, of which 60 may come by the socket
ON_PAGE = 40  # of these, when the page is drawn; the rest loads while it is looked at


class Keeper(Protocol):
    """Who has the collections, by their public ids; the gallery."""

    def offered(self, team: Team, person: User) -> list[tuple[str, str]]:
        """(public id, title) of those that this person may put on a wall of the team."""

    def titles(self, collections: Iterable[str]) -> dict[str, str]:
        """Of those that may be shown to strangers now."""

    def members(self, collection: str, most: int) -> list[tuple[UUID, str]]:
        """(event id, public id) of its first public items; nothing when it may not be shown to strangers now."""

    def events(self, ids: Iterable[UUID]) -> dict[UUID, FeedEvent]:
        """Of those that are public now."""


class Nobody:
    """Has no collections."""

    def offered(self, team: Team, person: User) -> list[tuple[str, str]]:
        return []

    def titles(self, collections: Iterable[str]) -> dict[str, str]:
        return {}

    def members(self, collection: str, most: int) -> list[tuple[UUID, str]]:
        return []

    def events(self, ids: Iterable[UUID]) -> dict[UUID, FeedEvent]:
        return {}


keeper: Keeper = Nobody()  # the gallery says so when it is ready


def items(collection: str, known: dict[str, Item] | None = None) -> dict[str, Item]:
    """By public id, in the collection's order: its items that may be on a wall. `known` ones are not made again.

    What waits for the feed's moderation or did not pass it is left out, and what the rules of today would hold.
    """
    known = known or {}
    members = keeper.members(collection, LOOKED_AT)
    waits = Q(published_at=None) | ~Q(held="")
    held = set(Outbox.objects.filter(waits, event_id__in=[id for id, _ in members]).values_list("event_id", flat=True))
    events = keeper.events([id for id, name in members if name not in known and id not in held])
    found = {}
    for id, name in members:
        item = known.get(name) or (_item(collection, events[id]) if id in events else None)
        if item is not None and id not in held and policy.holds(item.event) in ("", "approve"):
            found[name] = item
    return found


def _item(collection: str, event: FeedEvent) -> Item:
    """As from the stream, but with a place of its own: epoch 0, and a number that the event always has."""
    return Item(
        epoch=0,
        seq=UUID(event.id).int,
        t="event",
        kind=event.kind,
        model=event.model,
        public_id=event.public_id,
        mature=event.is_mature,
        sent_ns=int(event.at * 1e9),
        data=event.to_json(),
        team=event.team or 0,
        app=event.app or 0,
        collection=collection,
    )


def latest(collection: str, wants: Wants, age: float = 0) -> list[dict[str, Any]]:
    """Item frames of the wall for pages, made at least `age` seconds ago."""
    until = time.time_ns() - int(age * 1e9)
    found = {name: item for name, item in items(collection).items() if item.sent_ns <= until}
    return [frames.wall(item) for item in first(found, wants)[:ON_PAGE]]


def first(found: dict[str, Item], wants: Wants) -> list[Item]:
    """What is shown of them, in the collection's order."""
    return list(islice((item for item in found.values() if wants(item)), SHOWN))
