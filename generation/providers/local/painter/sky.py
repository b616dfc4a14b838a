"""Skies: gradient, sun or moon, stars, clouds, and the wonders that are painted into them."""

from __future__ import annotations

import cv2
import numpy as np

from .canvas import Canvas, mix, rgb
from .light import Light
from .noise import Dice, fbm, smoothstep
from .scene import Scene


def paint_sky(canvas: Canvas, scene: Scene, light: Light, dice: Dice, sun_x: float) -> None:
    """Paint rows 0..horizon (and a little below, where land begins unevenly). `sun_x` is where sun or moon stands."""
    bottom = min(canvas.height, canvas.horizon + max(4, canvas.height // 24))
    zenith, upper, lower, horizon = light.sky
    canvas.gradient([(0, zenith), (0.36, upper), (0.72, lower), (0.95, horizon), (1, horizon)], 0, bottom)
    if light.stars:
        stars(canvas, dice.of("stars"), bottom, light.stars)
    if "aurora" in scene.wonders:
        _aurora(canvas, dice.of("aurora"))
    sun_y = canvas.horizon * (1 - light.elevation)
    radius = canvas.unit * (0.052 if scene.time in ("sunset", "sunrise") else 0.042)
    if light.glow:
        flat = 1.5 if scene.time in ("sunset", "sunrise") else 1.0
        canvas.glow(
            sun_x,
            sun_y,
            canvas.unit * 0.5,
            mix(light.sun, light.sky[3], 0.4),
            light.glow * 0.6,
            bottom=bottom,
            flat=flat,
        )
        canvas.glow(sun_x, sun_y, canvas.unit * 0.11, light.sun, light.glow * 0.9, bottom=bottom)
    if light.disc > 0.3:
        if scene.time == "night" or (scene.time == "dusk" and light.stars):
            _moon(canvas, dice.of("moon"), scene, light, sun_x, sun_y, radius)
        else:
            if "sun" in scene.wonders:
                radius *= 1.5
            canvas.disc(sun_x, sun_y, radius * 1.35, light.sun, 0.35 * light.disc)
            canvas.disc(sun_x, sun_y, radius, mix(light.sun, rgb("#ffffff"), 0.5), light.disc)
    clouds = dice.of("clouds")
    if scene.weather in ("rain", "storm", "clouds", "snow", "fog"):
        _overcast(canvas, clouds, scene, light, bottom)
    elif scene.time in ("sunset", "sunrise", "dusk"):
        _cloud_bands(canvas, clouds, light, bottom, sun_x, sun_y)
    else:
        _wisps(canvas, clouds, light, bottom)
    if scene.weather != "fog" and scene.weather not in ("rain", "storm", "snow"):
        _cumulus(canvas, clouds, scene, light)
    if scene.weather in ("clear", "clouds", "wind") and scene.time != "night" and dice.of("flock").random() < 0.45:
        _flock(canvas, dice.of("birds"), light)
    if "rainbow" in scene.wonders:
        _rainbow(canvas, dice.of("rainbow"), bottom)
    if "fireworks" in scene.wonders:
        _fireworks(canvas, dice.of("fireworks"))
    if "shooting star" in scene.wonders:
        _shooting_stars(canvas, dice.of("shooting stars"))
    if scene.weather == "storm":
        _lightning(canvas, dice.of("lightning"))


def stars(canvas: Canvas, rng: np.random.Generator, bottom: int, strength: float) -> None:
    """Stars of many sizes, fewer near the horizon, the brightest with a glow."""
    scale = max(0.5, canvas.unit / 900)
    strength *= float(np.clip(canvas.unit / 300, 0.35, 1.0))  # a star is never smaller than half a pixel
    count = int(min(1400, 420 * (canvas.width * bottom) / (canvas.unit**2) * strength)) + 8
    xs, ys = rng.random(count) * canvas.width, rng.random(count) ** 1.25 * bottom
    sizes, tones = rng.random(count), rng.random(count)
    tints = (rgb("#ffffff"), rgb("#ffe9c9"), rgb("#cfe0ff"))
    for x, y, size, tone in zip(xs, ys, sizes, tones, strict=True):
        colour = tints[int(tone * 3)]
        fade = strength * (1 - 0.75 * (y / bottom) ** 2)
        if size > 0.985:
            canvas.disc(x, y, 3.4 * scale, colour, 0.22 * fade)
        canvas.disc(x, y, scale * (0.55 + 1.3 * size**5), colour, fade * (0.35 + 0.65 * size * size))


def _moon(
    canvas: Canvas, rng: np.random.Generator, scene: Scene, light: Light, x: float, y: float, radius: float
) -> None:
    full = "full moon" in scene.wonders or ("crescent moon" not in scene.wonders and rng.random() < 0.6)
    radius *= 1.7 if "full moon" in scene.wonders else 1.25
    side = int(radius + 2)
    ys, xs = np.mgrid[-side : side + 1, -side : side + 1].astype(np.float32)
    mask = np.clip(radius + 0.5 - np.hypot(xs, ys), 0, 1)
    paint = np.broadcast_to(light.sun, (*mask.shape, 3)).copy()
    for _ in range(7):
        angle, away, size = (
            rng.random() * 6.283,
            rng.random() ** 0.6 * radius * 0.8,
            radius * (0.08 + 0.16 * rng.random()),
        )
        crater = np.clip(size + 0.5 - np.hypot(xs - away * np.cos(angle), ys - away * np.sin(angle)), 0, 1)[..., None]
        paint *= 1 - crater * 0.08
    if not full:
        mask *= 1 - np.clip(radius * 0.95 + 0.5 - np.hypot(xs - radius * 0.55, ys + radius * 0.18), 0, 1)
    canvas.cover(mask * max(0.5, light.disc), paint, int(y) - side, int(x) - side)


def _cloud_bands(
    canvas: Canvas, rng: np.random.Generator, light: Light, bottom: int, sun_x: float, sun_y: float
) -> None:
    """Long clouds lit from below: the flat steps of a poster, soft at the edges."""
    rows, columns = max(8, bottom // 2), max(8, canvas.width // 2)
    across = 2.2 * canvas.width / canvas.unit
    field = fbm(rng, rows, columns, cells=(7 * bottom / canvas.unit + 2, across), octaves=5, rough=0.55)
    height = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    # Thick in the middle of the sky, thin bands near the horizon, little at the top.
    density = field + 0.10 * np.sin(height * 3.1) - 0.06 - 0.10 * smoothstep(0.9, 1.0, height)
    lit_from = np.roll(density, -max(1, rows // 60), axis=0)
    edge = np.clip((density - lit_from) * 9, -1, 1)
    near = np.exp(-np.abs(np.linspace(0, canvas.width, columns, dtype=np.float32)[None] - sun_x) / (0.7 * canvas.width))
    shade = np.clip(0.45 + 0.55 * edge + 0.35 * near * smoothstep(0.2, 1, height), 0, 1)
    amount = (
        0.42 * smoothstep(0.52, 0.56, density)
        + 0.34 * smoothstep(0.60, 0.64, density)
        + 0.2 * smoothstep(0.68, 0.72, density)
    )
    colour = light.cloud_dark + (light.cloud_lit - light.cloud_dark) * shade[..., None]
    canvas.cover(
        cv2.resize(amount, (canvas.width, bottom)),
        cv2.resize(colour.astype(np.float32), (canvas.width, bottom)),
    )


def _wisps(canvas: Canvas, rng: np.random.Generator, light: Light, bottom: int) -> None:
    rows, columns = max(8, bottom // 4), max(8, canvas.width // 4)
    field = fbm(rng, rows, columns, cells=(5, 2.0 * canvas.width / canvas.unit), octaves=5, rough=0.6)
    amount = smoothstep(0.5, 0.95, field) * 0.4 * np.linspace(1.0, 0.2, rows, dtype=np.float32)[:, None]
    canvas.cover(cv2.resize(amount, (canvas.width, bottom)), light.cloud_lit)


def _overcast(canvas: Canvas, rng: np.random.Generator, scene: Scene, light: Light, bottom: int) -> None:
    """A ceiling of cloud, heavy in a storm, thin in fog."""
    rows, columns = max(8, bottom // 2), max(8, canvas.width // 2)
    field = fbm(rng, rows, columns, cells=(4, 2.6 * canvas.width / canvas.unit), octaves=5, rough=0.55)
    height = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    heavy = {"storm": 1.0, "rain": 0.85, "snow": 0.6, "clouds": 0.8, "fog": 0.4}[scene.weather]
    amount = heavy * np.clip(0.55 * smoothstep(0.38, 0.46, field) + 0.45 * smoothstep(0.52, 0.6, field), 0, 1)
    amount *= 1 - 0.75 * smoothstep(0.35, 1.0, height)
    relief = np.clip(0.5 + (field - np.roll(field, -max(1, rows // 40), axis=0)) * 10, 0, 1)[..., None]
    colour = light.cloud_dark + (light.cloud_lit - light.cloud_dark) * relief
    canvas.cover(
        cv2.resize(amount, (canvas.width, bottom)), cv2.resize(colour.astype(np.float32), (canvas.width, bottom))
    )


def _cumulus(canvas: Canvas, rng: np.random.Generator, scene: Scene, light: Light) -> None:
    """Heaped clouds with flat feet: big ones high up, small ones near the horizon."""
    many = {"day": 6, "night": 3, "dusk": 3, "sunset": 2, "sunrise": 4}[scene.time] + (
        4 if scene.weather in ("clouds", "wind") else 0
    )
    many = max(2, round(many * min(2.0, canvas.width / canvas.unit)))
    opacity = {"day": 0.96, "night": 0.5, "dusk": 0.6, "sunset": 0.6, "sunrise": 0.8}[scene.time]
    taken: list[tuple[float, float]] = []
    for height in sorted(rng.random(many)):
        y = canvas.horizon * (0.18 + 0.70 * height)
        size = canvas.unit * (0.19 - 0.12 * height) * rng.uniform(0.7, 1.25)
        xs = rng.uniform(-0.05, 1.05, 6) * canvas.width
        # Of some places the one farthest from other clouds.
        away = [min((abs(x - tx) + 2 * abs(y - ty) for tx, ty in taken), default=0.0) for x in xs]
        x = float(xs[int(np.argmax(away))])
        if not taken or max(away) > size * 1.6:
            taken.append((x, y))
            cloud(canvas, rng, x, y, size, light, opacity)


def cloud(
    canvas: Canvas, rng: np.random.Generator, x: float, y: float, size: float, light: Light, opacity: float
) -> None:
    """One heaped cloud whose foot is at (x, y), about 2 × `size` wide."""
    rows, columns = int(size * 1.25) + 4, int(size * 2.6) + 4
    base, middle = rows - 3, columns / 2
    mask, bright = np.zeros((rows, columns), np.uint8), np.zeros((rows, columns), np.uint8)
    puffs = int(rng.integers(7, 12))
    for i in range(puffs):
        along = (i + 0.5) / puffs * 2 - 1
        radius = size * (0.16 + 0.34 * (1 - along * along)) * rng.uniform(0.75, 1.1)
        at_x, at_y = middle + along * size * 0.98, base - radius * rng.uniform(0.55, 1.0)
        centre = (round(at_x * 16), round(at_y * 16))
        cv2.circle(mask, centre, round(radius * 16), 255, -1, cv2.LINE_AA, 4)
        cv2.circle(
            bright,
            (centre[0] - round(radius * 2), centre[1] - round(radius * 4)),
            round(radius * 12.5),
            255,
            -1,
            cv2.LINE_AA,
            4,
        )
    mask[base:] = 0
    height = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    soft = cv2.GaussianBlur(bright, (0, 0), max(0.8, size * 0.05)).astype(np.float32) / 255
    shade = np.clip(0.25 + 0.55 * (1 - height) + 0.45 * soft, 0, 1)[..., None]
    foot = 1 - 0.6 * smoothstep(0.72, 1.0, height)
    colour = light.cloud_dark + (light.cloud_lit - light.cloud_dark) * shade
    canvas.cover(
        mask.astype(np.float32) / 255 * opacity * foot, colour.astype(np.float32), int(y - base), int(x - middle)
    )


def _aurora(canvas: Canvas, rng: np.random.Generator) -> None:
    """Curtains of light: a bright wavy foot with rays that fade upwards."""
    rows, columns = max(8, canvas.horizon // 2), max(8, canvas.width // 2)
    ys = np.arange(rows, dtype=np.float32)[:, None]
    light = np.zeros((rows, columns, 3), np.float32)
    for lower, upper in (("#5dffb0", "#3a7bff"), ("#4af0c8", "#a95dff"), ("#8dffa0", "#ff5db8")):
        x = np.linspace(0, 1, columns, dtype=np.float32)
        foot = rows * (
            rng.uniform(0.45, 0.8)
            + 0.13 * np.sin(x * rng.uniform(4, 9) + rng.random() * 6)
            + 0.05 * np.sin(x * rng.uniform(12, 20))
        )
        rays = fbm(rng, 2, columns, cells=(2, 40), octaves=3)[0] * 0.7 + 0.3
        up = (foot[None] - ys) / (rows * rng.uniform(0.35, 0.55))
        curtain = np.where(up >= 0, np.exp(-up * 2.6), np.exp(up * 40)) * rays[None]
        part = np.clip(up * 1.2, 0, 1)[..., None]
        light += curtain[..., None] * (rgb(lower) * (1 - part) + rgb(upper) * part) * 0.5
    area = canvas.pixels[: canvas.horizon]
    area += cv2.resize(light, (canvas.width, canvas.horizon)) * (1 - area)


def _rainbow(canvas: Canvas, rng: np.random.Generator, bottom: int) -> None:
    radius = min(canvas.width * 0.52, canvas.horizon * 1.05)
    x, y = canvas.width * rng.uniform(0.4, 0.6), canvas.horizon * 1.12
    ys, xs = np.mgrid[0:bottom, 0 : canvas.width].astype(np.float32)
    band = (radius - np.hypot(xs - x, ys - y)) / (radius * 0.13)
    inside = np.clip(np.minimum(band, 1 - band) * 6, 0, 1) * 0.62
    hues = np.clip(band, 0, 1)
    colours = np.stack([rgb(code) for code in ("#ff5a5a", "#ffa63d", "#ffe14d", "#5fd068", "#4aa8ff", "#8a6bff")])
    at = np.linspace(0, 1, len(colours))
    paint = np.stack([np.interp(hues, at, colours[:, i]) for i in range(3)], -1).astype(np.float32)
    canvas.cover(inside, paint)


def _fireworks(canvas: Canvas, rng: np.random.Generator) -> None:
    layer = np.zeros_like(canvas.pixels[: canvas.horizon])
    colours = ("#ffd45e", "#ff6b8a", "#7fd7ff", "#b58cff", "#8dff9a", "#ff9d5c")
    scale = max(1, round(canvas.unit / 600))
    for i in range(max(3, round(5 * canvas.width / canvas.unit))):
        x, y = rng.uniform(0.1, 0.9) * canvas.width, rng.uniform(0.12, 0.5) * canvas.horizon
        size, colour = canvas.unit * rng.uniform(0.10, 0.19), rgb(colours[(i + int(rng.integers(2))) % len(colours)])
        for ray in range(34):
            angle, reach = ray / 34 * 6.283 + rng.normal(0, 0.05), size * rng.uniform(0.75, 1.05)
            for ring in np.linspace(0.25, 1, 9):
                px, py = x + np.cos(angle) * reach * ring, y + np.sin(angle) * reach * ring + size * 0.12 * ring * ring
                cv2.circle(
                    layer,
                    (int(px), int(py)),
                    max(1, round(scale * (0.5 + ring))),
                    tuple(float(c) for c in colour * (0.35 + 0.65 * ring)),
                    -1,
                    cv2.LINE_AA,
                )
    soft = cv2.GaussianBlur(layer, (0, 0), canvas.unit * 0.012)
    area = canvas.pixels[: canvas.horizon]
    area += np.clip(layer * 1.15 + soft * 2.2, 0, 1) * (1 - area)


def _shooting_stars(canvas: Canvas, rng: np.random.Generator) -> None:
    for _ in range(3):
        x, y = rng.uniform(0.15, 0.95) * canvas.width, rng.uniform(0.05, 0.4) * canvas.horizon
        length = canvas.unit * rng.uniform(0.12, 0.26)
        steps = 40
        for i in range(steps):
            part = i / steps
            canvas.disc(
                x - length * part,
                y + length * 0.5 * part,
                max(0.5, canvas.unit * 0.0035 * part),
                rgb("#fff8e0"),
                part * part,
            )


def _lightning(canvas: Canvas, rng: np.random.Generator) -> None:
    x, y = rng.uniform(0.2, 0.8) * canvas.width, 0.08 * canvas.horizon
    points = [(x, y)]
    while y < canvas.horizon:
        x += rng.normal(0, 0.03) * canvas.unit
        y += rng.uniform(0.02, 0.07) * canvas.unit
        points.append((x, y))
    layer = np.zeros((canvas.height, canvas.width), np.float32)
    bolt = np.array(points, np.float32)
    cv2.polylines(
        layer, [np.round(bolt * 16).astype(np.int32)], False, 1.0, max(1, round(canvas.unit / 260)), cv2.LINE_AA, 4
    )
    fork = bolt[len(bolt) // 3 :] + (
        np.arange(len(bolt) - len(bolt) // 3)[:, None] * np.array([[canvas.unit * 0.018, -canvas.unit * 0.008]])
    )
    cv2.polylines(
        layer,
        [np.round(fork[: len(fork) // 2 + 1] * 16).astype(np.int32)],
        False,
        0.8,
        max(1, round(canvas.unit / 480)),
        cv2.LINE_AA,
        4,
    )
    soft = cv2.GaussianBlur(layer, (0, 0), canvas.unit * 0.02)
    canvas.cover(np.clip(layer + soft * 3, 0, 1)[: canvas.horizon], rgb("#f4f1ff"))


def _flock(canvas: Canvas, rng: np.random.Generator, light: Light) -> None:
    """A few birds far away, each two strokes."""
    centre = np.array((rng.uniform(0.2, 0.8) * canvas.width, rng.uniform(0.25, 0.6) * canvas.horizon))
    shapes = []
    for _ in range(int(rng.integers(4, 9))):
        x, y = centre + rng.normal(0, 1, 2) * (canvas.unit * 0.07, canvas.unit * 0.03)
        wing = canvas.unit * rng.uniform(0.007, 0.014)
        lift, thick = wing * rng.uniform(0.35, 0.7), wing * 0.13
        for side in (-1, 1):
            bend, tip = (x + side * wing * 0.5, y - lift), (x + side * wing, y - lift * 0.45)
            shapes.append(np.array([(x, y), bend, tip, (bend[0], bend[1] + thick * 1.6), (x, y + thick * 1.6)]))
    canvas.polygons(shapes, mix(light.lit(rgb("#39465e")), light.sky[1], 0.2), 0.85)
