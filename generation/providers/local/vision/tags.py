"""What a picture probably shows, as one of a thousand ImageNet names each: tags, no understanding."""

import tempfile
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from generation.providers.local.vision import network, weights
from generation.providers.local.vision.errors import ModelDamaged

NAMES = Path(__file__).with_name("data") / "names.txt"
SIDE = 224
LEAST = 0.08  # below, the network guesses
MOST = 4
# Rows of the thousand that belong together: a hundred kinds of dog share out what is certainly a dog.
FAMILIES = {
    "fish": ((0, 6), (389, 397)),
    "bird": ((7, 24), (80, 100), (127, 146)),
    "frog or newt": ((25, 32),),
    "turtle": ((33, 37),),
    "lizard": ((38, 48),),
    "snake": ((52, 68),),
    "spider": ((72, 77),),
    "crab or lobster": ((118, 125),),
    "dog": ((151, 268),),
    "fox": ((277, 280),),
    "cat": ((281, 285),),
    "big cat": ((286, 293),),
    "bear": ((294, 297),),
    "insect": ((300, 326),),
    "rabbit": ((330, 332),),
    "monkey": ((365, 382),),
    "elephant": ((385, 386),),
}
FAMILY_LEAST = 0.3
# Share of neighbouring pixels that are equal: more of them have drawings, pages and signs, which the network never saw.
DRAWN = 0.6


class Tag(NamedTuple):
    name: str
    share: float


@cache
def names() -> tuple[str, ...]:
    return tuple(NAMES.read_text(encoding="utf-8").splitlines())


class Tagger:
    """Loads the weights at once (ModelMissing, ModelDamaged); then 10 to 30 ms a picture, on one thread."""

    def __init__(self, path: Path) -> None:
        import ncnn

        try:
            layers, data = network.written(weights.load(path))
        except (KeyError, ValueError) as exc:
            raise ModelDamaged(f"the model file {path.name} holds another network") from exc
        self._net: Any = ncnn.Net()
        self._net.opt.num_threads = 1
        # Files, not memory: ncnn takes weights from memory as text only.
        with tempfile.TemporaryDirectory(prefix="pollweb-") as folder:
            Path(folder, "tags.param").write_text(layers, encoding="ascii")
            Path(folder, "tags.bin").write_bytes(data)
            if self._net.load_param(f"{folder}/tags.param") or self._net.load_model(f"{folder}/tags.bin"):
                raise ModelDamaged(f"the model file {path.name} does not load")

    def tags(self, image: Image.Image) -> list[Tag]:
        """Names with their probability, families such as `dog` first; none where nothing is likely."""
        import ncnn

        extractor = self._net.create_extractor()
        extractor.input("data", ncnn.Mat(_prepared(image)).clone())
        _, found = extractor.extract("prob")
        return _best(np.array(found))


def is_drawn(image: Image.Image) -> bool:
    """Even areas take most of it, as in a drawing, a page or a sign: what it shows cannot be told from tags."""
    small = np.asarray(image.convert("RGB").resize((160, 160), Image.Resampling.NEAREST), np.int16)
    return bool((np.abs(np.diff(small, axis=0)).max(2) <= 1).mean() >= DRAWN)


def _best(shares: np.ndarray) -> list[Tag]:
    """Families first, then single names, no name twice."""
    found: dict[str, float] = {}
    for family, spans in FAMILIES.items():
        share = float(sum(shares[first : last + 1].sum() for first, last in spans))
        if share >= FAMILY_LEAST:
            found[family] = share
    for index in np.argsort(shares)[::-1][:MOST]:
        if shares[index] >= LEAST:
            found[names()[index]] = found.get(names()[index], 0.0) + float(shares[index])
    return [Tag(name, min(1.0, share)) for name, share in found.items()]


def _prepared(image: Image.Image) -> np.ndarray:
    """The middle square, as the weights were trained: 3 x 224 x 224, (value - 127) / 128."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.resize((SIDE, SIDE), Image.Resampling.BICUBIC, (left, top, left + side, top + side))
    values = (np.asarray(square, np.float32) - 127) / 128
    return np.ascontiguousarray(values.transpose(2, 0, 1))
