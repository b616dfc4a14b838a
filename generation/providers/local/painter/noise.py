"""Seeded randomness and the noises made of it: everything that looks accidental in a picture comes from here."""

from __future__ import annotations

import hashlib
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]  # float32, unless said otherwise


class Dice:
    """Random generators for the parts of one picture.

    Each part has a generator of its own, drawn from sha256(prompt | seed | part): the same picture in every process,
    and a change in one part leaves the others as they were.
    """

    def __init__(self, prompt: str, seed: int) -> None:
        self._root = hashlib.sha256(f"{prompt}|{seed}".encode("utf-8", "surrogatepass")).digest()

    def of(self, part: str) -> np.random.Generator:
        digest = hashlib.sha256(self._root + part.encode()).digest()
        return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "big")))


def fbm(
    rng: np.random.Generator,
    rows: int,
    columns: int,
    *,
    cells: tuple[float, float] = (4, 4),
    octaves: int = 4,
    rough: float = 0.5,
) -> Array:
    """Smooth noise in 0..1 with mean near 0.5; `cells` are the features (down, across) of the coarsest octave."""
    total = np.zeros((rows, columns), np.float32)
    weight, sum_of_weights = 1.0, 0.0
    down, across = cells
    for _ in range(octaves):
        grid = rng.random((max(2, round(down)) + 3, max(2, round(across)) + 3), dtype=np.float32)
        # The outermost cells are cut away: cubic interpolation is flat there.
        smooth = cv2.resize(grid, (columns, rows), interpolation=cv2.INTER_CUBIC)
        total += weight * smooth
        sum_of_weights += weight
        weight *= rough
        down, across = down * 2, across * 2
        if down > rows or across > columns:
            break
    total /= sum_of_weights
    return np.clip((total - 0.5) * 1.35 + 0.5, 0.0, 1.0)


def line(rng: np.random.Generator, length: int, *, cells: float = 3, octaves: int = 6, rough: float = 0.5) -> Array:
    """A profile in 0..1, `length` long: soft hills for a small `rough`, jagged peaks towards 0.6."""
    total = np.zeros(length, np.float32)
    weight, sum_of_weights = 1.0, 0.0
    for octave in range(octaves):
        count = max(2, round(cells * 2**octave))
        if count > length:
            break
        values = rng.random(count + 2, dtype=np.float32)
        place = np.linspace(0.5, count + 0.5, length, dtype=np.float32)
        left = np.floor(place).astype(int)
        part = place - left
        if rough < 0.45:
            part = part * part * (3 - 2 * part)
        total += weight * (values[left] * (1 - part) + values[left + 1] * part)
        sum_of_weights += weight
        weight *= rough
    low, high = float(total.min()), float(total.max())
    return (total - low) / max(1e-6, high - low)


def smoothstep(low: float | Array, high: float | Array, values: Array) -> Array:
    """0 below `low`, 1 above `high`, a soft S between."""
    t = np.clip((values - low) / (high - low), 0.0, 1.0)
    return t * t * (3 - 2 * t)
