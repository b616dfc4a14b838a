"""Carrying an instruction out: the steps in the order in which they belong, whatever the order of the words."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ..painter import Stopped
from ..painter.canvas import Canvas
from ..painter.noise import Array, Dice
from ..painter.styles import finish
from . import ABILITIES, CannotDo, Edited, adding, colour, objects, shape
from .reading import SKY, Step, colour_of, read
from .upscale import upscale

cv2.setNumThreads(1)

LARGEST_FACTOR = 4.0
# First what the picture is, then its size, then its light, then what is put into it, then how it is painted.
ORDER = (
    "crop", "half", "zoom", "rotate", "flip", "fit", "upscale", "background", "recolour", "light", "contrast",
    "saturation", "warmth", "sharpen", "bokeh", "hour", "weather", "add", "tint", "grey", "sepia", "invert", "blur",
    "style", "vignette", "round", "border", "object",
)  # fmt: skip

# What puts something drawn into the picture, or the picture into something drawn.
PAINTED = frozenset({"add", "object", "style", "weather"})


@dataclass(slots=True)
class Bench:
    """The picture while it is worked on: RGB in 0..1, and what shows through as `alpha` where it came with some."""

    rgb: Array
    alpha: Array | None
    dice: Dice
    weights: Path | None
    stop: Callable[[], bool]
    size: tuple[int, int]
    done: list[str] = field(default_factory=list)
    by_network: bool = False

    def shaped(self, change: Callable[[Array], Array]) -> None:
        """Change the shape of the picture, and of what shows through alike."""
        self.rgb = change(self.rgb)
        if self.alpha is not None:
            self.alpha = np.ascontiguousarray(change(np.repeat(self.alpha[..., None], 3, 2))[..., 0])


def carry_out(
    prompt: str,
    pictures: Sequence[Image.Image],
    seed: int,
    size: tuple[int, int],
    largest: int,
    weights: Path | None,
    stop: Callable[[], bool],
) -> Edited:
    """What `edit` promises."""
    steps = read(prompt)
    if not steps and len(pictures) < 2:
        raise CannotDo(
            "Nothing in this prompt is something that the embedded editor can do to a picture. It can: "
            + "; ".join(ABILITIES)
            + "."
        )
    rgb, alpha = _opened(pictures[0], largest)
    # A thing that wears the picture is drawn at the size that is asked for, 1024 where none is.
    drawn = _within(size[0] or size[1] or 1024, size[1] or size[0] or 1024, largest)
    bench = Bench(rgb, alpha, Dice(prompt, seed), weights, stop, drawn)
    if len(pictures) > 1 and not any(step.kind == "object" for step in steps):
        bench.rgb = shape.beside([rgb, *(_opened(picture, largest)[0] for picture in pictures[1:])])
        bench.alpha = None
        bench.done.append("put side by side")
    for step in sorted(steps, key=lambda step: ORDER.index(step.kind)):
        if stop():
            raise Stopped
        _take(bench, step, largest)
    kinds = {step.kind for step in steps}
    if "object" not in kinds:
        bench.rgb = shape.resize(bench.rgb, *_final(bench.rgb, size, largest))
    source = "compositeSynthetic" if kinds & PAINTED else "algorithmicallyEnhanced"
    if bench.by_network:
        source = "compositeWithTrainedAlgorithmicMedia"
    return Edited(Image.fromarray(_bytes(bench.rgb)), tuple(dict.fromkeys(bench.done)), source)


def _opened(picture: Image.Image, largest: int) -> tuple[Array, Array | None]:
    """RGB on white, and what shows through (None for nothing); no larger than what can come out."""
    width, height = _within(picture.width, picture.height, largest)
    whole = picture.convert("RGBA")
    if (width, height) != picture.size:
        whole = whole.resize((width, height), Image.Resampling.LANCZOS)
    pixels = np.asarray(whole).astype(np.float32) / 255
    alpha = np.ascontiguousarray(pixels[..., 3])
    rgb = 1 + (pixels[..., :3] - 1) * alpha[..., None]
    return np.ascontiguousarray(rgb), alpha if float(alpha.min()) < 0.99 else None


def _within(width: float, height: float, largest: int) -> tuple[int, int]:
    """The size, scaled down to the area and the longest side that are allowed."""
    scale = min(1.0, math.sqrt(largest * largest / (width * height)), largest / max(width, height))
    return max(1, int(width * scale)), max(1, int(height * scale))


def _final(rgb: Array, asked: tuple[int, int], largest: int) -> tuple[int, int]:
    """The size as asked; a side left open follows from the picture's own proportions."""
    rows, columns = rgb.shape[:2]
    width, height = asked
    if width and height:
        return width, height
    if width or height:
        factor = width / columns if width else height / rows
        return _within(width or columns * factor, height or rows * factor, largest)
    return _within(columns, rows, largest)


