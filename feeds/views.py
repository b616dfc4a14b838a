"""The live wall's pages: the latest items as a still wall, which the script then keeps moving."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csp import csp_override
from django.views.decorators.http import require_safe

from feeds import collected, policy, qr, recent, walls
from feeds.choices import DENSITIES, KINDS, LAYOUTS, SPEEDS, Choices
from feeds.models import Screen, Wall
from feeds.stream import WALL_ITEMS, wall_wants
from pollweb.accounts.team_forms import model_names
from pollweb.lib.errors import NotFound

WIDE, TALL = 1.4, 0.7  # width to height, from which a picture takes two cells
EVERY_BIG = 9  # every ninth picture takes four


@never_cache
@require_safe
def live(request: HttpRequest, wall: str = "") -> HttpResponse:
    """The wall of everything, or a named one."""
    named = _named(wall)
    choices = Choices.read(request.GET)

    def same(**other: str) -> str:
        return request.path + Choices.read({**choices.as_dict(), **other}).query()

    context = {
        **_shown(choices, named),
        "given": " ".join(name for name in request.GET if name in Choices.__slots__),
        "kinds": [(name, same(kind=name)) for name in KINDS],
        "layouts": [(name, same(layout=name)) for name in LAYOUTS],
        "speeds": SPEEDS,
        "densities": DENSITIES,
        "models": model_names(),
        "kiosk_url": (reverse("wall-kiosk", args=[named.slug]) if named else reverse("kiosk")) + choices.query(),
        "rate": recent.rate(),
        "paused_feed": policy.is_paused(),
    }
    return _page(request, "feeds/live.html", context)


@never_cache
@require_safe
def kiosk(request: HttpRequest, wall: str = "") -> HttpResponse:
    """For a screen in a room: nothing but the wall, and everything about it in the address. With a display key
    (`?token=`) everything is as the screen's team has set it."""
    key = getattr(request, "query_token", "") or request.GET.get("token", "")
    screen = walls.of_key(key) if key else None
    if key and screen is None:
        return render(request, "feeds/kiosk_lost.html", status=404)
    named = screen.wall if screen else _named(wall)
    choices = screen.shown if screen else Choices.read(request.GET)
    if named and not choices.title:
        choices = replace(choices, title=named.name)
    language = choices.lang.lower() if choices.lang.lower() in dict(settings.LANGUAGES) else request.LANGUAGE_CODE
    age = settings.DESIGN.feeds.kiosk_delay
    if screen:
        walls.seen([screen.pk])
    with translation.override(language):
        here = reverse("wall", args=[named.slug]) if named else reverse("live")
        targets = {"wall": here, "create": reverse("create")}
        context = {
            **_shown(choices, named, age, screen),
            "theme": choices.theme,
            "age": age,
            "code": qr.svg(settings.SITE_URL + targets[choices.qr]) if choices.qr else "",
            "code_leads_to": choices.qr,
            "display_key": key,
        }
        return _page(request, "feeds/kiosk.html", context)


def _page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """With the pictures of others where the operator lets browsers ask them."""
    if settings.DESIGN.feeds.pictures != "direct":
        return render(request, template, context)
    usual: dict[str, list[str]] = settings.SECURE_CSP  # type: ignore[assignment]
    policy = {**usual, "img-src": [*usual["img-src"], "https:"]}
    return csp_override(policy)(render)(request, template, context)


def _named(slug: str) -> Wall | None:
    """The wall of this name; None where none is asked for."""
    if not slug:
        return None
    found = walls.of_slug(slug)
    if found is None:
        raise NotFound(_("There is nothing at this address."))
    return found


def _shown(choices: Choices, wall: Wall | None, age: float = 0, screen: Screen | None = None) -> dict[str, Any]:
    """What both pages show: the latest items at least `age` seconds old, newest first, and where to go on from."""
    within = walls.bounds(wall) if wall else None
    wants = wall_wants(choices.kind, choices.model, within=within)
    if wall and wall.collection:
        items, newest = collected.latest(wall.collection, wants, age), ""
    else:
        items, newest = recent.latest(wants, WALL_ITEMS, age)
    return {
        "choices": choices,
        "items": [
            {**item, "span": span(item, number), "local": local(item["src"])} for number, item in enumerate(items)
        ],
        "frames": orjson.dumps(items).decode(),
        # A wall that shows little may have items from before what was looked at: the socket knows them.
        "newest": newest if items or not wall else "",
        "kind": choices.kind,
        "ai_label": settings.DESIGN.site.ai_label,
        "wall": wall,
        "revision": walls.revision(wall, screen) if wall else "",
    }


def span(item: dict[str, Any], number: int) -> str:
    """How many cells an item takes: wide 2×1, tall 1×2, big 2×2, otherwise one; as in static/js/wall-tiles.js."""
    if item["kind"] != "image" or not item["src"]:
        return "wide"
    if number % EVERY_BIG == 0:
        return "big"
    return "wide" if item["ar"] >= WIDE else "tall" if item["ar"] <= TALL else "one"


def local(address: str) -> str:
    """An address of our own without its host, so that the page works under every name this server has."""
    site = urlsplit(settings.SITE_URL)
    parts = urlsplit(address)
    return parts._replace(scheme="", netloc="").geturl() if parts.netloc == site.netloc else address
