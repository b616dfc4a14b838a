"""Setting things into a scene: their light, their shadows, their mirror image in water, the light they give."""

from __future__ import annotations

import cv2
import numpy as np

from . import icons, water
from .canvas import Canvas, Colour, mix, rgb
from .compose import Placed
from .light import Light
from .noise import Array, Dice
from .scene import Scene
from .stage import Stage

_SUNKEN = {"whale": 0.13, "dolphin": 0.3}  # the part of these that is below the surface


def paste(
    canvas: Canvas, scene: Scene, light: Light, stage: Stage, dice: Dice, placed: list[Placed], sun_x: float
) -> None:
    """Draw what was placed, with shadow, mirror image and the light of the hour."""
    rng = dice.of("ripples")
    for item in placed:
        canvas.check()
        _paste_one(canvas, scene, light, stage, rng, item, sun_x)


def _paste_one(
    canvas: Canvas, scene: Scene, light: Light, stage: Stage, rng: np.random.Generator, item: Placed, sun_x: float
) -> None:
    picture = icons.sticker(item.icon, round(item.width), item.colour, item.wanted.subject.region)
    if item.mirrored:
        picture = picture[:, ::-1]
    if item.turned:
        picture = _rotated(picture, item.turned)
    rows, columns = picture.shape[:2]
    left, top = round(item.x - columns / 2), round(item.y - rows)
    sunken = 0
    if item.place == "water":
        sunken = _draught(item, rows)
        picture, top = picture[: rows - sunken], top + sunken
        rows -= sunken
    picture = _lit(picture, light, item.x, sun_x, scene)
    if item.place == "ground":
        _shadow(canvas, picture, item, light, stage, sun_x)
    if item.place == "water":
        water.reflect(canvas, picture, left, top + rows, rng)
    canvas.cover(picture[..., 3], picture[..., :3], top, left)
    if item.place == "water":
        water.waterline(canvas, item.x, item.y, item.width, light)
    if item.wanted.subject.glow and (light.dark or scene.environment in ("table", "underwater")):
        _shine(canvas, item, rgb(item.wanted.subject.glow), sun_x)


def _shine(canvas: Canvas, item: Placed, colour: Colour, sun_x: float) -> None:
    """The light that a thing gives in the dark: a halo, or the beam of a lighthouse."""
    if item.wanted.subject.name == "lighthouse":
        y, reach = item.y - item.height * 0.82, canvas.width * 1.2
        towards = 1.0 if item.x < canvas.width / 2 else -1.0
        for spread, strength in ((0.16, 0.16), (0.09, 0.22)):
            beam = np.array([(0.0, -0.012), (1.0, -spread * 1.15), (1.0, spread * 0.35), (0.0, 0.012)]) * reach
            canvas.polygons([beam * (towards, 1) + (item.x, y)], colour, strength)
        canvas.halo(item.x, y, item.width * 1.4, colour, 1.0)
        return
    low = item.wanted.subject.name in ("car", "taxi", "bus", "house", "cabin", "village", "castle", "tent", "circus")
    y = item.y - item.height * (0.3 if low else 0.5)
    size = max(item.width, item.height)
    canvas.halo(item.x, y, size * (1.0 if low else 2.4), colour, 0.30 if low else 0.62)
    if item.place == "ground" and not low:
        canvas.glow(item.x, item.y, size * 0.7, colour, 0.35, flat=2.6)


def _draught(item: Placed, rows: int) -> int:
    """How many rows of a floating sticker are below the surface."""
    subject = item.wanted.subject
    if subject.name in _SUNKEN:
        return round(rows * _SUNKEN[subject.name])
    return round(rows * {"water": 0.05, "deep": 0.32}.get(subject.lives, 0.18))


def _rotated(picture: Array, degrees: float) -> Array:
    rows, columns = picture.shape[:2]
    turn = np.deg2rad(abs(degrees))
    wide, tall = (
        int(columns * np.cos(turn) + rows * np.sin(turn)) + 2,
        int(rows * np.cos(turn) + columns * np.sin(turn)) + 2,
    )
    matrix = cv2.getRotationMatrix2D((columns / 2, rows / 2), degrees, 1.0)
    matrix[:, 2] += ((wide - columns) / 2, (tall - rows) / 2)
    whole = picture.copy()
    whole[..., :3] *= whole[..., 3:]
    turned = cv2.warpAffine(whole, matrix, (wide, tall), flags=cv2.INTER_LINEAR)
    return np.dstack([turned[..., :3] / np.maximum(turned[..., 3:], 1e-4), turned[..., 3]])


