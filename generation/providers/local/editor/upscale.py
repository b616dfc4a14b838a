"""Upscaling: Real-ESRGAN's small network through ncnn, tile by tile; without its file a sharpened bicubic.

`data/realesr-animevideov3-x4.param` is the network's description (xinntao/Real-ESRGAN, BSD-3-Clause), its weights
are the model file WEIGHTS. It always makes 4 × 4 pixels of one; 2 × 2 are made of these.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..painter import Stopped
from ..painter.noise import Array

WEIGHTS = "realesr-animevideov3-x4.bin"
PARAM = Path(__file__).parent / "data" / "realesr-animevideov3-x4.param"
FACTOR = 4
TILE = 192  # pixels of the input: about 250 MB while it is worked on
OVERLAP = 10  # pixels that a tile is given of its neighbours, so that no seam is seen


def upscale(rgb: Array, factor: float, weights: Path | None, stop: Callable[[], bool]) -> tuple[Array, bool]:
    """`rgb` (0..1) `factor` times as large, and whether the network did it. Raises Stopped between two tiles."""
    rows, columns = rgb.shape[:2]
    size = (max(1, round(columns * factor)), max(1, round(rows * factor)))
    if weights is None or not weights.is_file():
        larger = cv2.resize(rgb, size, interpolation=cv2.INTER_CUBIC)
        fine = larger - cv2.GaussianBlur(larger, (0, 0), 0.6 * max(1.0, factor))
        return np.clip(larger + fine * np.float32(0.6), 0, 1), False
    whole = _whole(_network(weights), np.ascontiguousarray(rgb, np.float32), stop)
    if whole.shape[1::-1] != size:
        way = cv2.INTER_AREA if size[0] < whole.shape[1] else cv2.INTER_CUBIC
        whole = np.clip(cv2.resize(whole, size, interpolation=way), 0, 1)
    return whole, True


@lru_cache(maxsize=1)
def _network(weights: Path) -> Any:
    import ncnn

    network = ncnn.Net()
    network.opt.use_vulkan_compute = False
    # Two threads that wait for each other on busy cores took three times as long as one (and 2.5 times the CPU).
    network.opt.num_threads = 1
    network.load_param(str(PARAM))
    network.load_model(str(weights))
    return network


def _whole(network: Any, rgb: Array, stop: Callable[[], bool]) -> Array:
    rows, columns = rgb.shape[:2]
    padded = cv2.copyMakeBorder(rgb, OVERLAP, OVERLAP, OVERLAP, OVERLAP, cv2.BORDER_REFLECT_101)
    larger = np.empty((rows * FACTOR, columns * FACTOR, 3), np.float32)
    inner = OVERLAP * FACTOR
    for top in range(0, rows, TILE):
        for left in range(0, columns, TILE):
            if stop():
                raise Stopped
            height, width = min(TILE, rows - top), min(TILE, columns - left)
            tile = padded[top : top + height + 2 * OVERLAP, left : left + width + 2 * OVERLAP]
            done = _tile(network, tile)[inner : inner + height * FACTOR, inner : inner + width * FACTOR]
            larger[top * FACTOR : (top + height) * FACTOR, left * FACTOR : (left + width) * FACTOR] = done
    return np.clip(larger, 0, 1)


def _tile(network: Any, tile: Array) -> Array:
    import ncnn

    planes = np.ascontiguousarray(tile.transpose(2, 0, 1))
    extractor = network.create_extractor()
    # A Mat over an array that is gone gives wrong results silently: clone it while the array is alive.
    extractor.input("data", ncnn.Mat(planes).clone())
    _, found = extractor.extract("output")
    return np.array(found).transpose(1, 2, 0)
