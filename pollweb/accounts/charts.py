"""Charts as SVG made on the server: stacked bars, and a line with the area below it.

Here is the geometry; templates/charts/ draw it. A drawing is 100 units high, whatever its width, and is stretched to
its place; words stand beside it as HTML, so that they keep their size. Colours are classes (static/css/charts.css).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from pollweb.lib.numbers import grouped
from pollweb.lib.punctuation import listed, named

HEIGHT = 100.0
STEP = 10.0  # units from one bar to the next
GAP = 2.0
OTHER = "other"


@dataclass(frozen=True, slots=True)
class Piece:
    """A rectangle: a part of a bar. `colour` is a class: c1 … c5, or other."""

    y: float
    height: float
    colour: str
    label: str
    value: int


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    width: float
    when: str
    total: int
    pieces: tuple[Piece, ...]

    @property
    def words(self) -> str:
        """What it says when one points at it."""
        parts = [f"{piece.label} {grouped(piece.value)}" for piece in self.pieces]
        words = named(self.when, grouped(self.total))
        return f"{words} ({listed(parts)})" if len(parts) > 1 else words


@dataclass(frozen=True, slots=True)
class Bars:
    """A chart of stacked bars. `lines` are (height, label) of the grid, the topmost first."""

    width: float
    bars: tuple[Bar, ...]
    lines: tuple[tuple[float, str], ...]
    ticks: tuple[str, ...]
    legend: tuple[tuple[str, str, int], ...]
    zone: str

    @property
    def total(self) -> int:
        return sum(bar.total for bar in self.bars)

    @property
    def most(self) -> Bar:
        return max(self.bars, key=lambda bar: bar.total)


def ceiling(most: float) -> tuple[float, float]:
    """A round number not below `most`, and the distance of at most five lines up to it."""
    if most <= 4:
        return 4.0, 1.0
    rough = most / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(
        factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough and (factor * power) % 1 == 0
    )
    return math.ceil(most / step) * step, step


def short(number: float) -> str:
    """1200 → 1.2k, for axes."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(number) >= size:
            return f"{number / size:.4g}{unit}"
    return f"{number:.4g}"


def moment(at: datetime, step: timedelta) -> str:
    """How a step of the time axis is called: an hour or a day, in the axis' own zone."""
    if step < timedelta(days=1):
        return _("%(day)s, %(hour)s:00") % {
            "day": date_format(at, pgettext("a day, as Django's date format", "M j")),
            "hour": f"{at:%H}",
        }
    return date_format(at, pgettext("a day, as Django's date format", "M j"))


def stacked(steps: Sequence[datetime], stacks: Sequence[tuple[str, Sequence[int]]], step: timedelta) -> Bars:
    """Bars over `steps`, each made of the stacks' values there, the first at the bottom."""
    totals = [sum(values[place] for _, values in stacks) for place in range(len(steps))]
    top, distance = ceiling(max(totals, default=0))
    colours = [OTHER if label == _("Other") and place else f"c{place + 1}" for place, (label, _v) in enumerate(stacks)]
    bars = []
    for place, at in enumerate(steps):
        pieces, height = [], 0.0
        for (label, values), colour in zip(stacks, colours, strict=True):
            if value := values[place]:
                tall = value / top * HEIGHT
                height += tall
                pieces.append(Piece(round(HEIGHT - height, 3), round(tall, 3), colour, label, value))
        bars.append(Bar(place * STEP + GAP / 2, STEP - GAP, moment(at, step), totals[place], tuple(pieces)))
    grid = [n * distance for n in range(round(top / distance), -1, -1)]
    return Bars(
        width=len(steps) * STEP,
        bars=tuple(bars),
        lines=tuple((round(HEIGHT - at / top * HEIGHT, 3), short(at)) for at in grid),
        ticks=tuple(moment(steps[place], step) for place in _spread(len(steps))),
        legend=tuple((label, colour, sum(values)) for (label, values), colour in zip(stacks, colours, strict=True)),
        zone="UTC",
    )


def _spread(count: int, most: int = 5) -> list[int]:
    """Up to `most` places out of `count`, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return [round(n * (count - 1) / (most - 1)) for n in range(most)]


@dataclass(frozen=True, slots=True)
class Line:
    """A line as the points of an SVG path, and the area below it."""

    width: float
    line: str
    area: str
    values: tuple[float, ...]

    @property
    def words(self) -> str:
        return ", ".join(f"{value:,.10g}" for value in self.values)


def line(values: Sequence[float]) -> Line:
    """A line through `values`, from the left edge to the right one; 0 is the ground."""
    most = max(values, default=0) or 1
    width = max(1, len(values) - 1) * STEP
    points = [(place * STEP, round(HEIGHT - 4 - value / most * (HEIGHT - 8), 2)) for place, value in enumerate(values)]
    if len(points) == 1:
        points.append((width, points[0][1]))
    path = " ".join(f"{'M' if not place else 'L'}{x:g} {y:g}" for place, (x, y) in enumerate(points))
    assert all(a[0] <= b[0] for a, b in pairwise(points))
    return Line(width, path, f"{path} L{width:g} {HEIGHT:g} L0 {HEIGHT:g} Z", tuple(values))
