"""Landscapes: mountains, snow, forest, desert and field, each as flat layers that fade into the haze."""

from __future__ import annotations

import numpy as np

from . import plants
from .canvas import Canvas, Colour, luminance, mix, rgb
from .light import Light
from .noise import Array, Dice, fbm, line, smoothstep
from .relief import far_land, ground_texture, hills, mountains, trees_on, winding, wood
from .scene import Scene
from .stage import Stage


def paint_mountain(canvas: Canvas, scene: Scene, light: Light, dice: Dice, sun_x: float) -> Stage:
    rng = dice.of("mountain")
    rock = rgb(("#5f7596", "#6b6f94", "#6d7a86")[int(rng.integers(3))])
    mountains(canvas, rng, light, sun_x, rock=rock, snow=0.55, height=0.50)
    if scene.backdrop == "forest":
        wood(canvas, rng, light, canvas.horizon, rgb("#2f5d4a"))
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
    trees_on(canvas, rng, light, ridges[0], 0.06, 0.3)
    trees_on(canvas, rng, light, ridges[1], 0.11, 0.1)
    near = light.lit(rgb("#5c9156"))
    if rng.random() < 0.55:
        water_colour = mix(light.sky[2], light.lit(rgb("#4aa3c4")), 0.45)
        winding(canvas, rng, ridges[2], water_colour, mix(near, rgb("#2a3f2a"), 0.35), 0.11)
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


def paint_snow(canvas: Canvas, scene: Scene, light: Light, dice: Dice, sun_x: float) -> Stage:
    rng = dice.of("snow")
    mountains(canvas, rng, light, sun_x, rock=rgb("#7d95bd"), snow=1.1, height=0.40)
    wood(canvas, rng, light, canvas.horizon + canvas.unit * 0.005, rgb("#3d6273"), snow=0.55)
    white = [rgb("#cfdcf0"), rgb("#dfe9f7"), rgb("#eef4fc"), rgb("#f8fbff")]
    depth = canvas.height - canvas.horizon
    ridges = hills(canvas, rng, light, white, canvas.horizon, canvas.horizon + depth * 0.55, height=0.07)
    trees_on(canvas, rng, light, ridges[1], 0.13, 0.22, snow=0.85)
    hills(canvas, rng, light, white[2:], canvas.horizon + depth * 0.32, canvas.horizon + depth * 0.6, height=0.06)
    trees_on(canvas, rng, light, ridges[3] - depth * 0.05, 0.26, 0.05, snow=0.9)
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
        winding(canvas, rng, ridges[3], light.lit(rgb("#dcbf8c")), light.lit(rgb("#b08f5a")), 0.10)
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
