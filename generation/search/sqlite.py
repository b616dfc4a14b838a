"""The index on SQLite: an FTS5 table over the column `words`, kept by triggers (migration 0010).

Its lists of entries are in the order of their ids, so the newest come first without all being read.
"""

from collections.abc import Sequence
from uuid import UUID

from django.db import connection

from generation.search.places import Place
from generation.search.query import Query, Term

ALL = '"\ue000break"'  # in every entry


def column(entry: int, stream: Sequence[str]) -> str:
    return " ".join(stream)


def expression(query: Query) -> str:
    """In FTS5's language."""
    wanted = [_string(term) for term in query.terms if term.words and not term.is_negated]
    unwanted = [_string(term) for term in query.terms if term.words and term.is_negated]
    wanted = wanted or [ALL]
    says = " AND ".join(wanted)
    return f"({says}) NOT ({' OR '.join(unwanted)})" if unwanted else says


def _string(term: Term) -> str:
    return '"' + " ".join(term.words).replace('"', '""') + '"'


def entries(
    query: Query, *, before: int, least: int, limit: int, within: Sequence[int] | None = None
) -> tuple[list[Place], bool]:
    """Entries from `least` up to but without `before`, newest first; and whether all of them were looked at.

    `within`: of these few only.
    """
    few = "" if within is None else f" AND found.rowid IN ({','.join(map(str, map(int, within)))})"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT entry.id, entry.generation_id FROM generation_search found"  # noqa: S608
            " JOIN generation_searchentry entry ON entry.id = found.rowid"
            f" WHERE generation_search MATCH %s AND found.rowid >= %s AND found.rowid < %s{few}"  # numbers alone
            " ORDER BY found.rowid DESC LIMIT %s",
            [expression(query), least, before, limit],
        )
        return [Place(entry, UUID(generation)) for entry, generation in cursor.fetchall()], True


def repair() -> None:
    """Write the index from the column again."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO generation_search(generation_search) VALUES ('rebuild')")
