"""Space: nebulae, stars, shaded planets; or the surface of a moon when something has to stand."""

from __future__ import annotations

import cv2
import numpy as np

from . import sky
from .canvas import Canvas, Colour, mix, rgb
from .light import Light
from .noise import Array, Dice, fbm, line, smoothstep
from .scene import Scene
from .stage import Stage

_NEBULAE = (
    ("#070616", "#3b1d78", "#b13a8f", "#ff9d7a", "#39b6d8"),
    ("#04091a", "#123a6e", "#1f8a9e", "#8ff0d0", "#c06bff"),
    ("#0b0414", "#5a1747", "#d9485f", "#ffc36b", "#5a6bff"),
    ("#050a1c", "#27347f", "#6c5fe0", "#e6a8ff", "#ff7f9f"),
)
_PLANETS = (
    ("#e8a35c", "#b8633f"),
    ("#7fc8e8", "#3b6fb5"),
    ("#e0748a", "#8a3d78"),
    ("#9fd89a", "#3f8a7d"),
    ("#c9b6f0", "#6d56a8"),
    ("#f0d9a0", "#c08a55"),
)


def paint_space(canvas: Canvas, scene: Scene, light: Light, dice: Dice, sun_x: float) -> Stage:
    rng = dice.of("space")
    void, deep, middle, bright, other = (rgb(code) for code in _NEBULAE[int(rng.integers(len(_NEBULAE)))])
    rows, columns = max(16, canvas.height // 2), max(16, canvas.width // 2)
    cells = (2.2 * canvas.height / canvas.unit, 2.2 * canvas.width / canvas.unit)
    # Noise that is bent by other noise looks like gas.
    bend_y = (fbm(rng, rows, columns, cells=cells, octaves=3) - 0.5) * canvas.unit * 0.25
    bend_x = (fbm(rng, rows, columns, cells=cells, octaves=3) - 0.5) * canvas.unit * 0.25
    ys, xs = np.mgrid[0:rows, 0:columns].astype(np.float32)
    cloud = cv2.remap(
        fbm(rng, rows, columns, cells=cells, octaves=6, rough=0.55),
        xs + bend_x,
        ys + bend_y,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )
    second = cv2.remap(
        fbm(rng, rows, columns, cells=cells, octaves=5),
        xs - bend_y,
        ys + bend_x,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )
    angle = rng.uniform(-0.7, 0.7)
    band = ((ys / rows - 0.5) * np.cos(angle) - (xs / columns - 0.5) * np.sin(angle)) / 0.30
    along = np.exp(-(band**2))
    gas = np.clip(cloud * 0.9 + along * 0.42 - 0.32, 0, 1)
    paint: Array = np.broadcast_to(void, (rows, columns, 3)).astype(np.float32)
    for low, high, colour, part in ((0.05, 0.45, deep, 0.9), (0.30, 0.66, middle, 0.75), (0.55, 0.9, bright, 0.7)):
        paint = paint + (colour - paint) * (smoothstep(low, high, gas) * part)[..., None]
    paint = paint + (other - paint) * (smoothstep(0.55, 0.8, second) * smoothstep(0.2, 0.6, gas) * 0.5)[..., None]
    dust = smoothstep(0.5, 0.7, second) * smoothstep(0.35, 0.6, gas) * 0.35
    paint = paint * (1 - dust[..., None])
    canvas.pixels[:] = cv2.resize(paint.astype(np.float32), (canvas.width, canvas.height))
    canvas.check()
    sky.stars(canvas, dice.of("stars"), canvas.height, 1.6)
    for _ in range(max(3, round(6 * canvas.width / canvas.unit))):
        _sparkle(
            canvas, rng.random() * canvas.width, rng.random() * canvas.height, canvas.unit * rng.uniform(0.012, 0.035)
        )
    planets = [wanted for wanted in scene.subjects if wanted.subject.name in ("planet", "earth")]
    ground = any(wanted.subject.lives == "ground" for wanted in scene.subjects)
    _planet(
        canvas,
        rng,
        canvas.width * float(rng.choice([0.16, 0.84])),
        canvas.height * rng.uniform(0.14, 0.26),
        canvas.unit * rng.uniform(0.09, 0.14),
        ring=not planets and rng.random() < 0.7,
    )
    _planet(
        canvas,
        rng,
        canvas.width * rng.uniform(0.3, 0.7),
        canvas.height * rng.uniform(0.06, 0.18),
        canvas.unit * rng.uniform(0.02, 0.04),
        ring=False,
    )
    if ground:
        top = canvas.height - min(canvas.height * 0.30, canvas.unit * 0.34)
        _moonscape(canvas, rng, top, mix(middle, rgb("#a79fb5"), 0.55))
        return Stage(
            ground=(top + canvas.unit * 0.10, canvas.height - canvas.unit * 0.05),
            air=(canvas.height * 0.10, top * 0.85),
            afloat=True,
            shadow=0.5,
        )
    if not planets:
        radius = canvas.unit * rng.uniform(0.7, 0.95)
        _planet(canvas, rng, canvas.width * rng.uniform(0.15, 0.85), canvas.height + radius * 0.72, radius, ring=False)
    return Stage(air=(canvas.height * 0.14, canvas.height * 0.86), afloat=True)


def _sparkle(canvas: Canvas, x: float, y: float, size: float) -> None:
    thin = max(0.7, size * 0.05)
    for dx, dy in ((1, 0), (0, 1)):
        canvas.polygons(
            [
                np.array(
                    [
                        (x - dx * size - dy * thin * 0, y - dy * size),
                        (x + dy * thin, y - dx * thin),
                        (x + dx * size, y + dy * size),
                        (x - dy * thin, y + dx * thin),
                    ]
                )
            ],
            rgb("#ffffff"),
            0.85,
        )
    canvas.disc(x, y, thin * 2.2, rgb("#ffffff"), 0.9)
    canvas.disc(x, y, size * 0.45, rgb("#bfd4ff"), 0.16)


def _planet(canvas: Canvas, rng: np.random.Generator, x: float, y: float, radius: float, *, ring: bool) -> None:
    """A ball with bands, a lit and a dark side, and perhaps a ring."""
    light, dark = (rgb(code) for code in _PLANETS[int(rng.integers(len(_PLANETS)))])
    tilt = rng.uniform(-0.5, 0.5)
    if ring:
        _ring(canvas, x, y, radius, tilt, light, behind=True)
    side = int(radius + 3)
    y0, y1 = max(-side, -int(y)), min(side + 1, canvas.height - int(y))
    x0, x1 = max(-side, -int(x)), min(side + 1, canvas.width - int(x))
    if y1 <= y0 or x1 <= x0:
        return
    ys, xs = np.mgrid[y0:y1, x0:x1].astype(np.float32)
    away = np.hypot(xs, ys)
    mask = np.clip(radius + 0.5 - away, 0, 1)
    turned = (ys * np.cos(tilt) - xs * np.sin(tilt)) / radius
    along = (xs * np.cos(tilt) + ys * np.sin(tilt)) / radius
    profile = line(rng, 256, cells=7, octaves=4, rough=0.6)
    wobble = 0.03 * np.sin(along * 5 + turned * 9)
    bands = profile[np.clip(((turned + wobble) * 0.5 + 0.5) * 255, 0, 255).astype(int)]
    paint = dark + (light - dark) * (0.25 + 0.75 * bands)[..., None]
    facing = np.clip((-xs * 0.62 - ys * 0.55) / radius + 0.55, 0, 1)
    shade = smoothstep(0.05, 0.75, facing)[..., None]
    paint = paint * (0.16 + 0.9 * shade) + rgb("#ffffff") * 0.10 * shade * shade
    canvas.cover(mask, np.clip(paint, 0, 1).astype(np.float32), int(y) + y0, int(x) + x0)
    rim = np.exp(-np.abs(away - radius) / (radius * 0.035)) * (0.15 + 0.85 * shade[..., 0]) * 0.5
    canvas.cover(rim.astype(np.float32), mix(light, rgb("#ffffff"), 0.4), int(y) + y0, int(x) + x0)
    if ring:
        _ring(canvas, x, y, radius, tilt, light, behind=False)


def _ring(canvas: Canvas, x: float, y: float, radius: float, tilt: float, colour: Colour, *, behind: bool) -> None:
    side = int(radius * 2.3)
    ys, xs = np.mgrid[-side : side + 1, -side : side + 1].astype(np.float32)
    turned, along = ys * np.cos(tilt) - xs * np.sin(tilt), xs * np.cos(tilt) + ys * np.sin(tilt)
    away = np.hypot(along, turned / 0.26) / radius
    mask = smoothstep(1.30, 1.36, away) * smoothstep(2.12, 2.05, away)
    mask = mask * (0.55 + 0.45 * np.sin(away * 34)) * 0.85
    mask = np.where((turned < 0) == behind, mask, 0)
    canvas.cover(mask.astype(np.float32), mix(colour, rgb("#ffffff"), 0.35), int(y) - side, int(x) - side)


def _moonscape(canvas: Canvas, rng: np.random.Generator, top: float, colour: Colour) -> None:
    for i in range(3):
        ridge = (
            top
            + canvas.unit * 0.07 * i
            - canvas.unit
            * (0.08 - 0.02 * i)
            * line(rng, canvas.width, cells=2.2 * canvas.width / canvas.unit, octaves=4, rough=0.4)
        )
        tone = colour * (0.45 + 0.2 * i)
        canvas.silhouette(ridge, np.clip(tone * 1.25, 0, 1), tone * 0.85, canvas.unit * 0.2)
    for _ in range(int(12 * canvas.width / canvas.unit)):
        x, y = rng.random() * canvas.width, rng.uniform(top + canvas.unit * 0.09, canvas.height)
        wide = canvas.unit * rng.uniform(0.02, 0.07) * (0.4 + (y - top) / max(1.0, canvas.height - top))
        for shift, brightness in ((0.0, 1.15), (0.10, 0.55)):
            rows, columns = int(wide * 0.36) + 3, int(wide * 2) + 4
            ys, xs = np.mgrid[0:rows, 0:columns].astype(np.float32)
            mask = np.clip((1 - ((xs - columns / 2) / wide) ** 2 - ((ys - rows / 2) / (wide * 0.16)) ** 2) * 4, 0, 1)
            canvas.cover(
                mask * 0.6,
                np.clip(colour * brightness, 0, 1),
                int(y + shift * wide * 0.25),
                int(x - columns / 2 - shift * wide),
            )
