"""The canvas: pixels, the measures that composition goes by, and the few ways paint gets onto it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from . import Stopped
from .noise import Array

Colour = Array  # float32, shape (3,), RGB in 0..1


def rgb(code: str) -> Colour:
    """The colour of "#rrggbb"."""
    return np.array([int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)], np.float32)


def mix(first: Colour, second: Colour, part: float) -> Colour:
    return (first * (1 - part) + second * part).astype(np.float32)


def luminance(colour: Array) -> Array:
    return colour @ np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(slots=True)
class Canvas:
    """RGB in 0..1 and the measures of its picture; all lengths in pixels."""

    width: int
    height: int
    stop: Callable[[], bool]
    horizon: int = 0
    pixels: Array = field(init=False)

    def __post_init__(self) -> None:
        self.pixels = np.zeros((self.height, self.width, 3), np.float32)

    @property
    def unit(self) -> float:
        """The length that sizes go by: the shorter side, a little more when the picture is long."""
        short, long = sorted((self.width, self.height))
        return short * min(1.25, (long / short) ** 0.25)

    def check(self) -> None:
        """Raise Stopped when the caller wants no more of it."""
        if self.stop():
            raise Stopped

    def gradient(self, stops: Sequence[tuple[float, Colour]], top: int, bottom: int) -> None:
        """Fill rows top..bottom with a vertical gradient; stops are (0..1, colour)."""
        top, bottom = max(0, top), min(self.height, bottom)
        if bottom <= top:
            return
        places = np.linspace(0, 1, bottom - top, dtype=np.float32)
        at = [place for place, _ in stops]
        column = np.stack([np.interp(places, at, [float(c[i]) for _, c in stops]) for i in range(3)], 1)
        self.pixels[top:bottom] = column[:, None, :].astype(np.float32)

    def cover(self, mask: Array, paint: Array, top: int = 0, left: int = 0) -> None:
        """Lay `paint` (a colour or pixels) over the canvas where `mask` (0..1) says, cut at the edges."""
        rows, columns = mask.shape[:2]
        y0, y1, x0, x1 = max(0, top), min(self.height, top + rows), max(0, left), min(self.width, left + columns)
        if y1 <= y0 or x1 <= x0:
            return
        part = mask[y0 - top : y1 - top, x0 - left : x1 - left, None]
        if paint.ndim == 3:
            paint = paint[y0 - top : y1 - top, x0 - left : x1 - left]
        area = self.pixels[y0:y1, x0:x1]
        area += (paint - area) * part

    def glow(
        self,
        x: float,
        y: float,
        radius: float,
        colour: Colour,
        strength: float,
        *,
        bottom: int | None = None,
        flat: float = 1.0,
    ) -> None:
        """Add light that fades with the distance from (x, y); worked out at a quarter of the size, it is smooth."""
        bottom = self.height if bottom is None else bottom
        if bottom < 4:
            return
        rows, columns = max(2, bottom // 4), max(2, self.width // 4)
        ys = (np.arange(rows, dtype=np.float32) + 0.5)[:, None] * (bottom / rows) - y
        xs = (np.arange(columns, dtype=np.float32) + 0.5)[None] * (self.width / columns) - x
        light = np.exp(-np.sqrt(xs * xs + (ys * flat) ** 2) / radius) * strength
        light = cv2.resize(light, (self.width, bottom), interpolation=cv2.INTER_LINEAR)[..., None]
        area = self.pixels[:bottom]
        area += (np.maximum(colour, area) - area) * np.minimum(light, 1.0)

    def disc(self, x: float, y: float, radius: float, colour: Array, strength: float = 1.0) -> None:
        side = int(radius + 2)
        ys, xs = np.mgrid[-side : side + 1, -side : side + 1].astype(np.float32)
        centre_x, centre_y = int(x), int(y)
        mask = np.clip(radius + 0.5 - np.hypot(xs - (x - centre_x), ys - (y - centre_y)), 0, 1) * strength
        self.cover(mask, colour, centre_y - side, centre_x - side)

    def halo(self, x: float, y: float, radius: float, colour: Colour, strength: float) -> None:
        """A small light around (x, y), gone at `radius`."""
        side = max(2, int(radius))
        ys, xs = np.mgrid[-side : side + 1, -side : side + 1].astype(np.float32) / side
        away = np.sqrt(xs * xs + ys * ys)
        mask = np.exp(-away * 4.2) * np.clip((1 - away) * 3, 0, 1) * strength
        self.cover(mask.astype(np.float32), colour, int(y) - side, int(x) - side)

    def silhouette(self, ridge: Array, upper: Colour, lower: Colour, span: float, bottom: int | None = None) -> None:
        """Fill from `ridge` (y of each column) down to `bottom`, from `upper` to `lower` over `span` rows."""
        bottom = self.height if bottom is None else min(self.height, bottom)
        top = max(0, int(ridge.min()) - 1)
        if bottom <= top:
            return
        depth = np.arange(top, bottom, dtype=np.float32)[:, None] - ridge[None, :].astype(np.float32)
        mask = np.clip(depth + 1, 0, 1)
        part = np.clip(depth / max(1.0, span), 0, 1)[..., None]
        self.cover(mask, upper + (lower - upper) * part, top)

    def mask(self, shapes: Sequence[Array], top: int, bottom: int) -> Array:
        """Rows top..bottom with 1 inside the polygons, 0 outside, soft between."""
        mask = np.zeros((bottom - top, self.width), np.uint8)
        for shape in shapes:
            cv2.fillPoly(mask, [np.round((shape - (0, top)) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        return mask.astype(np.float32) / 255

    def polygons(self, shapes: Sequence[Array], colour: Colour, strength: float = 1.0) -> None:
        """Fill polygons (float x, y points), softly edged, all in one colour."""
        if not shapes:
            return
        points = np.concatenate(shapes)
        left, top = np.floor(points.min(0)).astype(int) - 1
        right, bottom = np.ceil(points.max(0)).astype(int) + 2
        left, top, right, bottom = max(0, left), max(0, top), min(self.width, right), min(self.height, bottom)
        if right <= left or bottom <= top:
            return
        mask = np.zeros((bottom - top, right - left), np.uint8)
        for shape in shapes:
            fixed = np.round((shape - (left, top)) * 16).astype(np.int32)
            cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, 4)
        self.cover(mask.astype(np.float32) * (strength / 255), colour, int(top), int(left))