def _lit(picture: Array, light: Light, x: float, sun_x: float, scene: Scene) -> Array:
    """The sticker in the scene's light: tinted, brighter towards the sun, with a rim of its colour."""
    if scene.environment in ("space", "table", "underwater"):
        ambient: Array = np.array(
            (1.0, 1.0, 1.0) if scene.environment != "underwater" else (0.86, 0.98, 1.0), np.float32
        )
        strength = 0.12
    else:
        # Subjects keep a little more light than the land, so that they are seen at night.
        ambient = 0.58 * light.ambient + 0.42 * max(0.85, float(light.ambient.max()))
        strength = 0.30 * min(1.0, light.glow * light.disc + 0.15)
    rows, columns = picture.shape[:2]
    towards = np.sign(sun_x - x) or 1.0
    across = np.linspace(-1, 1, columns, dtype=np.float32)[None, :] * towards
    down = np.linspace(1.05, 0.88, rows, dtype=np.float32)[:, None]
    # The set's colours are a little loud for a landscape.
    grey = picture[..., :3].mean(2, keepdims=True)
    colour = (grey + (picture[..., :3] - grey) * 0.90) * ambient * (down * (1 + 0.09 * across))[..., None]
    alpha = picture[..., 3]
    shift = max(1, round(columns * 0.018))
    edge = np.clip(alpha - np.roll(np.roll(alpha, -round(shift * towards), axis=1), shift, axis=0), 0, 1)
    rim = (edge * strength)[..., None]
    colour = colour + (np.maximum(light.sun, colour) - colour) * rim * 1.6
    return np.dstack([np.clip(colour, 0, 1), alpha]).astype(np.float32)


def _shadow(canvas: Canvas, picture: Array, item: Placed, light: Light, stage: Stage, sun_x: float) -> None:
    """A soft contact shadow, and the thing's own shape laid on the ground away from the sun."""
    rows, columns = picture.shape[:2]
    tint = mix(rgb("#1b1f3a"), light.lit(rgb("#3a3f5c")), 0.4)
    wide, tall = columns * 0.50, max(2.0, columns * 0.075)
    pad = int(tall * 1.5) + 2
    ys, xs = np.mgrid[-pad : pad + 1, -int(wide * 1.2) : int(wide * 1.2) + 1].astype(np.float32)
    away = (xs / wide) ** 2 + (ys / tall) ** 2
    canvas.cover(
        np.clip(1.15 - away, 0, 1) ** 1.3 * stage.shadow * 1.05,
        tint,
        round(item.y - tall * 0.25) - pad,
        round(item.x - int(wide * 1.2)),
    )
    low = light.glow * light.disc
    if low < 0.2 or stage.afloat or rows < 12:
        return
    length = 0.30 if light.elevation > 0.4 else 0.62
    lean = float(np.clip((item.x - sun_x) / canvas.width * 1.6, -0.9, 0.9))
    height, reach = max(2, int(rows * length)), int(rows * abs(lean) * length) + 2
    # Row 0 of the shadow is at the foot; it leans further the farther it falls.
    out_w = columns + reach
    shift = 0 if lean >= 0 else reach
    matrix = np.array([[1, -lean * rows * length / height, -shift + 0.0], [0, -rows / height, rows - 1]], np.float32)
    cast = cv2.warpAffine(
        np.ascontiguousarray(picture[..., 3]), matrix, (out_w, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )
    cast = cv2.GaussianBlur(cast, (0, 0), max(0.6, columns * 0.012))
    fade = np.linspace(1, 0.15, height, dtype=np.float32)[:, None] * stage.shadow * min(1.0, low) * 0.8
    canvas.cover(cast * fade, tint, round(item.y - columns * 0.02), round(item.x - columns / 2) - shift)
