"""Indoors: a table before a wall with a window, for food and things that lie about."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas, mix, rgb
from .light import Light
from .noise import Dice, fbm, smoothstep
from .scene import Scene
from .stage import Stage

_WALLS = (
    ("#f3dfc6", "#e2b48c"),
    ("#cfe3dc", "#8fb8ae"),
    ("#f2cfc8", "#d39a96"),
    ("#d7d9ee", "#9a9fcb"),
    ("#f4e6b8", "#dcbd76"),
)
_WOODS = (("#c98d5a", "#9a6238"), ("#a8714a", "#77482b"), ("#deb583", "#b58752"))


def paint_table(canvas: Canvas, scene: Scene, light: Light, dice: Dice, sun_x: float) -> Stage:
    rng = dice.of("table")
    # A room is lit warmly whatever the hour; the window shows the hour.
    inside = mix(light.ambient, np.array((1.0, 0.93, 0.84), np.float32), 0.65)
    pale, dark = (rgb(code) * inside for code in _WALLS[int(rng.integers(len(_WALLS)))])
    y = canvas.horizon
    canvas.gradient([(0, pale * 0.94), (1, pale)], 0, y)
    canvas.glow(sun_x, y * 0.4, canvas.unit * 0.5, mix(pale, rgb("#ffffff"), 0.5), 0.5, bottom=y)
    _window(canvas, rng, scene, light, sun_x, pale, dice)
    if rng.random() < 0.5:
        _garland(canvas, rng, dark)
    else:
        _lamps(canvas, rng, sun_x, dark)
    _shelf(canvas, rng, light, canvas.width - sun_x, pale, dark)
    wood, grain = (rgb(code) * inside for code in _WOODS[int(rng.integers(len(_WOODS)))])
    rows = canvas.height - y
    canvas.gradient([(0, wood * 1.08), (1, wood * 0.84)], y, canvas.height)
    _planks(canvas, rng, y, grain)
    canvas.gradient([(0, wood * 0.6), (1, wood * 0.72)], y, y + max(2, round(canvas.unit * 0.006)))
    # The window's light lies on the table.
    depth = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    xs = np.arange(canvas.width, dtype=np.float32)[None]
    shift = (0.5 * canvas.width - sun_x) * 0.5
    patch = (
        np.exp(-(((xs - sun_x - shift * depth) / (canvas.unit * 0.34)) ** 2))
        * smoothstep(0, 0.2, depth)
        * (1 - depth * 0.6)
    )
    canvas.cover((patch * 0.30).astype(np.float32), mix(wood, rgb("#fff2d8"), 0.8), y)
    _cloth(canvas, rng, canvas.width - sun_x, y + rows * 0.52, pale, dark)
    return Stage(
        close=1.35,
        ground=(y + rows * 0.30, canvas.height - min(rows * 0.22, canvas.unit * 0.10)),
        air=(y * 0.1, y * 0.8),
        shadow=0.42,
    )


def _window(
    canvas: Canvas, rng: np.random.Generator, scene: Scene, light: Light, x: float, wall: np.ndarray, dice: Dice
) -> None:
    wide, tall = min(canvas.unit * 0.42, canvas.width * 0.6), min(canvas.unit * 0.44, canvas.horizon * 0.66)
    x = float(np.clip(x, wide * 0.62, canvas.width - wide * 0.62))
    left, top = int(x - wide / 2), int(canvas.horizon * 0.14)
    right, bottom = int(x + wide / 2), int(top + tall)
    frame = mix(wall, rgb("#ffffff"), 0.6)
    f = max(2, round(canvas.unit * 0.014))

    def box(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
        return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])

    canvas.polygons([box(left - f * 1.2, top - f * 1.2, right + f * 2.2, bottom + f * 2.2)], wall * 0.82, 0.6)
    canvas.polygons([box(left - f, top - f, right + f, bottom + f)], frame)
    rows, columns = bottom - top, right - left
    if rows < 2 or columns < 2:
        return
    part = np.linspace(0, 1, rows, dtype=np.float32)
    sky = np.stack([np.interp(part, (0, 0.4, 0.8, 1), [float(colour[i]) for colour in light.sky]) for i in range(3)], 1)
    canvas.cover(
        np.ones((rows, columns), np.float32), np.repeat(sky[:, None, :].astype(np.float32), columns, 1), top, left
    )
    hill = bottom - rows * 0.26 * (0.5 + 0.5 * np.sin(np.linspace(0.4, 3.4, columns)))
    ys = np.arange(top, bottom, dtype=np.float32)[:, None]
    canvas.cover(
        np.clip(ys - hill[None].astype(np.float32), 0, 1), mix(light.lit(rgb("#7fae78")), light.haze, 0.35), top, left
    )
    middle = (left + right) / 2
    bars = [
        box(middle - f * 0.35, top, middle + f * 0.35, bottom),
        box(left, top + tall * 0.42, right, top + tall * 0.42 + f * 0.7),
    ]
    canvas.polygons(bars, frame)
    canvas.polygons([box(left - f * 2, bottom + f, right + f * 2, bottom + f * 2.2)], frame * 0.95)


def _shelf(
    canvas: Canvas, rng: np.random.Generator, light: Light, x: float, pale: np.ndarray, dark: np.ndarray
) -> None:
    """A shelf with books and a plant, on the side without a window."""
    wide, y = canvas.unit * 0.36, canvas.horizon * 0.46
    if canvas.width < wide * 2.2 or canvas.horizon < canvas.unit * 0.35:
        return
    board = dark * 0.80
    thick = canvas.unit * 0.014
    box = np.array([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)])
    canvas.polygons([box * (wide, thick * 2.2) + (x - wide / 2, y + thick)], dark * 0.9, 0.25)
    at = x - wide * 0.44
    while at < x + wide * 0.12:
        w, h = canvas.unit * rng.uniform(0.014, 0.030), canvas.unit * rng.uniform(0.075, 0.12)
        cover = rgb(("#c96f5a", "#5f86a8", "#d8a94f", "#7f9f6f", "#8f6f9f", "#e8dcc4")[int(rng.integers(6))])
        cover = mix(cover, pale, 0.30)
        canvas.polygons([box * (w, h) + (at, y - h)], cover)
        canvas.polygons([box * (w, h * 0.07) + (at, y - h * 0.82)], mix(cover, rgb("#ffffff"), 0.5))
        at += w * 1.04
    pot = x + wide * 0.30
    leaf = mix(rgb("#5f9f6a"), pale, 0.25)
    size = canvas.unit * 0.05
    leaves = []
    for angle in np.linspace(-1.25, 1.25, 7):
        tip = np.array((pot + np.sin(angle) * size * 1.5, y - size * 0.8 - np.cos(angle) * size * 1.5))
        side = np.array((np.cos(angle), np.sin(angle))) * size * 0.22
        root = np.array((pot, y - size * 0.8))
        leaves.append(np.array([root, (root + tip) / 2 + side, tip, (root + tip) / 2 - side]))
    canvas.polygons(leaves, leaf)
    clay = mix(rgb("#c9774f"), pale, 0.2)
    shape = np.array([(-0.55, -0.85), (0.55, -0.85), (0.42, 0.0), (-0.42, 0.0)])
    canvas.polygons([shape * size + (pot, y)], clay)
    canvas.polygons([box * (wide, thick) + (x - wide / 2, y)], board)


def _lamps(canvas: Canvas, rng: np.random.Generator, x: float, colour: np.ndarray) -> None:
    """Two or three lamps hanging from the ceiling."""
    for i in range(int(rng.integers(2, 4))):
        at = canvas.width - x + (i - 1) * canvas.unit * 0.21
        long, size = canvas.horizon * rng.uniform(0.10, 0.22), canvas.unit * 0.045
        canvas.polygons([np.array([(at - 1, 0), (at + 1, 0), (at + 1, long), (at - 1, long)])], colour * 0.5)
        canvas.halo(at, long + size * 1.3, canvas.unit * 0.22, rgb("#fff0c8"), 0.55)
        shade = np.array([(-0.35, 0), (0.35, 0), (1.0, 1.0), (-1.0, 1.0)]) * size + (at, long)
        canvas.polygons([shade], colour * 0.72)
        canvas.disc(at, long + size * 1.05, size * 0.34, rgb("#fff8e0"))


def _cloth(canvas: Canvas, rng: np.random.Generator, x: float, y: float, pale: np.ndarray, dark: np.ndarray) -> None:
    """A round woven mat where the things lie."""
    wide, tall = min(canvas.unit * 0.52, canvas.width * 0.46), min(canvas.unit * 0.115, (canvas.height - y) * 0.8)
    angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    ring = np.stack([np.cos(angles) * wide, np.sin(angles) * tall], 1)
    centre = np.array((canvas.width * 0.5 + (x - canvas.width * 0.5) * 0.45, y))
    canvas.polygons([ring * 1.03 + centre + (0, canvas.unit * 0.010)], rgb("#3a2416"), 0.30)
    tones = (mix(pale, rgb("#ffffff"), 0.35), mix(dark, pale, 0.35), mix(pale, rgb("#ffffff"), 0.55))
    for size, tone in ((1.0, tones[0]), (0.93, tones[1]), (0.86, tones[2])):
        canvas.polygons([ring * size + centre], tone)
    for size in (0.70, 0.52, 0.34):
        canvas.polygons([ring * size + centre], tones[1], 0.22)


def _garland(canvas: Canvas, rng: np.random.Generator, colour: np.ndarray) -> None:
    """A line of small flags along the top of the wall."""
    flags = max(5, round(11 * canvas.width / canvas.unit))
    xs = np.linspace(-0.03, 1.03, flags) * canvas.width
    dip = canvas.horizon * 0.05
    ys = (
        canvas.horizon * 0.02
        + dip * np.sin(np.linspace(0, np.pi * max(1, round(canvas.width / canvas.unit)), flags)) ** 2
    )
    tones = [colour, mix(colour, rgb("#ffffff"), 0.45), colour * 0.82]
    size = canvas.unit * 0.035
    for i, (x, y) in enumerate(zip(xs, ys, strict=True)):
        canvas.polygons([np.array([(x - size * 0.7, y), (x + size * 0.7, y), (x, y + size * 1.4)])], tones[i % 3], 0.75)


def _planks(canvas: Canvas, rng: np.random.Generator, top: int, grain: np.ndarray) -> None:
    rows = canvas.height - top
    if rows < 4:
        return
    veins = fbm(rng, rows, canvas.width, cells=(26, 1.2 * canvas.width / canvas.unit), octaves=3, rough=0.6)
    canvas.cover(smoothstep(0.55, 0.75, veins) * 0.30, grain, top)
    y, thick = float(top), max(1.0, canvas.unit * 0.003)
    step = rows * 0.14
    while y < canvas.height:
        canvas.polygons(
            [np.array([(0, y), (canvas.width, y), (canvas.width, y + thick), (0, y + thick)])], grain * 0.7, 0.6
        )
        y += step
        step *= 1.45
