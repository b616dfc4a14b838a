"""Explore: everything public, newest first."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from feeds import recent
from generation.models import Generation
from generation.web.engines import getting_ready
from generation.web.tiles import for_tiles, tiles
from pollweb.gallery.paging import page

PAGE = 60
AUTOMATIC_PAGES = 4  # pages that scrolling adds by itself; then a button, so that the footer can be reached
KINDS = ("image", "text", "audio")


def model_names() -> list[str]:
    """Every public model name, pictures first."""
    return [name for kind in KINDS for name in getattr(settings.DESIGN.models, kind)]


def _address(filters: dict[str, str], **place: str) -> str:
    """The address of this list at another place."""
    query = QueryDict(mutable=True)
    query.update({name: value for name, value in {**filters, **place}.items() if value})
    return f"/?{query.urlencode()}" if query else "/"


@require_safe
def explore(request: HttpRequest) -> HttpResponse:
    """The gallery, or, asked by htmx, only its next page with the pager behind it."""
    kind, model = request.GET.get("kind", ""), request.GET.get("model", "")
    filters = {"kind": kind if kind in KINDS else "", "model": model[:100]}
    after, before = request.GET.get("after", ""), request.GET.get("before", "")
    rows = for_tiles(Generation.objects.public().newest_first())
    rows = rows.filter(**{name: value for name, value in filters.items() if value})
    found = page(rows, PAGE, after=after, before=before)
    if before and len(found.rows) < PAGE:
        return HttpResponseRedirect(_address(filters))  # the top of the list is a page of its own

    number = _number(request.GET.get("page", ""))
    next_page = _address(filters, after=found.older, page=str(number + 1)) if found.older else ""
    context = {
        "tiles": tiles(found.rows),
        "filters": filters,
        "is_filtered": any(filters.values()),
        "kinds": [(name, _address({**filters, "kind": name})) for name in ("", *KINDS)],
        "models": model_names(),
        "older_url": _address(filters, after=found.older) if found.older else "",
        "newer_url": _address(filters, before=found.newer) if found.newer else "",
        "next_page": next_page,
        "is_automatic": number < AUTOMATIC_PAGES,
        "number": number,
        "newest_url": _address(filters),
        "is_later_page": bool(after or before),
        "rate": recent.rate(),
        "engines": ", ".join(getting_ready()),
        "shows_welcome": not (after or before or any(filters.values())) and "pollweb_welcome" not in request.COOKIES,
    }
    appended = bool(getattr(request, "htmx", False))
    response = render(request, "gallery/explore.html#page" if appended else "gallery/explore.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _number(text: str) -> int:
    """How many pages stand above this one, plus one; only scrolling sends it."""
    return min(int(text), 10_000) if text.isascii() and text.isdigit() and text != "0" else 1
