"""Light and colour: each function takes RGB in 0..1 (float32, rows × columns × 3) and gives the same, new."""

from __future__ import annotations

import cv2
import numpy as np

from ..painter.icons import COLOURS
from ..painter.noise import Array, Dice, fbm, smoothstep
from .reading import colour_of

_GREY = np.array([0.299, 0.587, 0.114], np.float32)


def luma(rgb: Array) -> Array:
    return rgb @ _GREY


def light(rgb: Array, factor: float) -> Array:
    """Brighter or darker by a gamma, so that neither end is cut off."""
    return rgb ** np.float32(1 / max(0.15, factor) ** 1.3)


def contrast(rgb: Array, factor: float) -> Array:
    """Around the picture's own middle; more of it bends instead of cutting."""
    middle = np.float32(np.clip(np.median(luma(rgb)[::4, ::4]), 0.25, 0.75))
    if factor <= 1:
        return middle + (rgb - middle) * np.float32(factor)
    bent = middle + np.tanh((rgb - middle) * factor * 1.5) / 1.5 * np.float32(1.1)
    return np.clip(bent, 0, 1)


def saturation(rgb: Array, factor: float) -> Array:
    grey = luma(rgb)[..., None]
    return np.clip(grey + (rgb - grey) * np.float32(factor), 0, 1)


def warmth(rgb: Array, amount: float) -> Array:
    """Towards candle light (positive) or shade (negative); the brightness stays."""
    gains = np.array([1 + 0.12 * amount, 1 + 0.02 * amount, 1 - 0.14 * amount], np.float32)
    warmed = np.clip(rgb * gains, 0, 1)
    return np.clip(warmed * ((luma(rgb) + 0.02) / (luma(warmed) + 0.02))[..., None], 0, 1)


def grey(rgb: Array) -> Array:
    """Black and white as film sees it, with a little more contrast than the plain mean."""
    value = contrast(np.repeat(luma(rgb)[..., None], 3, 2), 1.12)
    return np.ascontiguousarray(value)


def sepia(rgb: Array, dice: Dice) -> Array:
    """A print of long ago: brown, a little faded, darker at the corners."""
    value = luma(rgb)[..., None]
    dark, pale = np.array([0.16, 0.09, 0.04], np.float32), np.array([1.0, 0.94, 0.80], np.float32)
    toned = dark + (pale - dark) * (0.06 + 0.90 * value)
    grain = dice.of("grain").normal(0, 0.012, value.shape[:2]).astype(np.float32)[..., None]
    return vignette(np.clip(toned + grain, 0, 1), 0.6)


def invert(rgb: Array) -> Array:
    return 1 - rgb


def blur(rgb: Array, amount: float) -> Array:
    return cv2.GaussianBlur(rgb, (0, 0), max(0.6, 0.008 * amount * min(rgb.shape[:2])))


def bokeh(rgb: Array) -> Array:
    """The middle stays sharp, the rest goes out of focus."""
    rows, columns = rgb.shape[:2]
    ys = np.linspace(-1, 1, rows, dtype=np.float32)[:, None]
    xs = np.linspace(-1, 1, columns, dtype=np.float32)[None]
    away = smoothstep(0.45, 1.0, np.sqrt((xs / 0.9) ** 2 + (ys / 1.0) ** 2))[..., None]
    return rgb + (blur(rgb, 1.6) - rgb) * away


def sharpen(rgb: Array, amount: float) -> Array:
    fine = rgb - cv2.GaussianBlur(rgb, (0, 0), max(0.8, 0.0018 * min(rgb.shape[:2])))
    return np.clip(rgb + fine * np.float32(1.1 * amount), 0, 1)


def vignette(rgb: Array, amount: float = 1.0) -> Array:
    rows, columns = rgb.shape[:2]
    ys = np.linspace(-1, 1, rows, dtype=np.float32)[:, None] ** 2
    xs = np.linspace(-1, 1, columns, dtype=np.float32)[None] ** 2
    return rgb * (1 - 0.55 * np.float32(amount) * smoothstep(0.5, 2.0, xs + ys))[..., None]


# --- one colour -------------------------------------------------------------------------------------------------------


def tint(rgb: Array, name: str) -> Array:
    """Everything in shades of one colour, from near black to near white."""
    hue, _, _ = COLOURS[name]
    if hue is None:
        toned = grey(rgb)
        return {"white": 0.45 + 0.55 * toned, "black": 0.45 * toned}.get(name, toned).astype(np.float32)
    colour = np.array(colour_of(name), np.float32) / 255
    value = luma(rgb)[..., None]
    middle = float(colour @ _GREY)
    low = colour * (value / middle)
    high = colour + (1 - colour) * ((value - middle) / max(0.05, 1 - middle))
    shades = np.where(value < middle, low, high)
    return np.clip(0.90 * shades + 0.10 * rgb, 0, 1).astype(np.float32)


