"""Where things may be put in a scenery once it is painted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stage:
    """Bands of the picture as (far, near) y, in pixels; None where a scenery has no such place."""

    ground: tuple[float, float] | None = None
    water: tuple[float, float] | None = None
    air: tuple[float, float] = (0.0, 0.0)
    afloat: bool = False  # nothing falls here: space and under water
    close: float = 1.0  # how much larger things are seen than in a landscape
    shadow: float = 0.42  # darkness of shadows on the ground
