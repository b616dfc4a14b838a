"""Painting a picture: read the prompt, paint the scenery, place the things, finish it in a style."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

from . import Painting, city, land, sky, space, styles, table, water, weather
from .canvas import Canvas
from .compose import compose
from .light import light_of
from .noise import Dice
from .paste import paste
from .reading import read

cv2.setNumThreads(1)

_SCENERIES = {
    "snow": land.paint_snow, "sea": water.paint_sea, "underwater": water.paint_underwater, "forest": land.paint_forest,
    "city": city.paint_city, "desert": land.paint_desert, "space": space.paint_space, "mountain": land.paint_mountain,
    "field": land.paint_field, "table": table.paint_table,
}  # fmt: skip
# How far down the horizon is.
_HORIZONS = {"sea": 0.54, "city": 0.66, "forest": 0.56, "desert": 0.54, "mountain": 0.60, "table": 0.62}


def paint_scene(prompt: str, seed: int, canvas: Canvas) -> Painting:
    """`prompt` on an empty canvas. Raises Stopped between two stages when the canvas's `stop` says so."""
    dice = Dice(prompt, seed)
    scene = read(prompt, dice.of("reading"))
    light = light_of(scene, dice.of("light"))
    layout = dice.of("layout")
    left = bool(layout.random() < 0.5)
    # Sun and subject stand on opposite thirds.
    focus = (0.36 if left else 0.64) + layout.uniform(-0.03, 0.03)
    sun_x = canvas.width * ((0.70 if left else 0.30) + layout.uniform(-0.06, 0.06))
    canvas.horizon = _horizon(canvas, scene.environment, layout.uniform(-0.02, 0.02))
    canvas.check()
    if scene.environment not in ("space", "underwater", "table"):
        sky.paint_sky(canvas, scene, light, dice, sun_x)
        canvas.check()
    stage = _SCENERIES[scene.environment](canvas, scene, light, dice, sun_x)
    canvas.check()
    outdoors = scene.environment not in ("space", "underwater", "table")
    if outdoors:
        weather.fog_behind(canvas, scene, light, dice)
        weather.splashes(canvas, scene, dice)
    placed = compose(canvas, scene, stage, dice, focus)
    paste(canvas, scene, light, stage, dice, placed, sun_x)
    water.reeds(canvas, scene, light, stage, dice)
    if outdoors:
        weather.fireflies(canvas, scene, light, dice)
        weather.glow_in_front(canvas, light, sun_x)
        weather.fall(canvas, scene, light, dice)
    canvas.check()
    pixels = styles.finish(canvas, scene.style, dice)
    return Painting(Image.fromarray(np.ascontiguousarray(pixels)), scene)


def _horizon(canvas: Canvas, environment: str, jitter: float) -> int:
    """The row of the horizon; a tall picture gets more sky rather than a deep ground."""
    row = canvas.height * (_HORIZONS.get(environment, 0.58) + jitter)
    return int(np.clip(max(row, canvas.height - 1.15 * canvas.width), 4, canvas.height - 4))
