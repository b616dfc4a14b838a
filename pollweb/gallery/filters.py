"""What the gallery can be narrowed to, and in which order: all of it in the address."""

import secrets
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any, Self

from django.db.models import F, Q
from django.http import QueryDict
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from generation.models import Generation, GenerationQuerySet
from pollweb.lib import ids
from pollweb.lib.paging import Page, page
from pollweb.lib.prepared import Literal

KINDS = ("image", "text", "audio")
KIND_NAMES = {"image": _("Images"), "text": _("Text"), "audio": _("Audio")}
SHAPES: dict[str, tuple[str | Promise, Q]] = {
    "square": (_("Square"), Q(width__gte=F("height") * 0.95, width__lte=F("height") * 1.05)),
    "landscape": (_("Landscape"), Q(width__gt=F("height") * 1.05)),
    "portrait": (_("Portrait"), Q(width__lt=F("height") * 0.95)),
    "wide": (_("Wide"), Q(width__gte=F("height") * 1.7)),
}
PERIODS: dict[str, tuple[str | Promise, timedelta]] = {
    "day": (_("Last 24 hours"), timedelta(days=1)),
    "week": (_("Last 7 days"), timedelta(days=7)),
    "month": (_("Last 30 days"), timedelta(days=30)),
    "year": (_("Last 365 days"), timedelta(days=365)),
}
SORTS = {"random": _("Random")}  # besides newest first


@dataclass(frozen=True, slots=True)
class Filters:
    """Empty strings do not narrow. `seed` is where a random order begins: the same seed, the same order."""

    kind: str = ""
    model: str = ""
    shape: str = ""
    period: str = ""
    sort: str = ""
    seed: str = ""

    @classmethod
    def read(cls, query: QueryDict) -> Self:
        """What the address says; what it says wrongly does not narrow."""

        def one_of(name: str, known: Any) -> str:
            value = query.get(name, "")
            return value if value in known else ""

        sort, seed = one_of("sort", SORTS), query.get("seed", "")
        return cls(
            kind=one_of("kind", KINDS),
            model=query.get("model", "").replace("\0", "")[:100],
            shape=one_of("shape", SHAPES),
            period=one_of("period", PERIODS),
            sort=sort,
            seed=seed if sort and ids.is_public_id(seed) else "",
        )

    @property
    def is_filtered(self) -> bool:
        return bool(self.kind or self.model or self.shape or self.period)

    def address(self, **place: str) -> str:
        """The address of this list at another place."""
        query = QueryDict(mutable=True)
        query.update({name: value for name, value in {**asdict(self), **place}.items() if value})
        return f"/?{query.urlencode()}" if query else "/"

    def shuffled(self) -> Self:
        return replace(self, sort="random", seed=secrets.token_urlsafe(16))

    def kinds(self) -> list[tuple[str, str]]:
        """Every kind, "" for all, with the address of this list of it. Only pictures have shapes."""
        of_kind = {kind: replace(self, kind=kind) for kind in ("", *KINDS)}
        return [
            (kind, (each if kind in ("", "image") else replace(each, shape="")).address())
            for kind, each in of_kind.items()
        ]

    def shapes(self) -> list[tuple[str, str | Promise]]:
        return [(name, label) for name, (label, _test) in SHAPES.items()]

    def periods(self) -> list[tuple[str, str | Promise]]:
        return [(name, label) for name, (label, _length) in PERIODS.items()]

    def sorts(self) -> list[tuple[str, Promise]]:
        return list(SORTS.items())

    def chips(self) -> list[tuple[str | Promise, str]]:
        """What narrows, each with the address without it. The kind has chips of its own."""
        shown: dict[str, str | Promise] = {"model": self.model}
        shown["shape"] = SHAPES[self.shape][0] if self.shape else ""
        shown["period"] = PERIODS[self.period][0] if self.period else ""
        return [(words, replace(self, **{name: ""}).address()) for name, words in shown.items() if words]

    def narrow(self, rows: GenerationQuerySet) -> GenerationQuerySet:
        if self.kind:
            rows = rows.filter(kind=Literal(self.kind))  # a rare kind is found another way than a frequent one
        if self.model:
            rows = rows.filter(model=self.model)
        if self.shape:
            rows = rows.filter(SHAPES[self.shape][1], width__gt=0)
        if self.period:
            rows = rows.filter(pk__gte=ids.first_of(timezone.now() - PERIODS[self.period][1]))
        return rows

    def page(self, rows: Any, size: int, after: str, before: str) -> Page[Generation]:
        rows = self.narrow(rows)
        return self._shuffled_page(rows, size, after) if self.sort else page(rows, size, after=after, before=before)

    def _shuffled_page(self, rows: Any, size: int, after: str) -> Page[Generation]:
        """Public ids are random: their order, from the seed on and around to it again, is one nobody has seen before.

        `after` is "1" or "2", for the way to the end and the way from the beginning, and the id that was last.
        """
        rows = rows.order_by("public_id")
        turn, last = after[:1], after[1:]
        if turn not in ("1", "2") or not ids.is_public_id(last):
            turn, last = "1", self.seed
        found = []
        if turn == "1":
            found = [("1", row) for row in rows.filter(public_id__gt=last)[: size + 1]]
        if len(found) <= size:
            begins = {"public_id__gt": last} if turn == "2" else {}
            again = rows.filter(public_id__lte=self.seed, **begins)[: size + 1 - len(found)]
            found += [("2", row) for row in again]
        older = f"{found[size - 1][0]}{found[size - 1][1].public_id}" if len(found) > size else ""
        return Page([row for _turn, row in found[:size]], older, "")