def recolour(rgb: Array, name: str, *, sky: bool = False) -> Array:
    """The colour that stands out most becomes `name`, its light and dark kept; the rest stays.

    What lies along the edges is rather ground than thing; for the `sky` it is what lies along the upper one.
    """
    hls = cv2.cvtColor(rgb, cv2.COLOR_RGB2HLS)  # hue in degrees
    hue, lightness, strength = hls[..., 0], hls[..., 1], hls[..., 2]
    chroma = strength * (1 - np.abs(2 * lightness - 1))
    rows, columns = hue.shape
    # What stands in the middle is rather meant than what is around it.
    ys = np.linspace(-1, 1, rows, dtype=np.float32)[:, None]
    xs = np.linspace(-1, 1, columns, dtype=np.float32)[None]
    weight = np.where(chroma > (0.05 if sky else 0.18), chroma, 0)
    edge = np.maximum(np.abs(xs), np.abs(ys)) > 0.94
    upper = np.broadcast_to(ys < -0.5, hue.shape)
    counts = _by_hue(hue, np.where(upper, weight, 0) if sky else weight**3 * (1.15 - np.clip(np.hypot(xs, ys), 0, 1)))
    if counts.sum() <= 0:
        return tint(rgb, name)
    ground = _by_hue(hue, np.where(edge, weight > 0, 0))
    smooth = counts if sky else counts / (1 + 8 * ground / max(1.0, float(edge.sum())))
    centre = (int(smooth.argmax()) + 0.5) * 10
    apart = np.abs((hue - centre + 180) % 360 - 180)
    chosen = smoothstep(34, 20, apart) * smoothstep(0.05, 0.18, chroma)
    chosen = cv2.GaussianBlur(chosen.astype(np.float32), (0, 0), max(0.6, 0.0012 * min(rows, columns)))[..., None]
    target_hue, target_strength, target_light = COLOURS[name]
    moved = hls.copy()
    moved[..., 0] = (target_hue or 0.0) * 360
    moved[..., 2] = target_strength if target_hue is None else np.clip(strength * 0.35 + target_strength * 0.65, 0, 1)
    middle = float(np.average(lightness, weights=np.maximum(chosen[..., 0], 1e-6)))
    moved[..., 1] = np.clip(target_light * 0.7 + middle * 0.3 + (lightness - middle) * 0.85, 0.02, 0.98)
    return rgb + (cv2.cvtColor(moved, cv2.COLOR_HLS2RGB) - rgb) * chosen


def _by_hue(hue: Array, weight: Array) -> Array:
    """How much of each of 36 hues there is, its neighbours counted in part."""
    counts = np.histogram(hue, bins=36, range=(0, 360), weights=weight)[0]
    return counts + 0.6 * (np.roll(counts, 1) + np.roll(counts, -1))


def backdrop(rgb: Array, name: str, alpha: Array | None) -> Array:
    """The even ground around a thing in another colour: what is see-through, or what spreads from the edges."""
    colour = np.array(colour_of(name), np.float32) / 255
    if alpha is None:
        alpha = _thing(rgb)
    return colour + (rgb - colour) * alpha[..., None]


def _thing(rgb: Array) -> Array:
    """1 where there is more than ground: ground is what a flood from the edges reaches over similar colours."""
    small = (rgb * 255).astype(np.uint8).copy()
    rows, columns = small.shape[:2]
    mask = np.zeros((rows + 2, columns + 2), np.uint8)
    near = (10, 10, 10)
    flags = 4 | cv2.FLOODFILL_MASK_ONLY | (255 << 8)
    edge = [(x, y) for x in range(0, columns, 16) for y in (0, rows - 1)]
    edge += [(x, y) for y in range(0, rows, 16) for x in (0, columns - 1)]
    for x, y in edge:
        if not mask[y + 1, x + 1]:
            cv2.floodFill(small, mask, (x, y), (0, 0, 0), near, near, flags)
    ground = cv2.GaussianBlur(mask[1:-1, 1:-1], (0, 0), 1.0).astype(np.float32) / 255
    return 1 - ground


# --- hours and weathers -----------------------------------------------------------------------------------------------


