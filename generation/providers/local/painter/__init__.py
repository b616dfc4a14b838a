"""The scene painter: pictures that follow a prompt, drawn from vectors and noise, with no model and no network.

    from generation.providers.local.painter import paint

    painting = paint("three red boats on a lake at sunset", seed=7, width=1024, height=1024)
    painting.image      # a PIL image, RGB
    painting.words()    # "Three red boats on a lake at sunset."

The same prompt, seed and size give the same bytes, in any process. Nothing slow is imported before the first picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

    from .scene import Scene

SMALLEST, LARGEST = 64, 2048  # pixels a side; what is smaller is painted larger and scaled down

__all__ = ["LARGEST", "SMALLEST", "Painting", "Stopped", "paint"]


class Stopped(Exception):
    """`stop()` said so before the picture was finished."""


@dataclass(frozen=True, slots=True)
class Painting:
    """A finished picture and what was understood of its prompt."""

    image: Image
    scene: Scene

    def words(self) -> str:
        """What the picture shows, as a short English sentence."""
        return self.scene.words()


def paint(prompt: str, *, seed: int, width: int, height: int, stop: Callable[[], bool] = lambda: False) -> Painting:
    """A picture of `prompt`, exactly `width` × `height` pixels (1 to 2048 each; ValueError beyond).

    Any text is painted; what it leaves open, or all of it when it is empty, is decided by `seed`. `stop` is asked
    between the stages of the work, a few times a second; when it is true, Stopped is raised.
    """
    if not (1 <= width <= LARGEST and 1 <= height <= LARGEST):
        raise ValueError(f"width and height must be 1 to {LARGEST} pixels, not {width}×{height}")
    from PIL import Image, ImageOps

    from .canvas import Canvas
    from .painting import paint_scene

    enlarged = max(1.0, SMALLEST / min(width, height))
    canvas = Canvas(min(LARGEST, round(width * enlarged)), min(LARGEST, round(height * enlarged)), stop)
    painting = paint_scene(prompt, seed, canvas)
    if enlarged == 1.0:
        return painting
    # A scene has no room on fewer pixels: it is painted larger, and its middle scaled down.
    return replace(painting, image=ImageOps.fit(painting.image, (width, height), Image.Resampling.LANCZOS))