def _take(bench: Bench, step: Step, largest: int) -> None:
    """One step. Says in `done` what was done."""
    rgb, value, amount, dice = bench.rgb, step.value, step.amount, bench.dice
    match step.kind:
        case "crop":
            bench.shaped(lambda part: shape.crop(part, shape.ratio_of(value)))
            if value in ("circle", "round"):
                bench.rgb = shape.corners(bench.rgb, 0.5)
            bench.done.append(f"cropped to {value}")
        case "half":
            bench.shaped(lambda part: shape.half(part, value))
            bench.done.append(f"kept the {value} half")
        case "zoom":
            bench.shaped(lambda part: shape.zoom(part, amount))
            bench.done.append("kept the middle")
        case "rotate":
            bench.shaped(lambda part: shape.rotate(part, amount))
            bench.done.append(f"rotated by {amount:g}°")
        case "flip":
            bench.shaped(lambda part: shape.flip(part, value))
            bench.done.append(f"flipped {value}ly")
        case "fit":
            bench.rgb, bench.alpha = shape.fit(rgb, shape.ratio_of(value)), None
            bench.done.append(f"fitted into {value}")
        case "upscale":
            _upscale(bench, amount, largest)
        case "background":
            bench.rgb, bench.alpha = colour.backdrop(rgb, value, bench.alpha), None
            bench.done.append(f"{value} background")
        case "recolour":
            bench.rgb = colour.recolour(rgb, value, sky=amount == SKY)
            bench.done.append(f"recoloured {value}")
        case "tint":
            bench.rgb = colour.tint(rgb, value)
            bench.done.append(f"in shades of {value}")
        case "light":
            bench.rgb = colour.light(rgb, amount)
            bench.done.append("brighter" if amount > 1 else "darker")
        case "contrast":
            bench.rgb = colour.contrast(rgb, amount)
            bench.done.append("more contrast" if amount > 1 else "less contrast")
        case "saturation":
            bench.rgb = colour.saturation(rgb, amount)
            bench.done.append("more colourful" if amount > 1 else "less colourful")
        case "warmth":
            bench.rgb = colour.warmth(rgb, amount)
            bench.done.append("warmer" if amount > 0 else "cooler")
        case "grey":
            bench.rgb = colour.grey(rgb)
            bench.done.append("black and white")
        case "sepia":
            bench.rgb = colour.sepia(rgb, dice)
            bench.done.append("sepia")
        case "invert":
            bench.rgb = colour.invert(rgb)
            bench.done.append("inverted")
        case "sharpen":
            bench.rgb = colour.sharpen(rgb, amount)
            bench.done.append("sharpened")
        case "blur":
            bench.rgb = colour.blur(rgb, amount)
            bench.done.append("blurred")
        case "bokeh":
            bench.rgb = colour.bokeh(rgb)
            bench.done.append("blurred around the middle")
        case "vignette":
            bench.rgb = colour.vignette(rgb)
            bench.done.append("vignette")
        case "hour":
            bench.rgb = colour.hour(rgb, value, dice)
            bench.done.append(f"in the light of {value}")
        case "weather":
            bench.rgb = colour.weather(rgb, value, dice)
            bench.done.append(value)
        case "add":
            words, _, place = value.partition("|")
            bench.rgb, added = adding.add(rgb, words, place, dice)
            bench.done += added
        case "style":
            bench.rgb = _styled(bench, value)
            bench.done.append(
                {
                    "oil": "oil painting",
                    "pencil": "pencil drawing",
                    "pixel": "pixel art",
                    "ink": "ink wash",
                    "glass": "stained glass",
                    "polygons": "low poly",
                }.get(value, value)
            )
        case "round":
            bench.rgb = shape.corners(rgb)
            bench.done.append("round corners")
        case "border":
            bench.rgb = shape.border(rgb, colour_of(value))
            bench.done.append(f"{value} border")
        case "object":
            bench.rgb = objects.wear(value, rgb, bench.alpha, *bench.size)
            bench.done.append(f"on a {'T-shirt' if value == 'shirt' else value}")


def _upscale(bench: Bench, amount: float, largest: int) -> None:
    """Larger, as far as the limit lets it be."""
    rows, columns = bench.rgb.shape[:2]
    amount = min(max(1.0, amount), LARGEST_FACTOR)
    width, _ = _within(columns * amount, rows * amount, largest)
    factor = width / columns
    bench.rgb, network = upscale(bench.rgb, factor, bench.weights, bench.stop)
    if bench.alpha is not None:
        bench.alpha = cv2.resize(bench.alpha, bench.rgb.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    bench.by_network |= network
    bench.done.append(f"upscaled {factor:.3g}x ({'Real-ESRGAN' if network else 'bicubic, sharpened'})")


def _styled(bench: Bench, style: str) -> Array:
    rows, columns = bench.rgb.shape[:2]
    if style == "cartoon":
        small = _bytes(bench.rgb)
        flat = (
            cv2.pyrMeanShiftFiltering(small[..., ::-1].copy(), 8, 24)[..., ::-1] if rows * columns < 400_000 else small
        )
        for _ in range(3):
            flat = cv2.bilateralFilter(np.ascontiguousarray(flat), 7, 40, 7)
        grey = cv2.medianBlur(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), 5)
        block = max(7, round(min(rows, columns) * 0.012)) | 1
        lines = cv2.adaptiveThreshold(grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, block, 6)
        lines = cv2.GaussianBlur(lines, (0, 0), 0.7).astype(np.float32)[..., None] / 255
        bright = colour.luma(flat.astype(np.float32) / 255)[..., None] + 1e-3
        # Steps of light only: steps of each channel would bring colours that are not there.
        stepped = flat.astype(np.float32) / 255 * (np.round(bright * 9) / 9 / bright)
        return np.clip(colour.saturation(stepped, 1.3) * (0.15 + 0.85 * lines), 0, 1)
    canvas = Canvas(columns, rows, bench.stop)
    canvas.pixels = bench.rgb.copy()
    return finish(canvas, style, bench.dice).astype(np.float32) / 255


def _bytes(rgb: Array) -> Array:
    return np.ascontiguousarray(np.clip(rgb * 255 + 0.5, 0, 255).astype(np.uint8))
