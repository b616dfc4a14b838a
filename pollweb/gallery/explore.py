"""Explore: everything public, newest first."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from feeds import recent
from generation import catalogue
from generation.models import Generation
from generation.web.engines import getting_ready
from generation.web.tiles import for_tiles, tiles
from pollweb.gallery.filters import KINDS, Filters
from pollweb.lib.middleware import preferred
from pollweb.lib.paging import cursor, place
from pollweb.lib.prepared import prepared

PAGE = 60
AUTOMATIC_PAGES = 4  # pages that scrolling adds by itself; then a button, so that the footer can be reached
MOST_NEW = 99  # that are counted


def model_names() -> list[str]:
    """Every public model name, pictures first."""
    return [name for kind in KINDS for name in catalogue.cards(kind)]


@require_safe
def explore(request: HttpRequest) -> HttpResponse:
    """The gallery, or, asked by htmx, only its next page with the pager behind it."""
    if words := request.GET.get("q", ""):
        return HttpResponseRedirect(f"{reverse('search')}?{urlencode({'q': words})}")
    filters = Filters.read(request.GET)
    if filters.sort and not filters.seed:
        return HttpResponseRedirect(filters.shuffled().address())  # an order that can be come back to
    after, before = request.GET.get("after", ""), request.GET.get("before", "")
    with prepared():
        found = filters.page(for_tiles(Generation.objects.public().newest_first()), PAGE, after, before)
    if before and len(found.rows) < PAGE:
        return HttpResponseRedirect(filters.address())  # the top of the list is a page of its own

    number = _number(request.GET.get("page", ""))
    is_later = bool(after or before)
    plain = (preferred(request, "paging") or request.COOKIES.get("pollweb_paging", "")) == "pages"
    context = {
        "tiles": tiles(found.rows),
        "filters": filters,
        "is_filtered": filters.is_filtered,
        "chips": filters.chips(),
        "models": tuple(model_names()),
        "page_url": filters.address(after=after, before=before),
        "older_url": filters.address(after=found.older) if found.older else "",
        "newer_url": filters.address(before=found.newer) if found.newer else "",
        "next_page": filters.address(after=found.older, page=str(number + 1)) if found.older and not plain else "",
        "is_automatic": number < AUTOMATIC_PAGES and not plain,
        "number": number,
        "newest_url": filters.address(),
        "shuffle_url": filters.shuffled().address() if filters.sort else "",
        "news_url": _news_address(filters, found.rows) if not is_later and not filters.sort else "",
        "is_later_page": is_later,
        "rate": recent.rate(),
        "engines": ", ".join(getting_ready()),
        "is_plain": plain,
        "shows_welcome": not (is_later or filters.is_filtered or filters.sort)
        and "pollweb_welcome" not in request.COOKIES,
    }
    appended = bool(getattr(request, "htmx", False))
    response = render(request, "gallery/explore.html#page" if appended else "gallery/explore.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _news_address(filters: Filters, rows: list[Generation]) -> str:
    """Where it is told how many have come since the newest of these."""
    if not rows:
        return ""
    return reverse("explore-new") + filters.address(since=cursor(rows[0].pk))[1:]


@never_cache
@require_safe
def news(request: HttpRequest) -> JsonResponse:
    """How many items of this list have come since `since`, and the same in words."""
    since = place(request.GET.get("since", ""), Generation)
    rows = Filters.read(request.GET).narrow(Generation.objects.public()).filter(pk__gt=since)
    count = len(rows.order_by("pk").values_list("pk")[: MOST_NEW + 1])
    shown = f"{MOST_NEW}+" if count > MOST_NEW else str(count)
    return JsonResponse({"count": count, "words": ngettext("%(n)s new", "%(n)s new", count) % {"n": shown}})


def _number(text: str) -> int:
    """How many pages stand above this one, plus one; only scrolling sends it."""
    return min(int(text), 10_000) if text.isascii() and text.isdigit() and text != "0" and len(text) < 9 else 1
