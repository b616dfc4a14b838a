"""Shape: cropping, fitting, turning, borders. Pictures are RGB in 0..1 (float32)."""

from __future__ import annotations

import cv2
import numpy as np

from ..painter.noise import Array, smoothstep

RATIOS = {
    "square": (1, 1),
    "circle": (1, 1),
    "round": (1, 1),
    "portrait": (3, 4),
    "landscape": (4, 3),
    "widescreen": (16, 9),
    "panorama": (3, 1),
    "banner": (3, 1),
}


def ratio_of(name: str) -> float:
    """Width by height of "16:9" or of a name of RATIOS; extreme ones are bounded."""
    across, down = RATIOS[name] if name in RATIOS else (int(part) for part in name.split(":"))
    return float(np.clip(across / max(1, down), 0.1, 10))


def crop(rgb: Array, ratio: float) -> Array:
    """The largest part from the middle that has this ratio of width to height."""
    rows, columns = rgb.shape[:2]
    width, height = min(columns, round(rows * ratio)), min(rows, round(columns / ratio))
    left, top = (columns - width) // 2, (rows - height) // 2
    return rgb[top : top + max(1, height), left : left + max(1, width)]


def fit(rgb: Array, ratio: float) -> Array:
    """The whole picture in a frame of this ratio, its own colours blurred around it."""
    rows, columns = rgb.shape[:2]
    width, height = max(columns, round(rows * ratio)), max(rows, round(columns / ratio))
    ground = cv2.resize(crop(rgb, width / height), (width, height), interpolation=cv2.INTER_CUBIC)
    ground = cv2.GaussianBlur(ground, (0, 0), 0.04 * max(width, height)) * np.float32(0.82)
    left, top = (width - columns) // 2, (height - rows) // 2
    ground[top : top + rows, left : left + columns] = rgb
    return np.clip(ground, 0, 1)


def half(rgb: Array, part: str) -> Array:
    rows, columns = rgb.shape[:2]
    match part:
        case "left":
            return rgb[:, : max(1, columns // 2)]
        case "right":
            return rgb[:, columns // 2 :]
        case "top":
            return rgb[: max(1, rows // 2)]
        case _:
            return rgb[rows // 2 :]


def zoom(rgb: Array, factor: float) -> Array:
    """The middle, so much larger; the size stays."""
    rows, columns = rgb.shape[:2]
    height, width = max(1, round(rows / factor)), max(1, round(columns / factor))
    top, left = (rows - height) // 2, (columns - width) // 2
    part = rgb[top : top + height, left : left + width]
    return np.clip(cv2.resize(part, (columns, rows), interpolation=cv2.INTER_CUBIC), 0, 1)


def rotate(rgb: Array, degrees: float) -> Array:
    """Clockwise. Quarter turns are exact; others keep the size and fill the corners with the edge's colours."""
    quarters, rest = divmod(degrees % 360, 90)
    turned = np.ascontiguousarray(np.rot90(rgb, -int(quarters)))
    if rest == 0:
        return turned
    rows, columns = turned.shape[:2]
    matrix = cv2.getRotationMatrix2D((columns / 2, rows / 2), -rest, 1.0)
    return cv2.warpAffine(turned, matrix, (columns, rows), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def flip(rgb: Array, way: str) -> Array:
    return np.ascontiguousarray(rgb[::-1] if way == "vertical" else rgb[:, ::-1])


def border(rgb: Array, colour: tuple[int, int, int]) -> Array:
    """A frame of one colour laid over the edge, with a fine line inside; the size stays."""
    rows, columns = rgb.shape[:2]
    width = max(1, round(0.035 * min(rows, columns)))
    inner = cv2.resize(rgb, (max(1, columns - 2 * width), max(1, rows - 2 * width)), interpolation=cv2.INTER_AREA)
    framed = np.empty_like(rgb)
    framed[:] = np.array(colour, np.float32) / 255
    framed[width : width + inner.shape[0], width : width + inner.shape[1]] = inner
    return framed


def corners(rgb: Array, share: float = 0.08) -> Array:
    """Round corners on white. `share` of the shorter side is their radius; 0.5 of a square gives a circle."""
    rows, columns = rgb.shape[:2]
    radius = share * min(rows, columns)
    ys = np.arange(rows, dtype=np.float32)[:, None] + 0.5
    xs = np.arange(columns, dtype=np.float32)[None] + 0.5
    dx = np.maximum(0, np.maximum(radius - xs, xs - (columns - radius)))
    dy = np.maximum(0, np.maximum(radius - ys, ys - (rows - radius)))
    inside = smoothstep(radius + 0.7, radius - 0.7, np.hypot(dx, dy))[..., None]
    return 1 + (rgb - 1) * inside


def beside(pictures: list[Array]) -> Array:
    """Several pictures in a row, equally high, with a little white between them."""
    rows = min(picture.shape[0] for picture in pictures)
    gap = np.ones((rows, max(2, rows // 60), 3), np.float32)
    row: list[Array] = []
    for picture in pictures:
        width = max(1, round(picture.shape[1] * rows / picture.shape[0]))
        row += [gap, cv2.resize(picture, (width, rows), interpolation=cv2.INTER_AREA)]
    return np.concatenate(row[1:], 1)


def resize(rgb: Array, width: int, height: int) -> Array:
    """Exactly this size; what does not have its proportions is cut a little, or put on its own blurred colours."""
    rows, columns = rgb.shape[:2]
    if (columns, rows) == (width, height):
        return rgb
    want, have = width / height, columns / rows
    if abs(want / have - 1) > 0.01:
        rgb = crop(rgb, want) if max(want / have, have / want) < 1.4 else fit(rgb, want)
    smaller = width < rgb.shape[1]
    return np.clip(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC), 0, 1)
