"""Saving results and putting them into collections: for a person, or for a browser without one.

A browser's saves are public ids in its session, the newest first. Nothing about them is written anywhere else.
"""

from django.db import transaction
from django.db.models import Max
from django.http import HttpRequest
from django.utils.translation import gettext as _

from generation.models import Generation
from pollweb.accounts.errors import NotPossible
from pollweb.accounts.models import User
from pollweb.gallery.models import MOST_COLLECTIONS, MOST_ITEMS, Collection, Place
from pollweb.gallery.order import GAP, changed

KEY, MOST_IN_BROWSER = "saved", 200


class Full(NotPossible):
    """There is no room for more."""


def in_browser(request: HttpRequest) -> list[str]:
    found = request.session.get(KEY, [])
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def saves(person: User) -> Collection:
    """Where the heart of this person puts things."""
    return Collection.objects.get_or_create(person=person, is_saved=True)[0]


def is_saved(request: HttpRequest, generation: Generation) -> bool:
    if request.user.is_authenticated:
        return Place.objects.filter(
            collection__person=request.user, collection__is_saved=True, generation=generation
        ).exists()
    return generation.public_id in in_browser(request)


def save(request: HttpRequest, generation: Generation) -> None:
    if request.user.is_authenticated:
        add(saves(request.user), generation)
        return
    kept = [each for each in in_browser(request) if each != generation.public_id]
    if len(kept) >= MOST_IN_BROWSER:
        raise Full(_("This browser has saved as many items as it can. Sign in to save more."))
    request.session[KEY] = [generation.public_id, *kept]


def forget(request: HttpRequest, generation: Generation) -> None:
    if request.user.is_authenticated:
        remove(saves(request.user), generation)
    else:
        request.session[KEY] = [each for each in in_browser(request) if each != generation.public_id]


def take_over(request: HttpRequest, person: User) -> int:
    """Give a person what their browser saved before they signed in; returns how many are new."""
    named = in_browser(request)
    found = {row.public_id: row for row in Generation.objects.public().filter(public_id__in=named).only("public_id")}
    collection, count = saves(person), 0
    for public_id in reversed(named):  # the newest last, so that it stands first
        if public_id in found:
            count += add(collection, found[public_id])
    request.session.pop(KEY, None)
    return count


@transaction.atomic
def add(collection: Collection, generation: Generation) -> bool:
    """Put it first. False when it is there already; Full when there is no room."""
    Collection.objects.select_for_update().get(pk=collection.pk)
    places = collection.places.all()
    if places.filter(generation=generation).exists():
        return False
    if places.count() >= MOST_ITEMS:
        raise Full(_("This collection holds as many items as it can."))
    last = places.aggregate(last=Max("position"))["last"] or 0
    collection.places.create(generation=generation, position=last + GAP)
    changed(collection)
    return True


def remove(collection: Collection, generation: Generation) -> bool:
    gone = collection.places.filter(generation=generation).delete()[0]
    if gone:
        changed(collection)
    return bool(gone)


@transaction.atomic
def new(person: User, title: str, note: str = "", visibility: str = "private") -> Collection:
    User.objects.select_for_update().get(pk=person.pk)
    if Collection.objects.filter(person=person).count() >= MOST_COLLECTIONS:
        raise Full(_("You have as many collections as there can be. Delete one first."))
    return Collection.objects.create(person=person, title=title, note=note, visibility=visibility)
