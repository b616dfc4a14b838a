"""The index: written by the workers, asked by pages.

Whatever finishes a public result, or makes one public, says so by `expect` in its own transaction; a worker then reads
the words. What is no longer public is found by nobody at once, and its entry goes with the next `sweep`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast
from uuid import UUID

from django.db import connection
from django.db.models import Exists, F, Max, OuterRef

from generation.models import Generation, SearchEntry
from generation.search import likeness, postgresql, sqlite, tokens
from generation.search.places import Place
from generation.search.query import Query, moment
from pollweb.lib import ids
from pollweb.lib.prepared import AnyOf, prepared

BATCH = 200
SWEPT = 5_000  # entries looked at in one statement
ROUNDS = 4  # times that more is asked of the index when what it named is not public any more
FURTHEST = postgresql.NEVER


def team_of(handle: str) -> int | None:
    """The team whose results are meant by this name of a person. An upper app knows, and says so here."""
    return None


class Index(Protocol):
    """What a database's own full text search has to offer."""

    def column(self, entry: int, stream: Sequence[str]) -> str: ...
    def entries(
        self, query: Query, *, before: int, least: int, limit: int, within: Sequence[int] | None = None
    ) -> tuple[list[Place], bool]: ...
    def repair(self) -> None: ...


def _index() -> Index:
    return cast(Index, postgresql if connection.vendor == "postgresql" else sqlite)


@dataclass(frozen=True)
class Found:
    """A page of rows, newest first. `older` is the place to go on from, 0 at the end.

    Not `is_whole`: the words are so frequent that only the newest results were looked through.
    """

    rows: list[Generation]
    older: int
    is_whole: bool


def expect(rows: Iterable[Any]) -> None:
    """These generations, by their keys, became public."""
    SearchEntry.objects.bulk_create([SearchEntry(generation_id=pk) for pk in rows], ignore_conflicts=True)


def is_due() -> bool:
    return SearchEntry.objects.unfilled().exists()


def fill(most: int = 10 * BATCH) -> int:
    """Read the words of what is expected, oldest first; returns how many."""
    done = 0
    while done < most and (entries := list(SearchEntry.objects.unfilled().order_by("pk")[:BATCH])):
        write(entries)
        done += len(entries)
    return done


def write(entries: list[SearchEntry]) -> None:
    """Give entries the words of their rows."""
    wanted = ("kind", "model", "prompt", "response", "seed", "width", "height", "team_id")
    rows = Generation.objects.only("pk", *wanted).in_bulk([entry.generation_id for entry in entries])
    kept = []
    for entry in entries:
        if row := rows.get(entry.generation_id):
            entry.words, entry.is_filled = words_of(entry, row), True
            kept.append(entry)
    SearchEntry.objects.bulk_update(kept, ["words", "is_filled"], batch_size=BATCH)


def words_of(entry: SearchEntry, row: Generation) -> str:
    """What stands in the column of its entry."""
    stream = tokens.stream(row.prompt, row.response if row.kind == "text" else "", marks(row))
    return _index().column(entry.pk, stream)


def marks(row: Generation) -> list[str]:
    """What operators look for."""
    found = [tokens.mark("kind", row.kind), tokens.mark("model", row.model)]
    if row.seed is not None:
        found.append(tokens.mark("seed", str(row.seed)))
    if row.width and row.height:
        found.append(tokens.mark("size", f"{row.width}x{row.height}"))
    if row.team_id is not None:
        found.append(tokens.mark("team", str(row.team_id)))
    return found


def find(
    query: Query,
    *,
    limit: int,
    after: int = 0,
    among: Callable[[Any], Any] = lambda rows: rows,
) -> Found:
    """Public rows that fit, newest first; `after` is the `older` of the page before. `among` says what of them is read.

    An empty question finds nothing.
    """
    if query.is_empty:
        return Found([], 0, True)
    query = _resolved(query)
    if wanted := query.of("similar"):
        return Found(_similar(query, wanted[0].value, limit, among), 0, True)
    least, before = _stretch(query, after)
    rows: list[Generation] = []
    places: dict[UUID, int] = {}
    whole, ended = True, False
    for _ in range(ROUNDS):
        if least >= before or len(rows) > limit:
            break
        found, all_seen = _index().entries(query, before=before, least=least, limit=limit + 1)
        whole, ended = whole and all_seen, len(found) <= limit
        rows += _public(found, among)
        places |= {place.generation: place.entry for place in found}
        if ended:
            break
        before = found[-1].entry
    if len(rows) > limit:
        rows = rows[:limit]
        return Found(rows, places[rows[-1].pk], whole)
    return Found(rows, 0 if ended or least >= before else before, whole)


def _resolved(query: Query) -> Query:
    """With words for names of people; a name that nobody has is a word that nothing has."""
    terms = [
        replace(term, words=(tokens.mark("team", str(team_of(term.value) or "nobody")),)) if term.name == "by" else term
        for term in query.terms
    ]
    return replace(query, terms=tuple(terms))


def _similar(query: Query, public_id: str, limit: int, among: Callable[[Any], Any]) -> list[Generation]:
    """Those most like this public result that fit the other conditions too, the likest first."""
    nearest = likeness.nearest(public_id)
    if nearest and any(term.name != "similar" for term in query.terms):
        least, before = _stretch(query, 0)
        places, _ = _index().entries(query, before=before, least=least, limit=len(nearest), within=nearest)
        kept = {place.entry for place in places}
        nearest = [entry for entry in nearest if entry in kept]
    rows = among(Generation.objects.public()).filter(search_entry__in=nearest).annotate(entry=F("search_entry"))
    public = {row.entry: row for row in rows}
    return [public[entry] for entry in nearest if entry in public][:limit]


def _public(places: list[Place], among: Callable[[Any], Any]) -> list[Generation]:
    """What is public of these places, in their order."""
    if not places:
        return []
    wanted = AnyOf(F("pk"), [place.generation for place in places])
    with prepared():
        public = {row.pk: row for row in among(Generation.objects.public()).filter(wanted)}
    return [public[place.generation] for place in places if place.generation in public]


def _stretch(query: Query, after: int) -> tuple[int, int]:
    """The least entry and the one before which to begin."""
    least, before = 0, after or FURTHEST
    for term in (*query.of("before"), *query.of("after")):
        border = ids.first_of(moment(term))
        # An entry is made when its result is: their orders are the same but for a few at the border.
        if (term.name == "before") != term.is_negated:
            before = min(before, _first(generation_id__lt=border, order="-generation_id") + 1)
        else:
            least = max(least, _first(generation_id__gte=border, order="generation_id") or FURTHEST)
    return least, before


def _first(order: str, **condition: Any) -> int:
    return SearchEntry.objects.filter(**condition).order_by(order).values_list("pk", flat=True).first() or 0


def sweep() -> int:
    """Remove the entries of what is not public; returns how many."""
    public = Generation.objects.public().filter(pk=OuterRef("generation_id"))
    removed, place = 0, 0
    while (
        last := SearchEntry.objects.filter(pk__gt=place)
        .order_by("pk")
        .values_list("pk", flat=True)[:SWEPT]
        .aggregate(Max("pk"))["pk__max"]
    ):
        stretch = SearchEntry.objects.filter(pk__gt=place, pk__lte=last)
        removed += stretch.filter(~Exists(public)).delete()[0]
        place = last
    likeness.trim()
    return removed


def repair() -> None:
    _index().repair()
