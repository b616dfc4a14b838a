"""Land: mountains, hills, woods, snow, dunes and fields, each as flat layers that fade into the haze."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from . import plants
from .canvas import Canvas, Colour, luminance, mix, rgb
from .light import Light
from .noise import Array, Dice, fbm, line, smoothstep
from .reading import Scene
from .stage import Stage


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
        _wood(canvas, rng, light, base, rgb("#3f5f70"), snow=0.5)
    elif kind == "forest":
        mountains(canvas, rng, light, sun_x, rock=rgb("#4f7a6d"), layers=2, height=0.26, snow=0.0, base=base)
        _wood(canvas, rng, light, base, rgb("#2f5d4a"))
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


def _wood(
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
    import cv2

    tone = (smoothstep(0.35, 0.45, field) * 0.5 + smoothstep(0.55, 0.62, field) * 0.5 - 0.5) * 2 * strength
    canvas.pixels[top:] *= 1 + cv2.resize(tone, (canvas.width, rows))[..., None]


def paint_mountain(canvas: Canvas, scene: Scene, light: Light, dice: Dice, sun_x: float) -> Stage:
    rng = dice.of("mountain")
    rock = rgb(("#5f7596", "#6b6f94", "#6d7a86")[int(rng.integers(3))])
    mountains(canvas, rng, light, sun_x, rock=rock, snow=0.55, height=0.50)
    if scene.backdrop == "forest":
        _wood(canvas, rng, light, canvas.horizon, rgb("#2f5d4a"))
    edge = canvas.unit * 0.05
    greens = [rgb("#7fa583"), rgb("#6c9d68"), rgb("#5c9156")]
    ridges = hills(
        canvas,
        rng,
        light,
        greens,
        canvas.horizon - edge * 0.6,
        canvas.horizon + (canvas.height - canvas.horizon) * 0.42,
        height=0.10,
    )
    _trees_on(canvas, rng, light, ridges[0], 0.06, 0.3)
    _trees_on(canvas, rng, light, ridges[1], 0.11, 0.1)
    near = light.lit(rgb("#5c9156"))
    if rng.random() < 0.55:
        water_colour = mix(light.sky[2], light.lit(rgb("#4aa3c4")), 0.45)
        _winding(canvas, rng, ridges[2], water_colour, mix(near, rgb("#2a3f2a"), 0.35), 0.11)
    ground_texture(canvas, rng, int(canvas.horizon + (canvas.height - canvas.horizon) * 0.5), 0.05)
    plants.grass(canvas, rng, canvas.horizon + (canvas.height - canvas.horizon) * 0.55, canvas.height, near)
    plants.flowers(
        canvas,
        rng,
        canvas.horizon + (canvas.height - canvas.horizon) * 0.6,
        canvas.height * 1.0,
        [light.lit(c) for c in (rgb("#ffffff"), rgb("#ffd95a"), rgb("#e58fc1"))],
        near * 0.8,
        many=0.35,
    )
    return _stage(canvas, 0.42)


def _winding(canvas: Canvas, rng: np.random.Generator, ridge: Array, colour: Colour, edge: Colour, wide: float) -> None:
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


def _trees_on(
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


def paint_snow(canvas: Canvas, scene: Scene, light: Light, dice: Dice, sun_x: float) -> Stage:
    rng = dice.of("snow")
    mountains(canvas, rng, light, sun_x, rock=rgb("#7d95bd"), snow=1.1, height=0.40)
    _wood(canvas, rng, light, canvas.horizon + canvas.unit * 0.005, rgb("#3d6273"), snow=0.55)
    white = [rgb("#cfdcf0"), rgb("#dfe9f7"), rgb("#eef4fc"), rgb("#f8fbff")]
    depth = canvas.height - canvas.horizon
    ridges = hills(canvas, rng, light, white, canvas.horizon, canvas.horizon + depth * 0.55, height=0.07)
    _trees_on(canvas, rng, light, ridges[1], 0.13, 0.22, snow=0.85)
    hills(canvas, rng, light, white[2:], canvas.horizon + depth * 0.32, canvas.horizon + depth * 0.6, height=0.06)
    _trees_on(canvas, rng, light, ridges[3] - depth * 0.05, 0.26, 0.05, snow=0.9)
    # Blue hollows in the near snow.
    ground_texture(canvas, rng, int(canvas.horizon + depth * 0.5), 0.025)
    return _stage(canvas, 0.45, shadow=0.30)


def paint_forest(canvas: Canvas, scene: Scene, light: Light, dice: Dice, sun_x: float) -> Stage:
    """Woods in depth: pale rows of trees behind, a clearing, great trees at both sides, shafts of light."""
    rng = dice.of("forest")
    depth = canvas.height - canvas.horizon
    if scene.backdrop == "mountain":
        mountains(canvas, rng, light, sun_x, rock=rgb("#5f7f8f"), snow=0.4, height=0.5)
    green = rgb(("#2f6b4a", "#3d7350", "#2c6355")[int(rng.integers(3))])
    for i in range(4):
        near = i / 3
        base = canvas.horizon + depth * 0.10 * near
        tone = mix(light.lit(green), light.haze, 0.80 - 0.62 * near)
        ridge = base - canvas.unit * 0.05 * line(rng, canvas.width, cells=2.5, octaves=3, rough=0.3)
        canvas.silhouette(ridge, tone, tone, 10, int(base + canvas.unit * 0.1))
        height = min(canvas.horizon * 0.9, canvas.unit * (0.34 - 0.04 * near))
        plants.firs(canvas, rng, plants.row(rng, ridge, height, height * (0.22 + 0.05 * near)), tone, light)
    floor = [mix(green, rgb("#8fc46a"), 0.55), mix(green, rgb("#86bd60"), 0.42), mix(green, rgb("#6aa850"), 0.30)]
    hills(canvas, rng, light, floor, canvas.horizon + depth * 0.10, canvas.horizon + depth * 0.5, height=0.04)
    ground_texture(canvas, rng, int(canvas.horizon + depth * 0.35), 0.07)
    _shafts(canvas, rng, light, sun_x)
    grass = light.lit(floor[-1])
    plants.grass(canvas, rng, canvas.horizon + depth * 0.3, canvas.height, grass, many=1.5)
    tone = light.lit(mix(green, rgb("#1f4a38"), 0.5))
    spots = []
    for side in (0.0, 1.0):
        for rank in range(3):
            x = (side + (1 - 2 * side) * (rng.uniform(-0.05, 0.05) + 0.10 * (2 - rank))) * canvas.width
            spots.append(
                (
                    x,
                    canvas.horizon + depth * (0.18 + 0.17 * rank),
                    min(canvas.height * 0.7, canvas.unit * (0.44 + 0.12 * rank)),
                )
            )
    plants.firs(canvas, rng, sorted(spots, key=lambda spot: spot[1]), tone, light)
    plants.flowers(
        canvas,
        rng,
        canvas.horizon + depth * 0.5,
        canvas.height,
        [light.lit(c) for c in (rgb("#ffffff"), rgb("#f6d6ff"), rgb("#ffe28a"))],
        grass * 0.7,
        many=0.3,
    )
    return _stage(canvas, 0.34)


def _shafts(canvas: Canvas, rng: np.random.Generator, light: Light, sun_x: float) -> None:
    strength = light.glow * light.disc * 0.30
    if strength < 0.05:
        return
    shapes = []
    for _ in range(5):
        start, lean = sun_x + rng.normal(0, 0.10) * canvas.width, rng.normal(0, 0.35) * canvas.unit
        wide = canvas.unit * rng.uniform(0.02, 0.06)
        low = canvas.horizon + (canvas.height - canvas.horizon) * 0.5
        shapes.append(
            np.array(
                [
                    (start - wide * 0.3, 0),
                    (start + wide * 0.3, 0),
                    (start + lean + wide * 1.6, low),
                    (start + lean - wide * 1.6, low),
                ]
            )
        )
    for shape in shapes:
        canvas.polygons([shape], mix(light.sun, rgb("#ffffff"), 0.2), strength * 0.5)


def paint_desert(canvas: Canvas, scene: Scene, light: Light, dice: Dice, sun_x: float) -> Stage:
    """Dunes with a sharp crest between their lit and their shaded side; now and then mesas on the horizon."""
    rng = dice.of("desert")
    depth = canvas.height - canvas.horizon
    if rng.random() < 0.6:
        _mesas(canvas, rng, light)
    else:
        mountains(canvas, rng, light, sun_x, rock=rgb("#b98a77"), snow=0.0, height=0.18, layers=2)
    sand = [rgb("#e9b97c"), rgb("#e6ae6a"), rgb("#e2a35a"), rgb("#dd9a4e")]
    for i, colour in enumerate(sand):
        near = i / (len(sand) - 1)
        y = canvas.horizon + depth * (0.02 + 0.50 * near**1.3)
        rise = canvas.unit * (0.05 + 0.11 * near)
        ridge = y + rise * (
            0.5
            - line(
                rng, canvas.width, cells=canvas.width / canvas.unit * (1.6 - 0.7 * near) + 0.5, octaves=2, rough=0.25
            )
        )
        _dune(canvas, rng, ridge, mix(light.lit(colour), light.haze, 0.42 * (1 - near)), light, sun_x, rise)
    ground_texture(canvas, rng, int(canvas.horizon + depth * 0.55), 0.02)
    _ripples(canvas, rng, canvas.horizon + depth * 0.55)
    return _stage(canvas, 0.45)


def _dune(
    canvas: Canvas, rng: np.random.Generator, ridge: Array, tone: Colour, light: Light, sun_x: float, rise: float
) -> None:
    top = max(0, int(ridge.min()) - 1)
    rows = canvas.height - top
    if rows < 2:
        return
    depth = np.arange(top, canvas.height, dtype=np.float32)[:, None] - ridge[None].astype(np.float32)
    side = np.gradient(ridge).astype(np.float32) * (1 if sun_x > canvas.width / 2 else -1)
    width = max(3, int(canvas.unit * 0.03) | 1)
    side = np.convolve(np.pad(side, width // 2, mode="edge"), np.ones(width) / width, "valid").astype(np.float32)
    # The crest runs from the top of the dune towards us in an S.
    drop = np.clip(depth / (rise * 2.2), 0, 1.6)
    lean = (np.sin(drop * 2.6) * 0.55 + drop * 0.5) * rise * (1 if sun_x > canvas.width / 2 else -1)
    index = np.clip(np.arange(canvas.width)[None] + lean.astype(int), 0, canvas.width - 1)
    shaded = smoothstep(0.012, 0.03, -side[index]) * (1 - smoothstep(0.5, 1.5, drop))
    lit = np.clip(mix(tone, light.sun, 0.18 * float(luminance(light.ambient))), 0, 1)
    fall = np.clip(depth / (canvas.unit * 0.3), 0, 1)[..., None]
    paint = lit + (tone * 0.92 - lit) * fall
    dark = mix(tone * 0.66, light.sky[1], 0.14)
    paint += (dark - paint) * (shaded * 0.85)[..., None]
    canvas.cover(np.clip(depth + 1, 0, 1), paint.astype(np.float32), top)


def _mesas(canvas: Canvas, rng: np.random.Generator, light: Light) -> None:
    for layer in range(2):
        tone = mix(light.lit(rgb("#b8643f")), light.haze, 0.62 - 0.25 * layer)
        for _ in range(max(2, round(2 * canvas.width / canvas.unit))):
            x, wide = rng.random() * canvas.width, canvas.unit * rng.uniform(0.08, 0.24)
            tall = min(canvas.horizon * 0.7, canvas.unit * rng.uniform(0.07, 0.2) * (1.2 - 0.3 * layer))
            y = canvas.horizon + canvas.unit * 0.03
            steps = np.array(
                [(-0.75, 0), (-0.6, 0.35), (-0.5, 0.4), (-0.46, 1), (0.40, 1), (0.46, 0.45), (0.6, 0.4), (0.75, 0)]
            )
            shape = np.stack([x + steps[:, 0] * wide, y - steps[:, 1] * tall], 1)
            canvas.polygons([shape], tone)
            shade = np.array([(0.12, 1), (0.40, 1), (0.46, 0.45), (0.6, 0.4), (0.75, 0), (0.2, 0)])
            canvas.polygons([np.stack([x + shade[:, 0] * wide, y - shade[:, 1] * tall], 1)], tone * 0.8, 0.8)
            for band in (0.62, 0.82):
                canvas.polygons(
                    [
                        np.array(
                            [
                                (x - wide * 0.47, y - tall * band),
                                (x + wide * 0.42, y - tall * band),
                                (x + wide * 0.42, y - tall * (band - 0.05)),
                                (x - wide * 0.47, y - tall * (band - 0.05)),
                            ]
                        )
                    ],
                    tone * 0.85,
                    0.5,
                )


def _ripples(canvas: Canvas, rng: np.random.Generator, top: float) -> None:
    """Wind ripples in near sand."""
    start = int(top)
    rows = canvas.height - start
    if rows < 8:
        return
    ys = np.linspace(0.12, 1, rows, dtype=np.float32)[:, None]
    bend = fbm(rng, rows, canvas.width, cells=(2, 2), octaves=2)
    wave = np.sin(26 / ys + bend * 22)
    canvas.pixels[start:] *= 1 + (0.022 * wave * smoothstep(0.12, 0.5, ys))[..., None]


def paint_field(canvas: Canvas, scene: Scene, light: Light, dice: Dice, sun_x: float) -> Stage:
    """Rolling fields with hedges and trees, tilled stripes, and flowers in front."""
    rng = dice.of("field")
    depth = canvas.height - canvas.horizon
    if scene.backdrop and scene.backdrop not in ("field", "sea"):
        far_land(canvas, scene, light, dice, sun_x, scene.backdrop)
    elif rng.random() < 0.5:
        mountains(canvas, rng, light, sun_x, rock=rgb("#6f8aa6"), snow=0.25, height=0.22, layers=2)
    palettes = (
        ("#9cc98b", "#86bd6c", "#74b257", "#63a548"),
        ("#b5cf86", "#a3c56c", "#84b658", "#6ba64b"),
        ("#cfcf85", "#b4c56b", "#8dba5a", "#6eac4c"),
    )
    greens = [rgb(code) for code in palettes[int(rng.integers(len(palettes)))]]
    ridges = hills(
        canvas, rng, light, greens[:2], canvas.horizon - canvas.unit * 0.04, canvas.horizon + depth * 0.06, height=0.10
    )
    hedge = mix(light.lit(rgb("#4f8a4a")), light.haze, 0.35)
    _clumps(canvas, rng, ridges[1], 0.022, hedge)
    ridges += hills(
        canvas, rng, light, greens[2:], canvas.horizon + depth * 0.10, canvas.horizon + depth * 0.34, height=0.08
    )
    _stripes(canvas, rng, ridges[2], ridges[3], light, greens[3])
    near = light.lit(greens[3])
    for _ in range(max(2, round(2 * canvas.width / canvas.unit))):
        x = float(rng.choice([rng.uniform(0.0, 0.22), rng.uniform(0.78, 1.0)])) * canvas.width
        y = float(ridges[2][int(np.clip(x, 0, canvas.width - 1))]) + canvas.unit * 0.01
        plants.broadleaf(
            canvas,
            rng,
            x,
            y,
            min(canvas.horizon * 0.5, canvas.unit * rng.uniform(0.11, 0.2)),
            mix(light.lit(rgb("#5b9a4b")), light.haze, 0.15),
            light.lit(rgb("#6b4b35")),
        )
    if rng.random() < 0.5:
        _winding(canvas, rng, ridges[3], light.lit(rgb("#dcbf8c")), light.lit(rgb("#b08f5a")), 0.10)
    ground_texture(canvas, rng, int(canvas.horizon + depth * 0.5), 0.05)
    plants.grass(canvas, rng, canvas.horizon + depth * 0.42, canvas.height, near, many=1.4)
    beds = (
        ("#ff6b6b", "#ff8f5a", "#ffd95a"),
        ("#b58cff", "#8f7bff", "#ffffff"),
        ("#ffd95a", "#fff3c0", "#ffffff"),
        ("#ff8fc0", "#ffc2dd", "#ffffff"),
        ("#e94f4f", "#f26d5b", "#ffb199"),
    )
    colours = [light.lit(rgb(code)) for code in beds[int(rng.integers(len(beds)))]]
    plants.flowers(canvas, rng, canvas.horizon + depth * 0.38, canvas.height, colours, near * 0.75)
    return _stage(canvas, 0.38)


def _clumps(canvas: Canvas, rng: np.random.Generator, ridge: Array, size: float, colour: Colour) -> None:
    start = int(rng.uniform(0, 0.3) * canvas.width)
    while start < canvas.width - 8:
        end = min(canvas.width, start + int(canvas.unit * rng.uniform(0.1, 0.4)))
        part = ridge[start:end]
        if len(part) > 4:
            shapes = []
            angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
            x = 0.0
            while x < len(part):
                radius = canvas.unit * size * rng.uniform(0.5, 1.1)
                y = float(part[int(x)])
                shapes.append(
                    np.stack([start + x + np.cos(angles) * radius, y - radius * 0.5 + np.sin(angles) * radius], 1)
                )
                x += radius * rng.uniform(0.8, 1.6)
            canvas.polygons(shapes, colour)
        start = end + int(canvas.unit * rng.uniform(0.1, 0.5))


def _stripes(
    canvas: Canvas, rng: np.random.Generator, upper: Array, lower: Array, light: Light, colour: Colour
) -> None:
    """Tilled rows that run to a vanishing point, between two ridges."""
    top = max(0, int(upper.min()))
    bottom = min(canvas.height, int(lower.max()) + 2)
    if bottom - top < 4:
        return
    vanish_x, vanish_y = canvas.width * rng.uniform(0.2, 0.8), top - canvas.unit * 0.25
    ys, xs = np.mgrid[top:bottom, 0 : canvas.width].astype(np.float32)
    wave = np.sin((xs - vanish_x) / (ys - vanish_y) * 46)
    mask = smoothstep(-0.2, 0.2, wave) * np.clip(ys - upper[None] - 1, 0, 1) * np.clip(lower[None] - ys, 0, 1)
    canvas.cover(mask * 0.35, mix(light.lit(colour), light.lit(rgb("#e8dd7a")), 0.45), top)


def _stage(canvas: Canvas, far: float, *, shadow: float = 0.42) -> Stage:
    depth = canvas.height - canvas.horizon
    return Stage(
        ground=(canvas.horizon + depth * far, canvas.height - min(depth * 0.16, canvas.unit * 0.08)),
        air=(canvas.horizon * 0.08, canvas.horizon * 0.82),
        shadow=shadow,
    )
