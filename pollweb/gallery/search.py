"""Search: what is public, by its words."""

from collections.abc import Hashable
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from generation import search
from generation.search.snippets import Part, parts
from generation.web.tiles import Tile, for_tiles

PAGE = 48
ANSWER = 320  # characters shown of an answer


@dataclass(frozen=True, slots=True)
class Hit:
    """A result as the page shows it, with what was looked for marked."""

    tile: Tile
    query: search.Query

    @property
    def prompt(self) -> list[Part]:
        return parts(self.tile.prompt, self.query)

    @property
    def response(self) -> list[Part]:
        return parts(self.tile.response, self.query, ANSWER) if self.tile.generation.kind == "text" else []

    @property
    def looks(self) -> Hashable:
        return self.tile.looks, self.query.terms


def _address(text: str, after: int = 0) -> str:
    query = QueryDict(mutable=True)
    query.update({"q": text, **({"after": str(after)} if after else {})})
    return f"/search?{query.urlencode()}"


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The newest of what fits; asked by htmx, only the next ones."""
    query = search.parse(request.GET.get("q", ""))
    after = request.GET.get("after", "")
    found = search.find(query, limit=PAGE, after=_place(after), among=for_tiles)
    context = {
        "query": query,
        "chips": [(term, _address(query.without(term))) for term in query.terms]
        if len(query.terms) > 1 or query.of("similar")
        else [],
        "hits": [Hit(Tile(row, place), query) for place, row in enumerate(found.rows)],
        "is_whole": found.is_whole,
        "is_later_page": bool(after),
        "newest_url": _address(query.text),
        "older_url": _address(query.text, found.older) if found.older else "",
        "narrowest": _without_last(query),
    }
    appended = bool(getattr(request, "htmx", False))
    response = render(request, "gallery/search.html#page" if appended else "gallery/search.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _without_last(query: search.Query) -> str:
    """The address of the same question with one condition less; empty where there is only one."""
    return _address(query.without(query.terms[-1])) if len(query.terms) > 1 else ""


def _place(after: str) -> int:
    return int(after) if after.isascii() and after.isdigit() and len(after) < 19 else 0
