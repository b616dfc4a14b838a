"""Things that wear a picture: a cake, a mug, a T-shirt, a poster on a wall, a pillow, a sticker.

Each is drawn as a vector in a square of 1000 units, which lies in the middle of the picture that is made; the given
picture is bent onto it and takes its light and shade.
"""

from __future__ import annotations

import colorsys
import io

import cv2
import numpy as np

from ..painter.noise import Array, smoothstep
from . import drawings
from .drawings import Bent

UNITS = 1000.0


def wear(name: str, picture: Array, alpha: Array | None, width: int, height: int) -> Array:
    """A picture of the thing `name` (a key of DRAWINGS), `width` × `height` pixels, that wears `picture`."""
    accent, soft = _accents(picture, alpha)
    canvas = np.ascontiguousarray(_layer(drawings.behind(name, accent, soft), width, height)[..., :3])
    side = min(width, height)
    _lay(canvas, picture, alpha, drawings.DRAWINGS[name], side / UNITS, (width - side) / 2, (height - side) / 2)
    if front := drawings.before(name, accent, soft):
        layer = _layer(front, width, height)
        canvas += (layer[..., :3] - canvas) * layer[..., 3:]
    return canvas


def _accents(picture: Array, alpha: Array | None) -> tuple[str, str]:
    """The picture's strongest colour, and a pale one of the same hue, as #rrggbb."""
    small = cv2.resize(picture, (48, 48), interpolation=cv2.INTER_AREA).reshape(-1, 3)
    weight: Array = np.ones(len(small), np.float32)
    if alpha is not None:
        weight = cv2.resize(alpha, (48, 48), interpolation=cv2.INTER_AREA).reshape(-1)
    chroma = (small.max(1) - small.min(1)) * weight
    if float(chroma.max()) < 0.12:
        return "#c2577a", "#fbe9ee"
    best = small[np.argsort(chroma)[-(len(small) // 20)]]
    hue, light, strength = colorsys.rgb_to_hls(*(float(part) for part in best))
    accent = colorsys.hls_to_rgb(hue, min(0.52, max(0.34, light)), min(0.75, max(0.4, strength)))
    return _code(accent), _code(colorsys.hls_to_rgb(hue, 0.93, 0.45))


def _code(colour: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in colour)


def _layer(body: str, width: int, height: int) -> Array:
    """RGBA (0..1) of a drawing's parts, the square in the middle, the rest of the canvas around it in its own units."""
    import resvg_py
    from PIL import Image

    side = min(width, height)
    across, down = UNITS * width / side, UNITS * height / side
    box = f"{(UNITS - across) / 2:g} {(UNITS - down) / 2:g} {across:g} {down:g}"
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" width="{width}" height="{height}">{body}</svg>'
    png = bytes(resvg_py.svg_to_bytes(svg_string=svg))
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA").resize((width, height))).astype(np.float32) / 255


def _lay(canvas: Array, picture: Array, alpha: Array | None, bent: Bent, scale: float, left: float, top: float) -> None:
    """Bend `picture` onto the canvas. Works backwards: which point of the picture is at each point of the canvas."""
    rows, columns = picture.shape[:2]
    wide, tall = _room(bent, columns / rows)
    reach = max(wide, tall) * 0.75 + abs(bent.sag) + 20
    y0, y1 = _span(top + (bent.y - reach) * scale, top + (bent.y + reach) * scale, canvas.shape[0])
    x0, x1 = _span(left + (bent.x - reach) * scale, left + (bent.x + reach) * scale, canvas.shape[1])
    ys, xs = np.mgrid[y0:y1, x0:x1].astype(np.float32)
    xs, ys = (xs + 0.5 - left) / scale - bent.x, (ys + 0.5 - top) / scale - bent.y
    if bent.tilt:
        turn = np.deg2rad(bent.tilt)
        xs, ys = xs * np.cos(turn) + ys * np.sin(turn), ys * np.cos(turn) - xs * np.sin(turn)
    if bent.radius:
        across = np.clip(xs / bent.radius, -0.999, 0.999)
        ys = ys - bent.sag * (np.sqrt(1 - across**2) - 1)
        u, v = np.arcsin(across) * bent.radius / (wide / 2), ys / (tall / 2)
    else:
        u, v = xs / (wide / 2), ys / (tall / 2)
        if bent.bulge:
            u, v = u * (1 + bent.bulge * v * v), v * (1 + bent.bulge * u * u)
    cut_u, cut_v = _cut(bent, columns / rows)
    at_x = (u * cut_u + 1) / 2 * columns - 0.5
    at_y = (v * cut_v + 1) / 2 * rows - 0.5
    source = _reduced(picture, alpha, wide * scale, columns)
    ratio = source.shape[1] / columns
    found = cv2.remap(
        source,
        ((at_x + 0.5) * ratio - 0.5).astype(np.float32),
        ((at_y + 0.5) * source.shape[0] / rows - 0.5).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    # A rounded rectangle in the picture's own plane.
    radius = bent.corners * min(wide, tall)
    dx = np.maximum(0, np.abs(u) * wide / 2 - (wide / 2 - radius))
    dy = np.maximum(0, np.abs(v) * tall / 2 - (tall / 2 - radius))
    edge = 0.8 / scale
    mask = smoothstep(radius + edge, radius - edge, np.hypot(dx, dy))
    if radius == 0:
        mask = (np.maximum(np.abs(u), np.abs(v)) <= 1).astype(np.float32)
    mask = mask * found[..., 3]
    area = canvas[y0:y1, x0:x1]
    area += (bent.shade(found[..., :3], area) - area) * mask[..., None]


def _room(bent: Bent, ratio: float) -> tuple[float, float]:
    """Width and height that a picture of this ratio takes in the room."""
    if bent.fills:
        return bent.width, bent.height
    return (bent.width, bent.width / ratio) if ratio > bent.width / bent.height else (bent.height * ratio, bent.height)


def _cut(bent: Bent, ratio: float) -> tuple[float, float]:
    """The share of the picture's width and height that is seen."""
    if not bent.fills:
        return 1.0, 1.0
    room = bent.width / bent.height
    return (room / ratio, 1.0) if ratio > room else (1.0, ratio / room)


def _reduced(picture: Array, alpha: Array | None, pixels: float, columns: int) -> Array:
    """RGBA, not much larger than it will be seen, so that nothing flickers."""
    whole = np.dstack([picture, alpha if alpha is not None else np.ones(picture.shape[:2], np.float32)])
    share = pixels * 1.25 / columns
    if share >= 1:
        return whole
    size = (max(1, round(columns * share)), max(1, round(picture.shape[0] * share)))
    return cv2.resize(whole, size, interpolation=cv2.INTER_AREA)


def _span(low: float, high: float, most: int) -> tuple[int, int]:
    return max(0, int(low)), min(most, int(high) + 1)
