"""The things that can wear a picture: vectors in `data/objects`, and where on them the picture lies.

A drawing is a square of 1000 units, of which a wider or taller canvas shows more. `@accent` and `@soft` in it are
colours taken from the picture; NAME-front.svg, where there is one, lies before the picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from ..painter.noise import Array

FOLDER = Path(__file__).parent / "data" / "objects"

Shade = Callable[[Array, Array], Array]


def printed(picture: Array, ground: Array) -> Array:
    """Ink on a light ground: takes its shade."""
    bright = ground.mean(2, keepdims=True)
    return np.clip(picture * (0.10 + 0.90 * np.clip(bright / 0.93, 0, 1.06)), 0, 1)


def plain(picture: Array, ground: Array) -> Array:
    return picture


@dataclass(frozen=True, slots=True)
class Bent:
    """Where a picture lies on a thing, in units: its middle, the room for it, and how the thing is curved.

    `radius` is that of a standing cylinder (0: flat), `sag` how much lower its front is than its sides, `bulge` how far
    a cushion's edges are drawn in, `tilt` degrees clockwise; it `fills` its room, or stands inside it.
    """

    x: float
    y: float
    width: float
    height: float
    radius: float = 0.0
    sag: float = 0.0
    bulge: float = 0.0
    tilt: float = 0.0
    corners: float = 0.04
    fills: bool = False
    shade: Shade = plain


DRAWINGS = {
    "cake": Bent(500, 598, 470, 276, radius=320, sag=62, corners=0.10, shade=printed),
    "mug": Bent(455, 566, 400, 400, radius=276, sag=52, corners=0.03, shade=printed),
    "shirt": Bent(500, 500, 360, 400, corners=0.03, shade=printed),
    "poster": Bent(500, 380, 540, 560, corners=0.0),
    "pillow": Bent(500, 505, 668, 690, bulge=0.055, corners=0.04, fills=True),
    "sticker": Bent(500, 500, 660, 660, tilt=-5, corners=0.10, fills=True),
}


@cache
def _parts(name: str) -> str:
    """What is inside the svg element of a file; "" when there is no such file."""
    file = FOLDER / f"{name}.svg"
    if not file.exists():
        return ""
    text = file.read_text(encoding="utf-8")
    return text[text.index(">") + 1 : text.rindex("</svg>")]


def behind(name: str, accent: str, soft: str) -> str:
    """The thing and its surroundings, as the inside of an SVG."""
    return _parts(name).replace("@accent", accent).replace("@soft", soft)


def before(name: str, accent: str, soft: str) -> str:
    """What lies before the picture; "" for nothing."""
    return _parts(f"{name}-front").replace("@accent", accent).replace("@soft", soft)