def hour(rgb: Array, name: str, dice: Dice) -> Array:
    """The light of another time of day."""
    rows = rgb.shape[0]
    down = np.linspace(0, 1, rows, dtype=np.float32)[:, None, None]
    value = luma(rgb)[..., None]
    if name == "night":
        return _night(rgb, value, dice)
    shades = {  # (upper, lower) light, how much of it
        "sunset": ((0.98, 0.52, 0.42), (1.0, 0.78, 0.42), 0.72),
        "sunrise": ((0.98, 0.72, 0.70), (1.0, 0.90, 0.64), 0.55),
        "dusk": ((0.50, 0.44, 0.78), (0.92, 0.58, 0.66), 0.78),
    }
    upper, lower, much = shades[name]
    cast = np.array(upper, np.float32) * (1 - down) + np.array(lower, np.float32) * down
    lit = light(rgb, {"sunset": 0.92, "sunrise": 1.05, "dusk": 0.72}[name])
    toned = lit * (1 - much) + lit * cast * 1.18 * much
    # Light things take the sun's colour most.
    glow = smoothstep(0.55, 1.0, value) * np.array(lower, np.float32) * 0.22
    return vignette(np.clip(toned + glow * (1 - toned), 0, 1), 0.5)


def _night(rgb: Array, value: Array, dice: Dice) -> Array:
    """Blue and dark; what was bright and colourful keeps shining, and the upper sky gets stars."""
    rows, columns = value.shape[:2]
    muted = value + (rgb - value) * 0.5
    dark = muted**1.8 * np.array([0.34, 0.43, 0.68], np.float32) + np.array([0.012, 0.02, 0.055], np.float32)
    # Lamps: small, bright and warm, against what is around them.
    around = cv2.GaussianBlur(value[..., 0], (0, 0), 0.03 * min(rows, columns))
    lamp = smoothstep(0.06, 0.26, value[..., 0] - around) * smoothstep(0.06, 0.2, rgb[..., 0] - rgb[..., 2])
    halo = cv2.GaussianBlur(lamp.astype(np.float32), (0, 0), 0.02 * min(rows, columns))
    dark += (np.maximum(lamp * 0.8, halo * 1.4)[..., None]) * np.array([1.0, 0.76, 0.42], np.float32)
    # Stars stand where the upper part is smooth and was light: in the sky.
    detail = cv2.blur(np.abs(value[..., 0] - cv2.blur(value[..., 0], (5, 5))), (25, 25))
    ys = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    sky = (
        smoothstep(0.012, 0.004, detail)
        * smoothstep(0.40, 0.55, cv2.blur(value[..., 0], (9, 9)))
        * smoothstep(0.6, 0.3, ys)
    )
    rng = dice.of("stars")
    stars = np.zeros((rows, columns), np.float32)
    many = max(40, rows * columns // 2600)
    stars[rng.integers(0, rows, many), rng.integers(0, columns, many)] = rng.uniform(0.3, 1.0, many) ** 2
    size = max(0.7, min(rows, columns) * 0.0009)
    stars = cv2.GaussianBlur(stars, (0, 0), size) * (size * size * 6)
    return vignette(np.clip(dark + (np.clip(stars, 0, 1) * sky)[..., None], 0, 1), 0.7)


def weather(rgb: Array, name: str, dice: Dice) -> Array:
    """Snow or rain in front of everything, or fog that thickens towards the middle and far."""
    rows, columns = rgb.shape[:2]
    unit = min(rows, columns)
    rng = dice.of("weather")
    if name == "fog":
        banks = fbm(rng, rows, columns, cells=(3 * rows / unit, 2 * columns / unit), octaves=4)
        down = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
        thick = np.clip(0.62 - 0.30 * np.abs(down - 0.45) * 2 + (banks - 0.5) * 0.6, 0.1, 0.88)[..., None]
        return rgb + (np.array([0.86, 0.88, 0.90], np.float32) - rgb) * thick
    sky = np.array([0.80, 0.86, 0.95] if name == "snow" else [0.62, 0.68, 0.76], np.float32)
    dull = saturation(rgb, 0.72) * (0.90 if name == "snow" else 0.74) + sky * (0.10 if name == "snow" else 0.07)
    for layer, (share, size) in enumerate(((0.0011, 0.0016), (0.0005, 0.0034), (0.00016, 0.0062))):
        drops = np.zeros((rows, columns), np.float32)
        many = max(12, int(rows * columns * share * (512 / unit) ** 1.2))
        drops[rng.integers(0, rows, many), rng.integers(0, columns, many)] = rng.uniform(0.4, 1.0, many)
        radius = max(0.7, size * unit)
        if name == "snow":
            drops = cv2.GaussianBlur(drops, (0, 0), radius) * radius**2 * 6.3
        else:
            length = max(5, int(unit * (0.03 + 0.025 * layer)))
            kernel = np.zeros((length, length), np.float32)
            cv2.line(kernel, (int(length * 0.62), 0), (int(length * 0.38), length - 1), 1.0, 1, cv2.LINE_AA)
            drops = cv2.filter2D(cv2.GaussianBlur(drops, (0, 0), max(0.5, radius * 0.35)), -1, kernel) * (2.2 + layer)
            drops *= 0.55
        dull = dull + (1 - dull) * (np.clip(drops, 0, 1) * (0.92 if name == "snow" else 0.42))[..., None]
    return np.clip(dull, 0, 1)
