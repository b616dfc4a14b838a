"""The operator's words in the lower left corner of every picture: they say that a machine made it.

White on a plate of its own, so that they read on any ground. The plate lets nothing through, and where it stands
follows from the words and the picture's size alone: over a picture that came with the same label (from a pollweb that
this one asks, or to be changed) it lies exactly on that one.
"""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from PIL import Image, ImageDraw, ImageFont

from generation import aigc

# Of an operator who gives none; the second where the block of China's standard is written.
WORDS, CHINESE = "AI-generated", "AI 生成"
SHARE = 0.05  # of the picture's shorter side: the least height of the letters
LEGIBLE = 11  # pixels of an em that a small picture's label gets, if it can hold them in one line
LOWEST = 0.4  # em, the least height that words are taken to have: a dash alone would grow without end

FONT = Path(__file__).with_name("noto-sans-sc-bold-subset.woff2")
GROUND, EDGE, INK = (20, 20, 23, 255), (116, 116, 122, 255), (255, 255, 255, 255)

# In em.
MARGIN = 0.4  # from the picture's edges
ASIDE, ABOVE = 0.55, 0.42  # between the words and the plate's edges
LEADING = 1.25
ROUND = 0.38
FINER = 4  # times: the plate is drawn larger and made smaller, for smooth corners


class Box(NamedTuple):
    """Where a label stands, in pixels: the right and the lower side are the first outside."""

    left: int
    top: int
    right: int
    bottom: int


def current() -> str:
    """Today's words; "" where the operator wants none. Part of what a picture is."""
    said: bool | str = settings.DESIGN.marking.label
    if isinstance(said, str):
        return said
    return (CHINESE if aigc.is_on() else WORDS) if said else ""


def font_file() -> Path:
    """The file that `[marking] font` names, below POLLWEB_HOME unless it is a whole path; else the one shipped."""
    name = settings.DESIGN.marking.font
    return settings.POLLWEB_HOME / name if name else FONT


def lacking(words: str) -> str:
    """Those characters of `words` that the font has no picture of. OSError for a font that cannot be read."""
    font = _font(font_file(), 32)
    nothing = font.getmask("\ufffe")
    return "".join(dict.fromkeys(c for c in words if not c.isspace() and bytes(font.getmask(c)) == bytes(nothing)))


def draw(picture: Image.Image, words: str) -> tuple[Image.Image, Box]:
    """`picture` (RGB or RGBA) with the words in its corner, and where they are. OSError for a font that is away."""
    plate, box = _placed(words, picture.size, font_file())
    drawn = picture.copy()
    if drawn.mode == "RGBA":
        drawn.alpha_composite(plate, (box.left, box.top), (0, 0, box.right - box.left, box.bottom - box.top))
    else:
        drawn.paste(plate, (box.left, box.top), plate)
    return drawn, box


def box(words: str, size: tuple[int, int]) -> Box:
    """Where `draw` puts the words in a picture of this size."""
    return _placed(words, size, font_file())[1]


@lru_cache(maxsize=64)
def _placed(words: str, size: tuple[int, int], file: Path) -> tuple[Image.Image, Box]:
    em, lines = _layout(words, size, file)
    plate = _plate(lines, em, file)
    margin = round(MARGIN * em)
    left, top = max(0, min(margin, size[0] - plate.width)), max(0, size[1] - margin - plate.height)
    return plate, Box(left, top, min(size[0], left + plate.width), min(size[1], top + plate.height))


def _layout(words: str, size: tuple[int, int], file: Path) -> tuple[int, tuple[str, ...]]:
    """How large the words are written, in pixels of an em, and their lines: one, if there is room for it."""
    least = _least(words, min(size), file)
    for em in range(max(least, LEGIBLE), least - 1, -1):
        if _width(words, em, file) <= size[0] - 2 * MARGIN * em and _height(1, em) <= size[1]:
            return em, (words,)
    return least, _lines(words, size[0] - 2 * (MARGIN + ASIDE) * least, _font(file, least))


def _least(words: str, shorter: int, file: Path) -> int:
    """The em in which capitals, and these words above their line, are SHARE of the shorter side high."""
    font = _font(file, 1000)
    height = max(LOWEST, min(-font.getbbox(each, anchor="ls")[1] / 1000 for each in ("H", words)))
    return max(1, -int(-(SHARE * shorter) / height // 1))


def _lines(words: str, room: float, font: ImageFont.FreeTypeFont) -> tuple[str, ...]:
    """`words` in lines of at most `room` pixels; broken between words, or wherever a word alone is too long."""
    lines = [""]
    for word in words.split():
        for number, part in enumerate((word,) if font.getlength(word) <= room else tuple(word)):
            longer = f"{lines[-1]} {part}" if lines[-1] and not number else lines[-1] + part
            if not lines[-1] or font.getlength(longer) <= room:
                lines[-1] = longer
            else:
                lines.append(part)
    return tuple(lines)


def _width(line: str, em: int, file: Path) -> int:
    return round(_font(file, em).getlength(line) + 2 * ASIDE * em)


def _height(lines: int, em: int) -> int:
    return round((lines - 1) * LEADING * em + 0.73 * em + 2 * ABOVE * em)


def _plate(lines: tuple[str, ...], em: int, file: Path) -> Image.Image:
    font = _font(file, em)
    width, height = max(_width(line, em, file) for line in lines), _height(len(lines), em)
    large = Image.new("RGBA", (width * FINER, height * FINER), (*EDGE[:3], 0))
    edge = max(1, round(em / 22)) * FINER
    shape = (0, 0, large.width - 1, large.height - 1)
    ImageDraw.Draw(large).rounded_rectangle(shape, ROUND * em * FINER, fill=GROUND, outline=EDGE, width=edge)
    plate = large.resize((width, height), Image.Resampling.BOX)
    pen = ImageDraw.Draw(plate)
    for number, line in enumerate(lines):
        # The capitals stand in the middle of the plate's height; Chinese characters do then too.
        base = ABOVE * em + 0.73 * em + number * LEADING * em
        pen.text((width / 2, round(base)), line, INK, font, anchor="ms")
    return plate


@lru_cache(maxsize=32)
def _font(file: Path, em: int) -> ImageFont.FreeTypeFont:
    # Pillow's own layout: the other one depends on what the machine has.
    return ImageFont.truetype(file, em, layout_engine=ImageFont.Layout.BASIC)
