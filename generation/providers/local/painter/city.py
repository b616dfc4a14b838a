"""Cities: a skyline in layers with lit windows, and a street to stand and drive on."""

from __future__ import annotations

import cv2
import numpy as np

from .canvas import Canvas, Colour, mix, rgb
from .light import Light
from .noise import Dice
from .scene import Scene
from .stage import Stage

_WALLS = ("#6f7fa8", "#8a86a8", "#a3808a", "#5f8aa0", "#b59a86", "#7d93b5")
_DARK_WALLS = ("#37376a", "#2d4270", "#4a3566", "#2b2f58", "#3d4a78", "#51406f")


def skyline(
    canvas: Canvas,
    rng: np.random.Generator,
    scene: Scene,
    light: Light,
    base: float,
    *,
    layers: int = 3,
    height: float = 0.62,
) -> None:
    """Towers that stand on `base`, pale behind and strong in front; windows are lit when it is dark."""
    evening = scene.time in ("night", "dusk", "sunset")
    neon = "neon" in scene.wonders
    walls = _DARK_WALLS if evening else _WALLS
    if evening:
        glow = rgb("#ff5fae") if neon else rgb("#ffb37a")
        for x in (0.25, 0.75):
            canvas.glow(
                canvas.width * x, base, canvas.unit * 0.30, mix(glow, light.sky[3], 0.35), 0.55, bottom=int(base)
            )
    for layer in range(layers):
        near = layer / max(1, layers - 1)
        x = -canvas.unit * 0.05
        while x < canvas.width:
            wide = canvas.unit * rng.uniform(0.05, 0.105) * (0.8 + 0.5 * near)
            tall = min(canvas.horizon * 0.92, canvas.unit * height * rng.uniform(0.38, 1.0) * (1 - 0.42 * near))
            wall = rgb(walls[int(rng.integers(len(walls)))])
            tone = wall * (0.75 + 0.25 * light.ambient) if evening else light.lit(wall)
            tone = mix(tone, light.haze, (0.66 if not evening else 0.5) * (1 - near) + 0.04)
            _tower(canvas, rng, x, base, wide, tall, tone, light, near, evening)
            if evening and near > 0.4 and rng.random() < (0.8 if neon else 0.16):
                _sign(canvas, rng, x + wide * rng.uniform(0.1, 0.75), base - tall * rng.uniform(0.45, 0.95), tall)
            x += wide * rng.uniform(0.92, 1.12)
        if near < 1:
            rows = int(canvas.unit * 0.3)
            fog = np.linspace(0, 0.30, rows, dtype=np.float32)[:, None] * np.ones((1, canvas.width), np.float32)
            canvas.cover(fog, light.haze, int(base) - rows)


def _sign(canvas: Canvas, rng: np.random.Generator, x: float, y: float, tall: float) -> None:
    """A neon sign: an upright bar with strokes on it, and its glow."""
    colour = rgb(("#ff3fa4", "#32e6ff", "#ffd23f", "#9b5bff", "#4dffa1")[int(rng.integers(5))])
    wide, long = canvas.unit * rng.uniform(0.012, 0.022), min(tall * 0.5, canvas.unit * rng.uniform(0.07, 0.16))
    canvas.halo(x + wide / 2, y + long / 2, long * 1.3, colour, 0.75)
    canvas.polygons([_box(x, y, x + wide, y + long)], colour * 0.35)
    rim = max(1.0, wide * 0.13)
    bars = [_box(x, y, x + wide, y + rim), _box(x, y + long - rim, x + wide, y + long)]
    bars += [_box(x, y, x + rim, y + long), _box(x + wide - rim, y, x + wide, y + long)]
    step = wide * 0.95
    for i in range(int((long - 2 * rim) / step)):
        top = y + rim * 2 + i * step
        bars.append(_box(x + wide * 0.28, top, x + wide * rng.uniform(0.55, 0.75), top + rim * 1.6))
        if rng.random() < 0.6:
            bars.append(_box(x + wide * 0.42, top, x + wide * 0.42 + rim * 1.4, top + step * 0.7))
    canvas.polygons(bars, mix(colour, rgb("#ffffff"), 0.35))


