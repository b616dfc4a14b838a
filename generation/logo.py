"""The operator's logo in the corner of public pictures: which requests get it, and how it is put on."""

from functools import lru_cache
from pathlib import Path

from django.conf import settings
from PIL import Image

from generation import store
from generation.label import Box

MARGIN = 10  # pixels from the right and the lower edge
SHARE = 0.30  # of the picture's width


def path() -> Path | None:
    """The file that `[site] logo` names, below POLLWEB_HOME unless it is a whole path; None where there is none."""
    name = settings.DESIGN.site.logo
    return settings.POLLWEB_HOME / name if name else None


def is_readable(file: Path) -> bool:
    try:
        Image.open(file).verify()
    except Exception:  # whatever Pillow finds wrong with it
        return False
    return True


def current() -> str:
    """The digest of today's logo; "" where none is configured, or its file is away. Part of what a picture is."""
    file = path()
    try:
        return _digest(file, file.stat().st_mtime_ns) if file else ""
    except OSError:
        return ""


@lru_cache(maxsize=2)
def _digest(file: Path, changed: int) -> str:
    return store.digest_of(file.read_bytes())[:16]


@lru_cache(maxsize=2)
def _picture(file: Path, changed: int) -> Image.Image:
    return Image.open(file).convert("RGBA")


def draw(picture: Image.Image, label: Box | None) -> Image.Image:
    """`picture` (RGB or RGBA) with the logo in its lower right corner, above the label where they would meet; as it
    was when the logo is away, or there is no room for it in the lower half."""
    file = path()
    try:
        mark = _picture(file, file.stat().st_mtime_ns) if file else None
    except OSError:
        mark = None
    if mark is None:
        return picture
    width = max(1, round(picture.width * SHARE))
    height = max(1, round(width * mark.height / mark.width))
    left, bottom = picture.width - width - MARGIN, picture.height - MARGIN
    raised = label is not None and left < label.right
    if label and raised:
        bottom = label.top - MARGIN
    if left < 0 or bottom - height < (picture.height / 2 if raised else 0):
        return picture  # a picture of a few pixels has no corner to spare
    small = mark.resize((width, height), Image.Resampling.LANCZOS)
    drawn = picture.copy()
    drawn.paste(small, (left, bottom - height), small)
    return drawn
