"""Finding public results by their words.

`tokens` says what a word is, `query` what was asked, `index` keeps and asks the index of this database, `snippets`
shows why something was found. An entry of the index belongs to a row and is as private as it: what a search finds is
looked up among the public rows again each time.
"""

from generation.search.index import expect, fill, find, is_due, sweep
from generation.search.query import Query, parse

__all__ = ["Query", "expect", "fill", "find", "is_due", "parse", "sweep"]
