"""Trees and grass drawn as flat shapes: whole woods at a distance, single trees near by."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas, Colour, mix, rgb
from .light import Light
from .noise import Array


def fir(x: float, y: float, height: float, rng: np.random.Generator) -> tuple[list[Array], list[Array], list[Array]]:
    """Polygons of a fir that stands at (x, y): (all of it, its shaded half, the snow on its branches)."""
    tiers = int(rng.integers(4, 6))
    half = height * rng.uniform(0.22, 0.28)
    whole, shade, snow = [], [], []
    trunk = height * 0.035
    whole.append(
        np.array([(x - trunk, y), (x + trunk, y), (x + trunk, y - height * 0.14), (x - trunk, y - height * 0.14)])
    )
    for tier in range(tiers):
        low = y - height * (0.08 + 0.80 * tier / tiers)
        top = y - height * min(1.0, 0.08 + 0.80 * (tier + 1.75) / tiers)
        wide = half * (1 - tier / tiers) ** 0.85 * rng.uniform(0.92, 1.08) + height * 0.02
        sag = height * 0.035
        whole.append(
            np.array(
                [
                    (x, top),
                    (x + wide, low),
                    (x + wide * 0.45, low - sag),
                    (x, low),
                    (x - wide * 0.45, low - sag),
                    (x - wide, low),
                ]
            )
        )
        shade.append(np.array([(x, top), (x + wide, low), (x + wide * 0.45, low - sag), (x + wide * 0.1, low)]))
        high = top + (low - top) * 0.40
        snow.append(
            np.array(
                [
                    (x, top),
                    (x + wide * 0.42, high),
                    (x + wide * 0.25, high - sag),
                    (x, high + sag * 0.5),
                    (x - wide * 0.3, high - sag),
                    (x - wide * 0.42, high),
                ]
            )
        )
    return whole, shade, snow


def firs(
    canvas: Canvas,
    rng: np.random.Generator,
    spots: list[tuple[float, float, float]],
    colour: Colour,
    light: Light,
    *,
    snow: float = 0.0,
) -> None:
    """Firs at (x, y, height), each row of spots in one colour; `snow` 0..1 is how white their branches are."""
    wholes, shades, snows = [], [], []
    for x, y, height in spots:
        whole, shade, white = fir(x, y, height, rng)
        wholes += whole
        shades += shade
        snows += white
    canvas.polygons(wholes, colour)
    canvas.polygons(shades, colour * 0.78, 0.9)
    if snow:
        canvas.polygons(snows, light.lit(rgb("#f3f8ff")), snow)


def row(rng: np.random.Generator, ridge: Array, height: float, spacing: float) -> list[tuple[float, float, float]]:
    """Spots for a row of trees along a ridge (y of each column)."""
    spots = []
    x = -height * 0.2
    while x < len(ridge) + height * 0.2:
        y = float(ridge[int(np.clip(x, 0, len(ridge) - 1))])
        spots.append((x, y + height * 0.06, height * rng.uniform(0.65, 1.15)))
        x += spacing * rng.uniform(0.5, 1.4)
    return spots


def broadleaf(
    canvas: Canvas, rng: np.random.Generator, x: float, y: float, height: float, leaf: Colour, bark: Colour
) -> None:
    """A leafy tree: trunk, and a crown of round masses in three tones."""
    w = height * 0.035
    canvas.polygons(
        [
            np.array(
                [(x - w * 1.3, y), (x + w * 1.3, y), (x + w * 0.7, y - height * 0.5), (x - w * 0.7, y - height * 0.5)]
            ),
            np.array(
                [
                    (x, y - height * 0.3),
                    (x + w * 0.6, y - height * 0.3),
                    (x + height * 0.14, y - height * 0.52),
                    (x + height * 0.11, y - height * 0.53),
                ]
            ),
        ],
        bark,
    )
    masses = [
        (rng.normal(0, 0.13) * height, -height * (0.42 + 0.42 * rng.random()), height * rng.uniform(0.13, 0.21))
        for _ in range(9)
    ]
    for tone, shift, size in ((0.80, 0.03, 1.0), (1.0, 0.0, 0.92), (1.18, -0.05, 0.55)):
        for dx, dy, radius in masses:
            canvas.disc(
                x + dx + shift * height * 0.6, y + dy + shift * height, radius * size, np.clip(leaf * tone, 0, 1), 1.0
            )


def bushes(canvas: Canvas, rng: np.random.Generator, ridge: Array, size: float, colour: Colour) -> None:
    """A far wood of round crowns along a ridge."""
    shapes = []
    angles = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    x = -size
    while x < len(ridge) + size:
        y = float(ridge[int(np.clip(x, 0, len(ridge) - 1))])
        radius = size * rng.uniform(0.5, 1.05)
        shapes.append(np.stack([x + np.cos(angles) * radius, y - radius * 0.4 + np.sin(angles) * radius], 1))
        x += size * rng.uniform(0.45, 0.95)
    canvas.polygons(shapes, colour)


def grass(
    canvas: Canvas, rng: np.random.Generator, top: float, bottom: float, colour: Colour, *, many: float = 1.0
) -> None:
    """Tufts of grass, larger the nearer they are, in darker and lighter greens of `colour`."""
    count = int(min(420, 150 * many * canvas.width / canvas.unit))
    near = np.sort(rng.random(count))
    groups: tuple[list[Array], list[Array]] = ([], [])
    for part in near:
        y = top + (bottom - top) * part
        size = canvas.unit * (0.006 + 0.022 * part) * rng.uniform(0.7, 1.3)
        x = rng.random() * canvas.width
        for _ in range(int(rng.integers(3, 6))):
            lean, wide = rng.normal(0, 0.45) * size, size * 0.13
            base = x + rng.normal(0, 0.35) * size
            groups[int(rng.random() < 0.45)].append(
                np.array(
                    [
                        (base - wide, y),
                        (base + wide, y),
                        (base + lean * 0.4 + wide * 0.4, y - size * 0.6),
                        (base + lean, y - size * rng.uniform(0.8, 1.25)),
                    ]
                )
            )
    canvas.polygons(groups[0], colour * 0.80, 0.8)
    canvas.polygons(groups[1], np.clip(colour * 1.2, 0, 1), 0.7)


def flowers(
    canvas: Canvas,
    rng: np.random.Generator,
    top: float,
    bottom: float,
    colours: list[Colour],
    stem: Colour,
    *,
    many: float = 1.0,
) -> None:
    """A meadow of small flowers: dots far away, petals near by."""
    count = int(min(500, 190 * many * canvas.width / canvas.unit))
    patches = rng.random((7, 2))
    for part in np.sort(rng.random(count) ** 0.8):
        y = top + (bottom - top) * part
        patch = patches[int(rng.integers(len(patches)))]
        x = (patch[0] + rng.normal(0, 0.16)) % 1.0 * canvas.width
        size = canvas.unit * (0.0022 + 0.0085 * part * part) * rng.uniform(0.8, 1.25)
        colour = colours[int(rng.integers(len(colours)))]
        if size > 4:
            canvas.polygons(
                [
                    np.array(
                        [
                            (x - size * 0.12, y + size * 3.2),
                            (x + size * 0.12, y + size * 3.2),
                            (x + size * 0.12, y),
                            (x - size * 0.12, y),
                        ]
                    )
                ],
                stem,
            )
            for petal in range(5):
                angle = petal * 1.2566 + x
                canvas.disc(x + np.cos(angle) * size * 0.62, y + np.sin(angle) * size * 0.5, size * 0.52, colour)
            canvas.disc(x, y, size * 0.38, mix(rgb("#ffd447"), colour, 0.1))
        else:
            canvas.disc(x, y, max(0.7, size), colour, 0.95)
