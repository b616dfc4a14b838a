"""The shapes that landscapes are made of: ranges of mountains, hills, woods on the horizon, paths and streams."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

from . import plants
from .canvas import Canvas, Colour, luminance, mix, rgb
from .light import Light
from .noise import Array, Dice, fbm, line, smoothstep
from .scene import Scene


def mountains(
    canvas: Canvas,
    rng: np.random.Generator,
    light: Light,
    sun_x: float,
    *,
    rock: Colour,
    layers: int = 3,
    height: float = 0.42,
    snow: float = 0.6,
    base: float | None = None,
) -> None:
    """Ranges of mountains behind `base`, each peak with a lit and a shaded side, white from the top down by `snow`."""
    base = canvas.horizon if base is None else base
    tall = min(canvas.horizon * 0.80, canvas.unit * height)
    for layer in range(layers):
        near = layer / max(1, layers - 1) if layers > 1 else 1.0
        tone = mix(light.lit(rock), light.haze, 0.62 - 0.46 * near)
        _range(canvas, rng, light, tone, base, tall * (1.0 - 0.50 * near), near, sun_x, snow * (1 - 0.55 * near))


def _range(
    canvas: Canvas,
    rng: np.random.Generator,
    light: Light,
    tone: Colour,
    base: float,
    tall: float,
    near: float,
    sun_x: float,
    snow: float,
) -> None:
    """One range: peaks and passes in turn, a spine down from each peak where light and shade meet."""
    unit, foot = canvas.unit, base + canvas.unit * 0.04
    step = unit * (0.30 - 0.10 * near)
    x = -step * rng.uniform(0.2, 1.0)
    corners: list[tuple[float, float]] = []
    while x < canvas.width + step * 1.5:
        corners.append((x, base - tall * (0.45 + 0.55 * rng.random() ** 1.2)))
        x += step * rng.uniform(0.35, 0.62)
        corners.append((x, base - tall * rng.uniform(0.10, 0.36)))
        x += step * rng.uniform(0.35, 0.62)
    outline: list[tuple[float, float]] = []
    shades: list[Array] = []
    for i, (corner_x, corner_y) in enumerate(corners[:-1]):
        after = corners[i + 1]
        slope = _rugged(rng, (corner_x, corner_y), after, 0.07)
        outline += slope[:-1]
        shaded = (sun_x < (corner_x + after[0]) / 2) == (i % 2 == 0)
        peak, valley = ((corner_x, corner_y), after) if i % 2 == 0 else (after, (corner_x, corner_y))
        away = 1.0 if i % 2 == 0 else -1.0
        if shaded:
            # From the peak a spine wanders down a little to the lit side; shade lies between it and the pass.
            end = (peak[0] - away * step * rng.uniform(0.02, 0.20), foot)
            spine = _rugged(rng, peak, end, 0.16)
            ridge = slope if i % 2 == 0 else slope[::-1]
            floor = [(valley[0] + away * step * 0.06, foot)]
            shades.append(np.array(spine[::-1] + ridge + floor))
        else:
            # Spurs throw small shades on the lit side.
            for part in (0.30, 0.62):
                at = (peak[0] + (valley[0] - peak[0]) * part, peak[1] + (valley[1] - peak[1]) * part)
                drop = (foot - at[1]) * rng.uniform(0.25, 0.55)
                start = (at[0] - away * step * rng.uniform(0.03, 0.08), at[1] + drop * rng.uniform(0.15, 0.35))
                tip = (start[0] + away * step * rng.uniform(-0.03, 0.10), start[1] + drop)
                side = (start[0] + away * step * rng.uniform(0.05, 0.11), start[1] + drop * 0.45)
                shades.append(np.array([start, side, tip]))
    outline.append(corners[-1])
    xs, ys = np.array(outline).T
    ridge_line = np.interp(np.arange(canvas.width), xs, ys).astype(np.float32)
    top, bottom = max(0, int(ridge_line.min()) - 1), min(canvas.height, int(foot) + 1)
    if bottom - top < 2:
        return
    lit = np.clip(mix(tone, light.sun, 0.16 * float(luminance(light.ambient))), 0, 1)
    dark = mix(tone * 0.74, light.sky[0], 0.14)
    depth = np.arange(top, bottom, dtype=np.float32)[:, None] - ridge_line[None]
    shade = canvas.mask(shades, top, bottom)[..., None]
    paint = lit + (dark - lit) * shade
    if snow > 0:
        tongues = (line(rng, canvas.width, cells=22 * canvas.width / unit, octaves=3, rough=0.6) - 0.5) * tall * 0.34
        snow_line = base - tall + tall * snow * 0.62 + tongues
        rows = np.arange(top, bottom, dtype=np.float32)[:, None]
        white = mix(light.lit(rgb("#fcfdff")), light.haze, 0.10 + 0.14 * (1 - near))
        blue = mix(white, mix(light.lit(rgb("#8fabd8")), light.sky[1], 0.2), 0.62)
        paint += (white + (blue - white) * shade - paint) * np.clip(snow_line[None] - rows, 0, 1)[..., None]
    haze = smoothstep(0.15, 1.0, (np.arange(top, bottom, dtype=np.float32) - top) / (bottom - top))[:, None, None]
    paint += (light.haze - paint) * haze * (0.62 - 0.22 * near)
    canvas.cover(np.clip(depth + 1, 0, 1), paint.astype(np.float32), top)


def _rugged(
    rng: np.random.Generator, start: tuple[float, float], end: tuple[float, float], rough: float
) -> list[tuple[float, float]]:
    """A line from start to end, broken at its middle three times over, as rock is."""
    points = [start, end]
    for _ in range(3):
        finer = [points[0]]
        for (x0, y0), (x1, y1) in pairwise(points):
            sway = rng.uniform(-rough, rough)
            finer.append(((x0 + x1) / 2 + (y1 - y0) * sway, (y0 + y1) / 2 + (x1 - x0) * sway * 0.5))
            finer.append((x1, y1))
        points = finer
    return points


def hills(
    canvas: Canvas,
    rng: np.random.Generator,
    light: Light,
    colours: list[Colour],
    top: float,
    bottom: float,
    *,
    cells: float = 1.2,
    height: float = 0.10,
) -> list[Array]:
    """Rolling hills from far (`top`) to near (`bottom`), one for each colour; returns their ridges."""
    ridges = []
    for i, colour in enumerate(colours):
        near = i / max(1, len(colours) - 1)
        y = top + (bottom - top) * near**1.35
        rise = canvas.unit * height * (0.55 + 0.6 * near)
        ridge = y + rise * (
            0.5
            - line(
                rng,
                canvas.width,
                cells=cells * canvas.width / canvas.unit * (1.4 - 0.6 * near) + 0.6,
                octaves=3,
                rough=0.3,
            )
        )
        tone = mix(light.lit(colour), light.haze, 0.45 * (1 - near) ** 1.3)
        canvas.silhouette(
            ridge,
            np.clip(mix(tone, light.sun, 0.13 * float(luminance(light.ambient))), 0, 1),
            tone * 0.88,
            canvas.unit * 0.16,
        )
        ridges.append(ridge)
    return ridges


def far_land(
    canvas: Canvas, scene: Scene, light: Light, dice: Dice, sun_x: float, kind: str, base: float | None = None
) -> None:
    """What stands on the horizon behind another scenery."""
    rng = dice.of("far land")
    base = canvas.horizon if base is None else base
    edge = canvas.unit * 0.05
    if kind == "mountain":
        mountains(canvas, rng, light, sun_x, rock=rgb("#5f7596"), snow=0.5, base=base)
    elif kind == "snow":
        mountains(canvas, rng, light, sun_x, rock=rgb("#7f98bd"), snow=1.0, base=base)
        wood(canvas, rng, light, base, rgb("#3f5f70"), snow=0.5)
    elif kind == "forest":
        mountains(canvas, rng, light, sun_x, rock=rgb("#4f7a6d"), layers=2, height=0.26, snow=0.0, base=base)
        wood(canvas, rng, light, base, rgb("#2f5d4a"))
    elif kind == "desert":
        colours = [rgb("#d99a63"), rgb("#c98250")]
        hills(canvas, rng, light, colours, base - edge, base, height=0.12)
    elif kind == "city":
        from .city import skyline

        skyline(canvas, rng, scene, light, base, layers=2, height=0.34)
    elif kind == "field":
        hills(
            canvas,
            rng,
            light,
            [rgb("#86b98a"), rgb("#6fae66"), rgb("#5c9c58")],
            base - edge * 2,
            base - edge * 0.4,
            height=0.10,
        )
    else:
        ridge_colours = [rgb("#6f8fae"), rgb("#5b7f97")]
        for i, colour in enumerate(ridge_colours):
            ridge = (
                base
                + 2
                - canvas.unit
                * (0.085 - 0.03 * i)
                * line(rng, canvas.width, cells=1.7 * canvas.width / canvas.unit, octaves=5, rough=0.42) ** 1.4
            )
            canvas.silhouette(
                ridge,
                mix(light.lit(colour), light.haze, 0.6 - 0.2 * i),
                mix(light.lit(colour), light.haze, 0.72 - 0.2 * i),
                canvas.unit * 0.1,
                int(base + canvas.unit * 0.02),
            )


def wood(
    canvas: Canvas,
    rng: np.random.Generator,
    light: Light,
    base: float,
    colour: Colour,
    *,
    snow: float = 0.0,
    rows: int = 2,
) -> None:
    for i in range(rows):
        near = i / max(1, rows - 1)
        ridge = (
            base
            + canvas.unit * 0.012
            - canvas.unit * (0.05 * (1 - near) + 0.02) * line(rng, canvas.width, cells=2.0, octaves=3, rough=0.3)
        )
        tone = mix(light.lit(colour), light.haze, 0.48 - 0.28 * near)
        canvas.silhouette(ridge, tone, tone, 10, int(base + canvas.unit * 0.03))
        height = canvas.unit * (0.085 + 0.035 * near)
        plants.firs(canvas, rng, plants.row(rng, ridge, height, height * 0.30), tone, light, snow=snow * 0.8)


def ground_texture(canvas: Canvas, rng: np.random.Generator, top: int, strength: float) -> None:
    """Soft patches of lighter and darker ground, flat as seen from a low eye."""
    rows = canvas.height - top
    if rows < 4:
        return
    field = fbm(
        rng, max(4, rows // 2), max(4, canvas.width // 2), cells=(5, 2.5 * canvas.width / canvas.unit), octaves=4
    )

    tone = (smoothstep(0.35, 0.45, field) * 0.5 + smoothstep(0.55, 0.62, field) * 0.5 - 0.5) * 2 * strength
    canvas.pixels[top:] *= 1 + cv2.resize(tone, (canvas.width, rows))[..., None]


def winding(canvas: Canvas, rng: np.random.Generator, ridge: Array, colour: Colour, edge: Colour, wide: float) -> None:
    """A path or a stream that comes towards us from a ridge, in bends that widen."""
    start_x = canvas.width * rng.uniform(0.35, 0.65)
    start_y = float(ridge[int(start_x)]) + 1
    part = np.linspace(0, 1, 60)
    ys = start_y + (canvas.height + 2 - start_y) * part**1.15
    sway = canvas.unit * rng.choice([-1, 1]) * (0.03 + 0.17 * part)
    xs = start_x + sway * np.sin(part**0.8 * rng.uniform(6.0, 8.0))
    half = canvas.unit * (0.003 + wide * part**1.5)
    for tone, extra in ((edge, 1.18), (colour, 1.0)):
        sides = [np.stack([xs - half * extra, ys], 1), np.stack([xs + half * extra, ys], 1)[::-1]]
        canvas.polygons([np.concatenate(sides)], tone, 0.95)
    shine = [np.stack([xs - half * 0.45, ys], 1), np.stack([xs - half * 0.05, ys], 1)[::-1]]
    canvas.polygons([np.concatenate(shine)], np.clip(colour * 1.12, 0, 1), 0.5)


def trees_on(
    canvas: Canvas, rng: np.random.Generator, light: Light, ridge: Array, size: float, haze: float, *, snow: float = 0.0
) -> None:
    """Clumps of firs on a ridge, leaving the middle of the picture open."""
    colour = mix(light.lit(rgb("#2f5d46")), light.haze, haze)
    spots = []
    for side in (0.0, 1.0):
        for _ in range(int(rng.integers(6, 11) * max(1.0, canvas.width / canvas.unit * 0.7))):
            x = abs(side - abs(rng.normal(0, 0.13))) * canvas.width
            y = float(ridge[int(np.clip(x, 0, canvas.width - 1))])
            spots.append(
                (x, y + canvas.unit * size * rng.uniform(0.05, 0.5), canvas.unit * size * rng.uniform(0.7, 1.3))
            )
    plants.firs(canvas, rng, sorted(spots, key=lambda spot: spot[1]), colour, light, snow=snow)
