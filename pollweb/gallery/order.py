"""The order of a collection: whoever is moved gets a position between its new neighbours, and nobody else is written.

Positions lie GAP apart, so that 32 moves into the same place can halve the room there; then all are spread anew. A
move takes the collection's row first, and says beside which item it goes rather than to which number: of two moves at
once each finds what the other one left.
"""

from django.db import transaction
from django.utils import timezone

from generation.models import Generation
from pollweb.gallery.models import Collection, Place

GAP = 2**32
DEEDS = ("first", "earlier", "later", "last", "before", "after")


@transaction.atomic
def move(collection: Collection, item: Generation, deed: str, by: Generation | None = None) -> bool:
    """One of DEEDS: to an end, past the neighbour that is shown, or to the one side of `by`. False when nothing moves:
    it stands there already, or one of them is in the collection no more.
    """
    Collection.objects.select_for_update().get(pk=collection.pk)
    mine = collection.places.filter(generation=item).first()
    if mine is None:
        return False
    neighbour = _neighbour(collection, mine, deed, by)
    if neighbour is None:
        return False
    is_above = deed in ("first", "earlier", "before")
    position = _beside(collection, mine, neighbour, is_above=is_above)
    if position is None:
        spread(collection)
        mine.refresh_from_db()
        neighbour.refresh_from_db()
        position = _beside(collection, mine, neighbour, is_above=is_above)
    if position is None or position == mine.position:
        return False
    collection.places.filter(pk=mine.pk).update(position=position)
    changed(collection)
    return True


def _neighbour(collection: Collection, mine: Place, deed: str, by: Generation | None) -> Place | None:
    others = collection.places.exclude(pk=mine.pk).order_by("-position")
    shown = others.filter(generation__in=Generation.objects.public())
    match deed:
        case "first":
            return others.first()
        case "last":
            return others.last()
        case "earlier":
            return shown.filter(position__gt=mine.position).last()
        case "later":
            return shown.filter(position__lt=mine.position).first()
    return others.filter(generation=by).first() if by is not None else None


def _beside(collection: Collection, mine: Place, neighbour: Place, *, is_above: bool) -> int | None:
    """Midway between the neighbour and the next one on that side; where it stands there already, its own. None where
    there is no room."""
    others = collection.places.exclude(pk=mine.pk).order_by("-position")
    if is_above:
        low, next_one = neighbour.position, others.filter(position__gt=neighbour.position).last()
        high = next_one.position if next_one else max(low + 2 * GAP, mine.position + 1)
    else:
        high, next_one = neighbour.position, others.filter(position__lt=neighbour.position).first()
        low = next_one.position if next_one else 0
    if low < mine.position < high:
        return mine.position
    middle = (low + high) // 2
    return middle if low < middle < high else None


def spread(collection: Collection) -> None:
    """The same order with all the room between; under the lock of whoever moves."""
    places = list(collection.places.order_by("position", "pk").only("position"))
    for number, place in enumerate(places, 1):
        place.position = number * GAP
    Place.objects.bulk_update(places, ["position"], batch_size=500)


def changed(collection: Collection) -> None:
    Collection.objects.filter(pk=collection.pk).update(changed_at=timezone.now())
