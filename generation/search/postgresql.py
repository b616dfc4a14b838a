"""The index on PostgreSQL: `words` is a tsvector under a GIN index (migration 0010).

GIN knows no order. So each entry also has the mark of its chapter, and the newest chapters are asked first: two, which
tell how many it takes for a page, and those if they are few. What is in none of them is rare enough to be gathered from
everywhere and sorted. A word that is rare of late and was frequent before would take long; then the newest chapters are
all that is looked at.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from django.db import connection

from generation.search import tokens
from generation.search.places import Place
from generation.search.query import Query, Term
from pollweb.lib.prepared import prepared_cursor

CHAPTER = 10_000  # entries
MOST_GATHERED = 20_000
FEW_CHAPTERS = 12  # each costs as much as finding its entries again; more than these are slower than to gather
LAST_CHAPTERS = 10  # looked through for what is in more than MOST_GATHERED entries
SURE = 1.5  # times as many entries as a page should take
FURTHEST, MOST_PLACES = 16_383, 200  # positions that a tsvector holds
NEVER = 1 << 62  # what a search from the newest on is before
REMEMBERED = 1.0  # seconds, in which fewer than a chapter of entries come


def _chapter(number: int) -> str:
    return tokens.mark("chapter", str(number))


def column(entry: int, stream: Sequence[str]) -> str:
    places: dict[str, list[int]] = {}
    for place, token in enumerate(stream, start=1):
        if token != tokens.BREAK and len(held := places.setdefault(token, [])) < MOST_PLACES and place <= FURTHEST:
            held.append(place)
    places[_chapter(entry // CHAPTER)] = []
    return " ".join(f"{_quoted(token)}{':' * bool(at)}{','.join(map(str, at))}" for token, at in places.items())


def _quoted(token: str) -> str:
    return "'" + token.replace("\\", "\\\\").replace("'", "''") + "'"


def expression(query: Query) -> str:
    """In the language of tsquery; empty when every entry fits."""
    return " & ".join(f"{'!' * term.is_negated}{_string(term)}" for term in query.terms if term.words)


def _string(term: Term) -> str:
    return f"({' <-> '.join(map(_quoted, term.words))})"


def entries(
    query: Query, *, before: int, least: int, limit: int, within: Sequence[int] | None = None
) -> tuple[list[Place], bool]:
    """Entries from `least` up to but without `before`, newest first; and whether all of them were looked at.

    `within`: of these few only.
    """
    with prepared_cursor() as cursor:
        if within is not None:
            return _of(cursor, within, expression(query), before, least, limit), True
        if not (says := expression(query)):
            return _last(cursor, before, least, limit), True
        newest = _newest(cursor, before)
        stretch = _Stretch(cursor, says, newest // CHAPTER, before, least, limit)
        found = stretch.chapters(2)
        begin = (newest // CHAPTER - 1) * CHAPTER
        if len(found) == limit or begin <= least:
            return found, True
        chapters = ceil(SURE * limit / len(found) * (newest + 1 - begin) / CHAPTER) + 1 if found else 0
        if 2 < chapters <= FEW_CHAPTERS and len(found := stretch.chapters(chapters)) == limit:
            return found, True
        gathered, number = stretch.everywhere(MOST_GATHERED + 1)
        return (gathered, True) if number <= MOST_GATHERED else (stretch.chapters(LAST_CHAPTERS), False)


def forget() -> None:
    """Ask for the newest entry again (tests)."""
    global _seen
    _seen = (-REMEMBERED, 0)


_seen = (-REMEMBERED, 0)  # when the newest entry was asked for, and which it was


def _newest(cursor: Any, before: int) -> int:
    """The newest entry before `before`, or one that was a moment ago."""
    global _seen
    if before < NEVER:
        return before - 1
    at, newest = _seen
    if time.monotonic() - at >= REMEMBERED:
        cursor.execute("SELECT max(id) FROM generation_searchentry")
        newest = cursor.fetchone()[0] or 0
        _seen = time.monotonic(), newest
    return newest


def _places(cursor: Any) -> list[Place]:
    return [Place(*row) for row in cursor.fetchall()]


def _last(cursor: Any, before: int, least: int, limit: int) -> list[Place]:
    """The newest of all."""
    cursor.execute(
        "SELECT id, generation_id FROM generation_searchentry WHERE is_filled AND id >= %s AND id < %s"
        " ORDER BY id DESC LIMIT %s",
        [least, before, limit],
    )
    return _places(cursor)


def _of(cursor: Any, few: Sequence[int], says: str, before: int, least: int, limit: int) -> list[Place]:
    """Those of a few that fit."""
    cursor.execute(
        "SELECT id, generation_id FROM generation_searchentry WHERE id = ANY(%s) AND id >= %s AND id < %s"
        " AND (%s = '' OR words @@ %s::tsquery) ORDER BY id DESC LIMIT %s",
        [list(few), least, before, says, says, limit],
    )
    return _places(cursor)


@dataclass(frozen=True)
class _Stretch:
    """Entries from `least` up to but without `before` that fit; `last` is the newest chapter of them, or was a moment
    ago: then the next one has begun."""

    cursor: Any
    says: str
    last: int
    before: int
    least: int
    limit: int

    def chapters(self, number: int) -> list[Place]:
        """The newest of the newest chapters: at most `limit`."""
        marks = " | ".join(_quoted(_chapter(each)) for each in range(max(0, self.last - number + 1), self.last + 2))
        # `id + 0` has no index. By the one of `id` the planner would also read that of all these chapters, or walk from
        # the newest entry on through all that there are when it takes a word for more frequent than it is of late.
        self.cursor.execute(
            "SELECT id, generation_id FROM generation_searchentry WHERE words @@ %s::tsquery"
            " AND id + 0 >= %s AND id + 0 < %s ORDER BY id + 0 DESC LIMIT %s",
            [f"({self.says}) & ({marks})", self.least, self.before, self.limit],
        )
        return _places(self.cursor)

    def everywhere(self, most: int) -> tuple[list[Place], int]:
        """The newest, at most `limit`, of as many as there are, and their number; of any `most` when there are more."""
        with connection.cursor() as cursor:  # planned for this word: without one the planner would read the whole table
            cursor.execute(
                "WITH gathered AS MATERIALIZED (SELECT id, generation_id FROM generation_searchentry"
                " WHERE words @@ %s::tsquery AND id >= %s AND id < %s LIMIT %s)"
                " SELECT id, generation_id, (SELECT count(*) FROM gathered) FROM gathered ORDER BY id DESC LIMIT %s",
                [self.says, self.least, self.before, most, self.limit],
            )
            rows = cursor.fetchall()
        return [Place(entry, generation) for entry, generation, _ in rows], rows[0][2] if rows else 0


def repair() -> None:
    """Nothing: an index of PostgreSQL is never behind its column."""