def _shops(canvas: Canvas, rng: np.random.Generator, light: Light, base: float, evening: bool) -> None:
    """Shop fronts along the street, with awnings and lit windows."""
    tall = min(canvas.unit * 0.085, canvas.horizon * 0.3)
    x = -canvas.unit * 0.03
    awnings = ("#d9534f", "#3f8f8a", "#e0a63f", "#5a6fb8", "#c7668f", "#6f9a5a")
    while x < canvas.width:
        wide = canvas.unit * rng.uniform(0.10, 0.17)
        wall = rgb(("#8a6f6a", "#6f7488", "#7d6f86", "#8a7d68")[int(rng.integers(4))])
        wall = wall * 0.45 if evening else light.lit(wall)
        canvas.polygons([_box(x, base - tall, x + wide, base + 2)], wall)
        glass = rgb("#ffd894") if evening else mix(light.sky[2], rgb("#5f7f9a"), 0.5)
        pane = _box(x + wide * 0.08, base - tall * 0.58, x + wide * 0.62, base - tall * 0.10)
        door = _box(x + wide * 0.70, base - tall * 0.60, x + wide * 0.90, base)
        canvas.polygons([pane], glass, 0.95)
        canvas.polygons([door], mix(glass, wall, 0.45), 0.95)
        if evening:
            canvas.halo(x + wide * 0.35, base - tall * 0.3, wide * 0.7, rgb("#ffc46b"), 0.40)
        awning = rgb(awnings[int(rng.integers(len(awnings)))]) * (0.62 if evening else 1.0)
        y0, y1 = base - tall * 0.80, base - tall * 0.56
        flap = np.array([(x + wide * 0.06, y0), (x + wide * 0.94, y0), (x + wide * 0.99, y1), (x + wide * 0.01, y1)])
        canvas.polygons([flap], awning if evening else light.lit(awning))
        stripes = []
        for i in range(0, 8, 2):
            a, b = i / 8, (i + 1) / 8
            stripes.append(
                np.array(
                    [
                        (x + wide * (0.06 + 0.88 * a), y0),
                        (x + wide * (0.06 + 0.88 * b), y0),
                        (x + wide * (0.01 + 0.98 * b), y1),
                        (x + wide * (0.01 + 0.98 * a), y1),
                    ]
                )
            )
        canvas.polygons(stripes, np.clip(awning * 1.35 + 0.08, 0, 1), 0.8)
        x += wide * rng.uniform(1.0, 1.04)


def _box(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])


def _tower(
    canvas: Canvas,
    rng: np.random.Generator,
    x: float,
    base: float,
    wide: float,
    tall: float,
    tone: Colour,
    light: Light,
    near: float,
    evening: bool,
) -> None:
    top = base - tall
    shapes = [_box(x, top, x + wide, base + 2)]
    roof = rng.random()
    if roof < 0.25:
        shapes.append(_box(x + wide * 0.2, top - tall * 0.07, x + wide * 0.8, top))
        shapes.append(_box(x + wide * 0.47, top - tall * 0.2, x + wide * 0.53, top))
    elif roof < 0.45:
        shapes.append(np.array([(x, top), (x + wide, top), (x + wide, top - wide * 0.45)]))
    elif roof < 0.6:
        shapes.append(np.array([(x, top), (x + wide, top), (x + wide * 0.5, top - wide * 0.6)]))
    elif roof < 0.72:
        shapes.append(_box(x + wide * 0.12, top - wide * 0.12, x + wide * 0.4, top))
    canvas.polygons(shapes, tone)
    canvas.polygons([_box(x + wide * 0.68, top, x + wide, base + 2)], tone * 0.86, 0.9)
    pitch = max(3.0, canvas.unit * (0.011 + 0.007 * near))
    columns, rows = int((wide - pitch * 0.6) / pitch), int((tall - pitch) / (pitch * 1.25))
    if columns < 1 or rows < 1:
        return
    lights = (rgb("#ffd98a"), rgb("#ffc46b"), rgb("#fff0c4"), rgb("#8fe3ff"), rgb("#ff9ecf"))
    bright: dict[int, list[np.ndarray]] = {}
    inset = (wide - columns * pitch) / 2
    on = rng.random((rows, columns))
    share = rng.uniform(0.25, 0.6)
    for r in range(rows):
        for c in range(columns):
            x0, y0 = x + inset + c * pitch + pitch * 0.2, top + pitch * 0.7 + r * pitch * 1.25
            pane = _box(x0, y0, x0 + pitch * 0.6, y0 + pitch * 0.75)
            which = int(on[r, c] * 997) % 12
            key = (
                (0 if which < 6 else 1 if which < 9 else 2 if which < 11 else 3) if evening and on[r, c] < share else -1
            )
            bright.setdefault(key, []).append(pane)
    for key in sorted(bright):
        if key < 0:
            glass = mix(tone, light.sky[2], 0.35) if not evening else tone * 0.82
            canvas.polygons(bright[key], glass, 0.55 + 0.3 * near)
        else:
            canvas.polygons(bright[key], lights[key], 0.55 + 0.42 * near)


