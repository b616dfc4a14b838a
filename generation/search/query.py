"""What somebody asked for: words, "phrases", -not, and operators."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from generation.search import tokens
from pollweb.lib import ids

LONGEST = 300  # characters of a question that are read
MOST_TERMS = 12
MARKED = ("kind", "model", "seed", "size")

KINDS = {
    **dict.fromkeys(("image", "images", "picture", "pictures", "图片", "图像"), "image"),
    **dict.fromkeys(("text", "texts", "文本", "文字"), "text"),
    **dict.fromkeys(("audio", "sound", "speech", "音频", "语音"), "audio"),
}
_TERM = re.compile(r'(-?)(?:([a-z]{2,7}):)?(?:"([^"]*)"?|([^\s"]+))', re.IGNORECASE)
_QUOTES = str.maketrans(dict.fromkeys("“”„«»「」『』", '"'))
_SIZE = re.compile(r"([1-9]\d{0,4})[x×*]([1-9]\d{0,4})", re.ASCII | re.IGNORECASE)
_HANDLE = re.compile(r"@?([\w-]{1,30})")
_SEED = re.compile(r"-?\d{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Term:
    """One condition. `words` stand in a row in what is looked for; `name` is the operator, "" for words.

    `before`, `after` and `similar` have no words of their own: they are places in the index. Those of `by` are given by
    the index.
    """

    words: tuple[str, ...]
    shown: str
    name: str = ""
    value: str = ""
    is_negated: bool = False

    @property
    def is_said(self) -> bool:
        """Words that somebody may have written, to be marked where they stand."""
        return not self.name and not self.is_negated


@dataclass(frozen=True, slots=True)
class Query:
    text: str = ""
    terms: tuple[Term, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not self.terms

    def of(self, name: str) -> list[Term]:
        return [term for term in self.terms if term.name == name]

    def without(self, term: Term) -> str:
        """The question as it would be typed without this term."""
        return " ".join(each.shown for each in self.terms if each is not term)


def parse(text: str) -> Query:
    """Never fails: what is no operator is words, and what holds no letter says nothing."""
    read = unicodedata.normalize("NFKC", text[:LONGEST]).translate(_QUOTES).replace("\0", " ")
    found: list[Term] = []
    for sign, name, quoted, bare in _TERM.findall(read):
        if len(found) < MOST_TERMS and (term := _term(bool(sign), name.lower(), quoted or bare, bool(quoted))):
            found.append(term)
    return Query(text=" ".join(text[:LONGEST].replace("\0", " ").split()), terms=tuple(found))


def _term(negated: bool, name: str, value: str, quoted: bool) -> Term | None:
    value = value.strip()
    if name and value and (settled := _settled(name, value)):
        says = f'"{settled}"' if " " in settled else settled
        marked = (tokens.mark(name, settled),) if name in MARKED else ()
        return Term(marked, f"{'-' * negated}{name}:{says}", name, settled, negated)
    if name:
        value = f"{name}:{value}"
    words = tuple(tokens.phrase(value))
    if not words or (len(words) == 1 and len(words[0]) == 1 and words[0].isascii()):
        return None  # a single letter is in everything
    return Term(words, f"{'-' * negated}{f'"{value}"' if quoted else value}", is_negated=negated)


def _settled(name: str, value: str) -> str:
    """The operator's value in its one form; empty when this is no operator or no value of it."""
    if name == "kind":
        return KINDS.get(value.lower(), "")
    if name == "model":
        return value.lower()[:100]
    if name == "seed":
        return str(int(value)) if _SEED.fullmatch(value) else ""
    if name == "size":
        return f"{int(size[1])}x{int(size[2])}" if (size := _SIZE.fullmatch(value)) else ""
    if name == "by":
        return handle[1].lower() if (handle := _HANDLE.fullmatch(value)) else ""
    if name == "similar":
        return value if ids.is_public_id(value) else ""
    if name in ("before", "after"):
        return day.isoformat() if (day := _day(value)) else ""
    return ""


def _day(value: str) -> date | None:
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def moment(term: Term) -> datetime:
    """`before` a day begins, `after` it ended, in UTC."""
    day = date.fromisoformat(term.value) + timedelta(days=term.name == "after")
    return datetime.combine(day, time(), UTC)
