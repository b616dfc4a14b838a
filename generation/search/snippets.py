"""The piece of a text that shows why it was found, in parts of which some are matches."""

from dataclasses import dataclass

from generation.search import tokens
from generation.search.query import Query

LENGTH = 240
BEFORE = 60  # characters of a long text that stay before its first match
LOOKED_AT = 4000


@dataclass(frozen=True, slots=True)
class Part:
    text: str
    is_match: bool = False


def parts(text: str, query: Query, length: int = LENGTH) -> list[Part]:
    """`text`, or `length` characters of it from about the first match on."""
    text = text[:LOOKED_AT]
    spans = _spans(text, query)
    start = 0
    if spans and spans[0][1] > length and len(text) > length:
        start = max(0, spans[0][0] - BEFORE)
        start = text.find(" ", start, spans[0][0]) + 1 or start
    end = min(len(text), start + length)
    found, place = [Part("…")] if start else [], start
    for first, last in spans:
        if first >= end:
            break
        if first > place:
            found.append(Part(text[place:first]))
        found.append(Part(text[max(first, place) : min(last, end)], is_match=True))
        place = min(last, end)
    if place < end:
        found.append(Part(text[place:end]))
    if end < len(text):
        found.append(Part("…"))
    return found


def _spans(text: str, query: Query) -> list[tuple[int, int]]:
    """Where the wanted words stand, in order, none within another."""
    wanted: dict[str, list[tuple[str, ...]]] = {}
    for term in query.terms:
        if term.is_said:
            wanted.setdefault(term.words[0], []).append(term.words)
    if not wanted:
        return []
    words = list(tokens.words(text))
    found = []
    for place, word in enumerate(words):
        for phrase in wanted.get(word.token, ()):
            row = words[place : place + len(phrase)]
            if tuple(each.token for each in row) == phrase:
                found.append((word.start, max(each.end for each in row)))
    joined: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
