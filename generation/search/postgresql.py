"""The index on PostgreSQL: `words` is a tsvector under a GIN index (migration 0010).

GIN knows no order. So each entry also has the mark of its chapter, and the newest chapters are asked first: what is
frequent fills a page there, and what does not is rare enough to be gathered from everywhere and sorted. A word that is
rare of late and was frequent before would take long; then the newest chapters are all that is looked at.
"""

from collections.abc import Sequence
from typing import Any

from django.db import connection

from generation.search import tokens
from generation.search.query import Query, Term

CHAPTER = 10_000  # entries
MOST_GATHERED = 20_000
FEW_CHAPTERS = 10  # looked through for what is in more than MOST_GATHERED entries
FURTHEST, MOST_PLACES = 16_383, 200  # positions that a tsvector holds


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
) -> tuple[list[int], bool]:
    """Ids of entries from `least` up to but without `before`, newest first; and whether all of them were looked at.

    `within`: of these few only.
    """
    with connection.cursor() as cursor:
        if within is not None:
            return _of(cursor, within, expression(query), before, least, limit), True
        cursor.execute("SELECT max(id) FROM generation_searchentry WHERE id < %s", [before])
        newest = cursor.fetchone()[0]
        if newest is None:
            return [], True
        last = newest // CHAPTER
        says = expression(query)
        if says:
            found = _newest(cursor, says, (last - 1, last), before, least, limit)
            if len(found) == limit or (last - 1) * CHAPTER <= least:
                return found, True
            cursor.execute(
                "SELECT id FROM generation_searchentry WHERE words @@ %s::tsquery AND id >= %s AND id < %s LIMIT %s",
                [says, least, before, MOST_GATHERED + 1],
            )
            gathered = [pk for (pk,) in cursor.fetchall()]
            if len(gathered) <= MOST_GATHERED:
                return sorted(gathered, reverse=True)[:limit], True
            return _newest(cursor, says, range(last - FEW_CHAPTERS + 1, last + 1), before, least, limit), False
        cursor.execute(
            "SELECT id FROM generation_searchentry WHERE is_filled AND id >= %s AND id < %s ORDER BY id DESC LIMIT %s",
            [least, before, limit],
        )
        return [pk for (pk,) in cursor.fetchall()], True


def _of(cursor: Any, few: Sequence[int], says: str, before: int, least: int, limit: int) -> list[int]:
    """Those of a few that fit."""
    cursor.execute(
        "SELECT id FROM generation_searchentry WHERE id = ANY(%s) AND id >= %s AND id < %s"
        " AND (%s = '' OR words @@ %s::tsquery) ORDER BY id DESC LIMIT %s",
        [list(few), least, before, says, says, limit],
    )
    return [pk for (pk,) in cursor.fetchall()]


def _newest(cursor: Any, says: str, chapters: Sequence[int], before: int, least: int, limit: int) -> list[int]:
    """The newest of some chapters: at most limit."""
    marks = " | ".join(_quoted(_chapter(each)) for each in chapters if each >= 0)
    cursor.execute(
        "SELECT id FROM generation_searchentry WHERE words @@ %s::tsquery AND id >= %s AND id < %s"
        " ORDER BY id DESC LIMIT %s",
        [f"({says}) & ({marks})", max(least, chapters[0] * CHAPTER), before, limit],
    )
    return [pk for (pk,) in cursor.fetchall()]


def repair() -> None:
    """Nothing: an index of PostgreSQL is never behind its column."""
