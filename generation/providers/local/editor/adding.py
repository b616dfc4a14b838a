"""Things of the painter's put into a picture: "a red balloon", "two cats on the left"."""

from __future__ import annotations

import cv2
import numpy as np

from ..painter import icons
from ..painter.noise import Array, Dice
from ..painter.reading import read
from ..painter.scene import Wanted

MOST = 20


def wanted_in(words: str, dice: Dice) -> tuple[Wanted, ...]:
    """What the painter understands of the words that follow "add"."""
    return read(words, dice.of("reading")).subjects


def add(rgb: Array, words: str, place: str, dice: Dice) -> tuple[Array, tuple[str, ...]]:
    """The picture with the things that `words` name, and these as short phrases."""
    wanted = wanted_in(words, dice)
    picture = rgb.copy()
    rng = dice.of("places")
    for number, each in enumerate(wanted):
        _put(picture, each, place, number, len(wanted), rng)
    return picture, tuple(each.words() for each in wanted)


def _put(picture: Array, wanted: Wanted, place: str, number: int, of: int, rng: np.random.Generator) -> None:
    rows, columns = picture.shape[:2]
    unit = min(rows, columns)
    flies = wanted.subject.lives in ("air", "space")
    count = min(wanted.count, MOST)
    size = unit * float(np.clip(0.34 * wanted.subject.size**0.35, 0.16, 0.5)) / max(1.0, count**0.42)
    icon = wanted.subject.icons[int(rng.integers(len(wanted.subject.icons)))]
    colour = "" if wanted.colour in wanted.subject.own else wanted.colour
    x, y = _spot(place, flies, number, of, rng)
    for i in range(count):
        step = i - (count - 1) / 2
        ratio = icons.height(icon)
        width = max(12, round(size / ratio**0.5 * rng.uniform(0.92, 1.08 if count > 1 else 1.0)))
        sticker = icons.sticker(icon, width, colour, wanted.subject.region)
        if wanted.subject.faces and (wanted.subject.faces == "left") == (x < 0.5):
            sticker = sticker[:, ::-1]
        lift = rng.uniform(-0.35, 0.35) * width if flies and count > 1 else abs(step) * -0.12 * width
        centre = x * columns + step * width * (1.05 if count < 6 else 0.8)
        _paste(picture, sticker, centre, y * rows + lift, standing=not flies)


def _spot(place: str, flies: bool, number: int, of: int, rng: np.random.Generator) -> tuple[float, float]:
    """Where it goes, in shares of the picture: the middle of what flies, the feet of what stands."""
    x = {"left": 0.22, "right": 0.78}.get(next((w for w in place.split() if w in ("left", "right")), ""), 0.0)
    if not x:
        x = 0.5 if "middle" in place else (0.30, 0.72, 0.5, 0.15, 0.86)[number % 5] + rng.uniform(-0.03, 0.03)
        if of == 1 and "middle" not in place:
            x = 0.73 if rng.random() < 0.5 else 0.27
    if "top" in place:
        return x, 0.24 if flies else 0.40
    if "bottom" in place:
        return x, 0.80 if flies else 0.96
    if "middle" in place:
        return x, 0.5 if flies else 0.68
    return x, rng.uniform(0.26, 0.34) if flies else rng.uniform(0.90, 0.94)


def _paste(picture: Array, sticker: Array, centre: float, y: float, *, standing: bool) -> None:
    rows, columns = picture.shape[:2]
    high, wide = sticker.shape[:2]
    left = int(np.clip(round(centre - wide / 2), -wide // 4, columns - wide * 3 // 4))
    top = int(np.clip(round(y - (high if standing else high / 2)), -high // 4, rows - high * 3 // 4))
    if standing:
        _shadow(picture, left + wide / 2, top + high, wide)
    around = picture[max(0, top) : top + high, max(0, left) : left + wide].reshape(-1, 3)
    colours = sticker[..., :3] * _ambient(around)
    x0, y0, x1, y1 = max(0, left), max(0, top), min(columns, left + wide), min(rows, top + high)
    if x1 <= x0 or y1 <= y0:
        return
    cut = np.s_[y0 - top : y1 - top, x0 - left : x1 - left]
    area = picture[y0:y1, x0:x1]
    area += (colours[cut] - area) * sticker[..., 3:][cut]


def _ambient(around: Array) -> Array:
    """The light that the thing stands in: between white and what is around it, so that it is seen at night too."""
    if not len(around):
        return np.ones(3, np.float32)
    mean = around.mean(0)
    bright = float(mean.max())
    tone = mean / max(bright, 1e-3)
    return (0.80 + 0.20 * tone) * (0.62 + 0.38 * min(1.0, bright * 1.5))


def _shadow(picture: Array, x: float, y: float, width: float) -> None:
    rows, columns = picture.shape[:2]
    wide, tall = width * 0.52, max(2.0, width * 0.08)
    y0, y1 = max(0, int(y - 3 * tall)), min(rows, int(y + 3 * tall))
    x0, x1 = max(0, int(x - 1.3 * wide)), min(columns, int(x + 1.3 * wide))
    if y1 <= y0 or x1 <= x0:
        return
    ys, xs = np.mgrid[y0:y1, x0:x1].astype(np.float32)
    away = ((xs - x) / wide) ** 2 + ((ys - y) / tall) ** 2
    dark = cv2.GaussianBlur(np.clip(1.2 - away, 0, 1), (0, 0), max(0.8, tall * 0.3)) * 0.42
    picture[y0:y1, x0:x1] *= (1 - dark)[..., None]
