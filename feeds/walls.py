"""Named walls and their screens: what a team's people do with them, and what they let through.

A display key (`pd_` and, like a token, 36 more characters) stands in the address of a screen's page. It locks what the
screen shows, and takes it out of the limit of sockets for each address. It opens nothing that is not public.
"""

import re
import secrets
import string
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from feeds.choices import Choices
from feeds.hub import KINDS, Wants
from feeds.models import Screen, Wall
from pollweb.accounts import audit, tokens
from pollweb.accounts.models import Team
from pollweb.accounts.tokens import Actor
from pollweb.lib.errors import BadRequest

MOST_WALLS = 20
MOST_SCREENS = 30
PREFIX = "pd_"
SLUG = re.compile(r"[-\w]{1,60}", re.ASCII)
ENDING = string.ascii_lowercase + string.digits


# --- what they let through --------------------------------------------------------------------------------------------


def bounds(wall: Wall) -> Wants:
    """What may be seen on this wall at most. It only ever narrows what is public."""
    return Wants(
        frozenset({wall.kind}) if wall.kind in KINDS else KINDS,
        words=frozenset(word.casefold() for word in wall.words),
        team=wall.team_id if wall.own else None,
        app=wall.app_id if wall.own else None,
        collection=wall.collection,
        removes=True,
    )


def of_slug(slug: str) -> Wall | None:
    return Wall.objects.kept().filter(slug=slug).first() if SLUG.fullmatch(slug) else None


def of_key(key: str) -> Screen | None:
    """The screen whose display key this is, with its wall."""
    if not tokens.is_well_formed(key, PREFIX):
        return None
    return Screen.objects.kept().filter(digest=tokens.digest(key)).select_related("wall").first()


def revision(wall: Wall, screen: Screen | None = None) -> str:
    """Changes with whatever a page of this wall, or of this screen, was made from."""
    return f"{wall.revision}.{screen.revision if screen else 0}"


def revisions(walls: Iterable[int], screens: Iterable[int]) -> dict[tuple[int, int], str]:
    """By (wall, screen or 0): the revision of each that is still there."""
    found = dict(Wall.objects.kept().filter(pk__in=list(walls)).values_list("pk", "revision"))
    told = {(pk, 0): f"{number}.0" for pk, number in found.items()}
    rows = Screen.objects.filter(pk__in=list(screens), wall__in=found).values_list("wall_id", "pk", "revision")
    return told | {(wall, pk): f"{found[wall]}.{number}" for wall, pk, number in rows}


def seen(screens: Iterable[int]) -> None:
    Screen.objects.filter(pk__in=list(screens)).update(last_seen_at=timezone.now())


# --- what people do ---------------------------------------------------------------------------------------------------


def create(team: Team, *, by: Actor, **values: Any) -> Wall:
    """BadRequest when the team has too many."""
    with transaction.atomic():
        Team.objects.select_for_update().get(pk=team.pk)
        if Wall.objects.filter(team=team).count() >= MOST_WALLS:
            raise BadRequest(_("A team has %(most)d walls at most. Remove one first.") % {"most": MOST_WALLS})
        wall = Wall.objects.create(team=team, slug=_slug(values["name"]), created_by=by.user, **values)
        _record("wall.created", wall, wall.name, by)
    return wall


def _slug(name: str) -> str:
    """Readable where the name is, and not to be guessed."""
    ending = "".join(secrets.choice(ENDING) for _ in range(8))
    return f"{slugify(name)[:40]}-{ending}".lstrip("-")


@transaction.atomic
def change(wall: Wall, *, by: Actor, **values: Any) -> None:
    """Its screens, and everybody who looks at it, load their page anew."""
    Wall.objects.filter(pk=wall.pk).update(**values, revision=F("revision") + 1)
    _record("wall.changed", wall, values["name"], by)


@transaction.atomic
def remove(wall: Wall, *, by: Actor) -> None:
    """Its display keys hold no more."""
    _record("wall.removed", wall, wall.name, by)
    wall.delete()


def add_screen(wall: Wall, name: str, choices: Choices, *, by: Actor) -> tuple[Screen, str]:
    """The screen and its display key, which is told this once. BadRequest when the wall has too many."""
    key = tokens.new_secret(PREFIX)
    with transaction.atomic():
        Wall.objects.select_for_update().get(pk=wall.pk)
        if wall.screens.count() >= MOST_SCREENS:
            raise BadRequest(_("A wall has %(most)d screens at most. Remove one first.") % {"most": MOST_SCREENS})
        screen = Screen.objects.create(wall=wall, name=name, choices=choices.as_dict(), created_by=by.user, **_of(key))
        _record("screen.created", wall, name, by)
    return screen, key


def _of(key: str) -> dict[str, str]:
    return {"digest": tokens.digest(key), "last_four": key[-4:]}


@transaction.atomic
def change_screen(screen: Screen, name: str, choices: Choices, *, by: Actor) -> None:
    """It loads its page anew."""
    Screen.objects.filter(pk=screen.pk).update(name=name, choices=choices.as_dict(), revision=F("revision") + 1)
    _record("screen.changed", screen.wall, name, by)


@transaction.atomic
def rotate(screen: Screen, *, by: Actor) -> str:
    """A new display key; the old one holds no more."""
    key = tokens.new_secret(PREFIX)
    Screen.objects.filter(pk=screen.pk).update(**_of(key), revision=F("revision") + 1)
    _record("screen.rotated", screen.wall, screen.name, by)
    return key


def reload(wall: Wall, screen: Screen | None = None) -> None:
    """Let one screen of a wall, or all of them, load their page anew."""
    rows = wall.screens.filter(pk=screen.pk) if screen else wall.screens.all()
    rows.update(revision=F("revision") + 1)


@transaction.atomic
def remove_screen(screen: Screen, *, by: Actor) -> None:
    _record("screen.removed", screen.wall, screen.name, by)
    screen.delete()


def _record(action: str, wall: Wall, target: str, by: Actor) -> None:
    audit.record(action, team=wall.team, actor=by.user, target=target, request=by.request)


# --- what is held of a team -------------------------------------------------------------------------------------------


def erase(team: Team) -> None:
    Wall.objects.filter(team=team).delete()


def export(team: Team) -> Any:
    """Each wall with its screens, without keys."""
    for wall in Wall.objects.filter(team=team).prefetch_related("screens").select_related("app").order_by("pk"):
        yield {
            "name": wall.name,
            "address": f"/wall/{wall.slug}",
            "own": wall.own,
            "app": wall.app.name if wall.app else None,
            "collection": wall.collection or None,
            "kind": wall.kind,
            "words": wall.words,
            "created_at": wall.created_at,
            "screens": [
                {"name": each.name, "choices": each.choices, "last_seen_at": each.last_seen_at}
                for each in wall.screens.all()
            ],
        }
