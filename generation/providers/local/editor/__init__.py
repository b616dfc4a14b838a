"""The scene editor: changes a picture as plain words say, with image processing, vectors and one small network.

    from generation.providers.local.editor import edit

    edited = edit("upscale 2x, warmer, add a red balloon", [picture], seed=7, size=(0, 0), largest=2048)
    edited.image        # a PIL image, RGB
    edited.done         # ("warmer", "a red balloon", "upscaled 2x …")

It understands a list of instructions (`reading`), in English and Chinese; several in one sentence are all carried out.
The same picture, words and seed give the same bytes. Nothing slow is imported before the first edit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["ABILITIES", "CannotDo", "Edited", "edit"]

ABILITIES = (
    "upscale 2x or 4x",
    "turn it into a watercolour, an oil painting, a pencil drawing, an ink wash, pixel art, a cartoon or stained glass",
    "crop to a square or to 16:9, keep the left half, fit into 4:3",
    "rotate, flip, mirror",
    "brighter, darker, more contrast, warmer, cooler, more colourful, black and white, sepia, inverted",
    "blur, sharpen",
    "make it blue, make the car red, make the background white",
    "sunrise, sunset, dusk, night, snow, rain, fog",
    "add a red balloon, put two cats on the left",
    "add a white border, a vignette, round corners",
    "bake a cake from it, print it on a mug, a T-shirt, a poster, a pillow or a sticker",
)


class CannotDo(ValueError):
    """Nothing in the sentence is something that the editor does; says what it does."""


@dataclass(frozen=True, slots=True)
class Edited:
    """A finished picture and what was done to it in words; `source` is IPTC's word for how it came about."""

    image: Image
    done: tuple[str, ...]
    source: str


def edit(
    prompt: str,
    pictures: Sequence[Image],
    *,
    seed: int,
    size: tuple[int, int],
    largest: int,
    weights: Path | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Edited:
    """The first of `pictures`, changed as `prompt` says; further ones stand beside it.

    `size` is the result's in pixels, a side of 0 is the picture's own; the longest side and the area of a square of it
    are bounded by `largest`. `weights` is the upscaler's file; without it upscaling is a sharpened bicubic, and `done`
    says so. Raises CannotDo, and painter's Stopped when `stop()` says so between two steps.
    """
    from .editing import carry_out

    return carry_out(prompt, pictures, seed, size, largest, weights, stop)
