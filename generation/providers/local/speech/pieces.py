"""Cutting a text into what one run of a model speaks: sentences first, then phonemes to a length."""

import re
from collections.abc import Iterator
from itertools import pairwise

from .script import Language

LONGEST_SENTENCE = {"en": 400, "zh": 120}
"""Characters, about 25 s of sound: a longer sentence is cut before its phonemes are looked up, which takes time."""

OPENING = 100
"""Phonemes after which a long first sentence is cut at a comma, so that its sound starts early."""

_chinese_end = re.compile(r"[。!?…;]+[\"”’)」』》】]*|\.(?=\s|$)|\n")
_clause = re.compile(r"[,;:—、](?!\d)")


def sentences(text: str, language: Language) -> Iterator[str]:
    """The sentences of a cleaned text, in order, none empty, the longest in parts."""
    for sentence in _sentences(text, language):
        yield from cut(sentence, LONGEST_SENTENCE[language])


def _sentences(text: str, language: Language) -> list[str]:
    if language == "zh":
        ends = [0, *(found.end() for found in _chinese_end.finditer(text)), len(text)]
        return [part.strip() for part in (text[start:end] for start, end in pairwise(ends)) if part.strip()]
    from hibari import Hibari  # knows titles and initials: "Dr. Smith" is one sentence

    return Hibari.split_sentences(text)


def cut(text: str, limit: int, *, opening: bool = False) -> Iterator[str]:
    """Pieces of at most `limit` characters that join to the whole: cut after a clause if there is one in the second
    half, else between words, else anywhere. `opening` cuts the first piece at its first fitting clause already."""
    if opening and len(text) > OPENING:
        head = _last_clause(text, min(OPENING, limit))
        if head:
            yield text[:head]
            text = text[head:]
    while len(text) > limit:
        end = _last_clause(text, limit)
        if end < limit // 2:
            end = text.rfind(" ", 1, limit)
        if end < limit // 4:
            end = limit
        yield text[:end]
        text = text[end:]
    if text:
        yield text


def _last_clause(text: str, limit: int) -> int:
    """The position after the last clause mark within the limit; 0 when there is none."""
    return max((found.end() for found in _clause.finditer(text, 0, limit)), default=0)