def paint_city(canvas: Canvas, scene: Scene, light: Light, dice: Dice, sun_x: float) -> Stage:
    rng = dice.of("city")
    skyline(canvas, rng, scene, light, canvas.horizon, height=0.36 if "fireworks" in scene.wonders else 0.62)
    canvas.check()
    depth = canvas.height - canvas.horizon
    evening = scene.time in ("night", "dusk", "sunset")
    wet = scene.weather in ("rain", "storm")
    snowy = scene.weather == "snow" or scene.backdrop == "snow"
    pavement = light.lit(rgb("#b9b4bd") if not snowy else rgb("#eef3fb"))
    asphalt = light.lit(rgb("#5b5f70") if not snowy else rgb("#c9d3e2"))
    kerb = canvas.horizon + depth * 0.22
    road = canvas.horizon + depth * 0.30
    canvas.gradient([(0, pavement * 0.86), (1, pavement)], canvas.horizon, int(kerb))
    canvas.gradient([(0, pavement * 0.7), (1, pavement * 0.62)], int(kerb), int(road))
    canvas.gradient([(0, asphalt * 0.86), (1, asphalt * 1.1)], int(road), canvas.height)
    _shops(canvas, rng, light, canvas.horizon, evening)
    if evening or wet:
        _mirrored(canvas, light, 0.75 if wet else 0.40)
    stripe = light.lit(rgb("#f4f0dc"))
    y, thick = canvas.horizon + depth * 0.60, max(1.5, depth * 0.022)
    dash = canvas.unit * 0.16
    start = -rng.random() * dash
    while start < canvas.width:
        skew = depth * 0.02
        canvas.polygons(
            [
                np.array(
                    [
                        (start + skew, y),
                        (start + dash * 0.55 + skew, y),
                        (start + dash * 0.55 - skew, y + thick),
                        (start - skew, y + thick),
                    ]
                )
            ],
            stripe,
            0.75,
        )
        start += dash
    _lamps(canvas, rng, light, kerb, evening)
    return Stage(
        ground=(canvas.horizon + depth * 0.36, canvas.height - min(depth * 0.14, canvas.unit * 0.06)),
        air=(canvas.horizon * 0.08, canvas.horizon * 0.62),
        shadow=0.45,
    )


def _mirrored(canvas: Canvas, light: Light, strength: float) -> None:
    """The lights of the city on the street: long vertical smears."""
    top, rows = canvas.horizon, canvas.height - canvas.horizon
    take = min(top, rows)
    if take < 4:
        return
    flipped = canvas.pixels[top - take : top][::-1]
    smear = cv2.blur(flipped, (max(1, int(canvas.unit * 0.012)), max(1, int(canvas.unit * 0.10))))
    fade = np.linspace(1, 0.25, take, dtype=np.float32)[:, None, None] * strength
    area = canvas.pixels[top : top + take]
    area += (np.maximum(smear * 1.15, area) - area) * fade


def _lamps(canvas: Canvas, rng: np.random.Generator, light: Light, y: float, evening: bool) -> None:
    post = light.lit(rgb("#3d4254")) * (0.8 if evening else 1)
    step = canvas.unit * 0.46
    x = rng.uniform(0.1, 0.5) * step
    tall = min(canvas.unit * 0.26, canvas.horizon * 0.7)
    while x < canvas.width:
        w = canvas.unit * 0.0042
        canvas.polygons(
            [
                _box(x - w, y - tall, x + w, y),
                _box(x - w * 2.2, y - tall * 0.06, x + w * 2.2, y),
                _box(x - w, y - tall - w, x + tall * 0.16, y - tall + w),
                _box(x + tall * 0.09, y - tall, x + tall * 0.18, y - tall + w * 3),
            ],
            post,
        )
        if evening:
            lamp = x + tall * 0.135
            canvas.halo(lamp, y - tall + w * 4, canvas.unit * 0.10, rgb("#ffdf9a"), 0.65)
            canvas.disc(lamp, y - tall + w * 3.4, w * 2, rgb("#fff6d8"))
        x += step * rng.uniform(0.9, 1.15)
