"""The live wall's page: the latest items as a still wall, which the script then keeps moving."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from feeds import recent
from feeds.stream import KINDS, WALL_ITEMS

CHOICES = ("", "image", "text", "audio")
WIDE, TALL = 1.4, 0.7  # width to height, from which a picture takes two cells
EVERY_BIG = 9  # every ninth picture takes four


@never_cache
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    kind = request.GET.get("kind", "")
    kind = kind if kind in CHOICES else ""
    items, newest = recent.latest(frozenset({kind}) if kind else KINDS, WALL_ITEMS)
    context = {
        "items": [
            {**item, "span": span(item, number), "local": local(item["src"])} for number, item in enumerate(items)
        ],
        "newest": newest,
        "kind": kind,
        "kinds": [(name, f"/live?kind={name}" if name else "/live") for name in CHOICES],
        "rate": recent.rate(),
    }
    return render(request, "feeds/live.html", context)


def span(item: dict[str, Any], number: int) -> str:
    """How many cells an item takes: wide 2×1, tall 1×2, big 2×2, otherwise one. static/js/wall.js has the same rule."""
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
