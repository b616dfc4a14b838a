"""Weather in the air between us and the scene: rain, snow, fog."""

from __future__ import annotations

import cv2
import numpy as np

from .canvas import Canvas, mix, rgb
from .light import Light
from .noise import Dice, fbm
from .scene import Scene


def fog_behind(canvas: Canvas, scene: Scene, light: Light, dice: Dice) -> None:
    """Fog over the land, thickest at the horizon; the subjects come in front of it."""
    if scene.weather not in ("fog", "rain", "snow", "storm"):
        return
    rng = dice.of("fog")
    thick = {"fog": 0.82, "rain": 0.22, "snow": 0.26, "storm": 0.22}[scene.weather]
    ys = np.arange(canvas.height, dtype=np.float32)[:, None]
    away = np.where(
        ys < canvas.horizon, (canvas.horizon - ys) / (canvas.unit * 0.42), (ys - canvas.horizon) / (canvas.unit * 0.24)
    )
    field = fbm(
        rng,
        max(8, canvas.height // 4),
        max(8, canvas.width // 4),
        cells=(7 * canvas.height / canvas.unit, 2 * canvas.width / canvas.unit),
        octaves=3,
    )
    field = cv2.resize(field, (canvas.width, canvas.height))
    canvas.cover(
        (np.exp(-away) * thick * (0.6 + 0.8 * field)).clip(0, 0.95).astype(np.float32),
        mix(light.sky[3], light.sky[2], 0.2),
    )


def splashes(canvas: Canvas, scene: Scene, dice: Dice) -> None:
    """Rings where the rain meets ground and water, behind what stands there."""
    if scene.weather not in ("rain", "storm"):
        return
    rng = dice.of("splashes")
    for _ in range(int(60 * canvas.width / canvas.unit)):
        y = rng.uniform(canvas.horizon + (canvas.height - canvas.horizon) * 0.3, canvas.height)
        x, wide = rng.random() * canvas.width, canvas.unit * rng.uniform(0.006, 0.014)
        centre, axes = (int(x), int(y)), (max(1, int(wide)), max(1, int(wide * 0.3)))
        rows, columns = axes[1] * 2 + 5, axes[0] * 2 + 5
        ring = np.zeros((rows, columns), np.uint8)
        cv2.ellipse(ring, (columns // 2, rows // 2), axes, 0, 0, 360, 255, 1, cv2.LINE_AA)
        canvas.cover(
            ring.astype(np.float32) / 255 * 0.35, rgb("#ffffff"), centre[1] - rows // 2, centre[0] - columns // 2
        )


def fall(canvas: Canvas, scene: Scene, light: Light, dice: Dice) -> None:
    """Rain or snow in front of everything."""
    rng = dice.of("falling")
    if scene.weather in ("rain", "storm"):
        _rain(canvas, rng, light, heavy=scene.weather == "storm")
    elif scene.weather == "snow" or (scene.environment == "snow" and scene.weather == "clear" and rng.random() < 0.35):
        _snow(canvas, rng, light)


def _rain(canvas: Canvas, rng: np.random.Generator, light: Light, *, heavy: bool) -> None:
    mask = np.zeros((canvas.height, canvas.width), np.uint8)
    count = int((430 if heavy else 300) * canvas.width * canvas.height / canvas.unit**2)
    lean = 0.42 if heavy else 0.16
    xs, ys = rng.random(count) * canvas.width * 1.2 - canvas.width * 0.1, rng.random(count) * canvas.height
    lengths = canvas.unit * rng.uniform(0.018, 0.055, count)
    tones = rng.integers(60, 190, count)
    thick = max(1, round(canvas.unit / 700))
    for x, y, length, tone in zip(xs, ys, lengths, tones, strict=True):
        start, end = (int(x * 16), int(y * 16)), (int((x - lean * length) * 16), int((y + length) * 16))
        cv2.line(mask, start, end, int(tone), thick, cv2.LINE_AA, 4)
    canvas.cover(mask.astype(np.float32) / 255 * 0.55, mix(light.sky[3], rgb("#ffffff"), 0.4))


def _snow(canvas: Canvas, rng: np.random.Generator, light: Light) -> None:
    white = mix(rgb("#ffffff"), light.sky[3], 0.1)
    count = int(260 * canvas.width * canvas.height / canvas.unit**2)
    for _ in range(count):
        size = rng.random() ** 3
        canvas.disc(
            rng.random() * canvas.width,
            rng.random() * canvas.height,
            canvas.unit * (0.0016 + 0.0075 * size),
            white,
            0.85 - 0.35 * size,
        )


def glow_in_front(canvas: Canvas, light: Light, sun_x: float) -> None:
    """The low sun's light over everything near it, land and things alike."""
    strength = light.glow * light.disc
    if light.elevation > 0.3 or strength < 0.4:
        return
    y = canvas.horizon * (1 - light.elevation)
    canvas.glow(sun_x, y, canvas.unit * 0.34, mix(light.sun, light.sky[3], 0.5), strength * 0.26)


def fireflies(canvas: Canvas, scene: Scene, light: Light, dice: Dice) -> None:
    """Small warm lights low over the ground on a dark evening in the woods or the fields."""
    asked = "fireflies" in scene.wonders
    if not (asked or (light.dark and scene.environment in ("forest", "field") and scene.weather == "clear")):
        return
    rng = dice.of("fireflies")
    top = canvas.horizon - canvas.unit * 0.12
    for _ in range(int((60 if asked else 26) * canvas.width / canvas.unit)):
        x, y = rng.random() * canvas.width, rng.uniform(top, canvas.height * 0.97)
        size = canvas.unit * rng.uniform(0.0016, 0.0034)
        canvas.halo(x, y, size * 11, rgb("#ffe98a"), 0.75)
        canvas.disc(x, y, size, rgb("#fffbd6"))
