"""What the gallery holds of a person: collections and a profile. They are erased with the person's own row."""

from collections.abc import Iterator
from typing import Any

from pollweb.accounts.holdings import Holding
from pollweb.accounts.models import User
from pollweb.gallery.models import Collection, Place, Profile


def _collections(person: User) -> Iterator[dict[str, Any]]:
    for each in Collection.objects.of(person):
        yield {
            "id": each.public_id,
            "title": each.title,
            "note": each.note,
            "visibility": each.visibility,
            "is_saved": each.is_saved,
            "created_at": each.created_at,
        }


def _items(person: User) -> Iterator[dict[str, Any]]:
    places = Place.objects.filter(collection__person=person).order_by("collection", "-position")
    columns = ("collection__public_id", "generation__public_id", "added_at")
    for collection, item, added_at in places.values_list(*columns).iterator(chunk_size=500):
        yield {"collection": collection, "item": item, "added_at": added_at}


def _profile(person: User) -> Iterator[dict[str, Any]]:
    for row in Profile.objects.filter(person=person).values("handle", "name", "about", "is_shown"):
        yield dict(row)


HOLDING = Holding(tables={}, personal={"collections": _collections, "collected": _items, "profile": _profile})
