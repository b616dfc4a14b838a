"""The words in a picture, read by PP-OCR: Latin and Chinese letters."""

from typing import Any

import numpy as np
from PIL import Image

LEAST = 0.8  # of the reader's own trust in a line; with less it reads roofs and whiskers as letters
LONGEST_SIDE = 1600
MOST_LINES = 40
MOST_CHARS = 2000


class TextReader:
    """Loads its models at once (under a second; they come with the package)."""

    def __init__(self, *, threads: int) -> None:
        from rapidocr import RapidOCR

        self._engine: Any = RapidOCR(
            params={
                "Global.log_level": "critical",
                "EngineConfig.onnxruntime.intra_op_num_threads": threads,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )

    def lines(self, image: Image.Image) -> list[str]:
        """Line by line, from above. A second or two a picture."""
        image = image.copy()
        image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        found = self._engine(np.ascontiguousarray(np.asarray(image)[:, :, ::-1]))
        if not found.txts:
            return []
        read = zip(found.txts, found.scores, strict=True)
        lines = [text.strip() for text, share in read if share >= LEAST and _is_word(text)]
        kept: list[str] = []
        for line in lines[:MOST_LINES]:
            if sum(map(len, kept)) + len(line) <= MOST_CHARS:
                kept.append(line)
        return kept


def _is_word(text: str) -> bool:
    return sum(map(str.isalnum, text)) > 1 or any(ord(char) > 0x2E80 for char in text)
