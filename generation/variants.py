"""Other forms of a finished picture: smaller ones for the pages, a card for links, a placeholder of a few pixels.

Made in the background after the picture, from bytes that generation.finishing has written itself. Their names are
`avif-320`, `webp-640`, …, `card`; an artifact says under `variants` which of them it has. None is ever enlarged.
"""

import base64
import io
import logging
from collections.abc import Iterator
from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone
from PIL import Image

from generation import finishing, label, store
from generation.models import Artifact

log = logging.getLogger(__name__)

WIDTHS = (320, 640, 1280)
# (Pillow's name, media type, how it is saved). AVIF at speed 8 costs half of what 6 does, for files of the same size.
FORMATS = {
    "avif": ("AVIF", "image/avif", {"quality": 55, "speed": 8}),
    "webp": ("WEBP", "image/webp", {"quality": 78, "method": 4}),
}
CARD = (1200, 630)  # what a link to the picture shows elsewhere
PLACEHOLDER_SIDE = 16
# A picture that nobody's message led to is looked for when it is this old: its message was lost.
OVERLOOKED = timedelta(seconds=60)
BATCH = 20

SMALLER = frozenset(f"{format}-{width}" for format in FORMATS for width in WIDTHS)
NAMES = SMALLER | {"card"}


def srcset(original: str, width: int) -> str:
    """In HTML's notation: the picture at the address `original`, and its smaller forms beside it."""
    base = original.removesuffix("original")
    smaller = [f"{base}webp-{each} {each}w" for each in WIDTHS if each < width]
    return ", ".join([*smaller, f"{original} {width}w"]) if smaller else ""


def media_type(name: str) -> str:
    return "image/jpeg" if name == "card" else FORMATS[name.partition("-")[0]][1]


def wanted() -> QuerySet[Artifact]:
    """Pictures of generations that have not been through `make`."""
    return Artifact.objects.filter(
        varied_at=None, media_type__startswith="image/", generations__isnull=False
    ).distinct()


def overlooked() -> list[str]:
    """Digests of pictures whose message was lost, oldest first, a few at a time."""
    late = wanted().filter(touched_at__lt=timezone.now() - OVERLOOKED)
    return list(late.order_by("touched_at").values_list("pk", flat=True)[:BATCH])


def make(digest: str) -> bool:
    """Make what an artifact lacks. False when there is nothing to be done. Raises StorageFull."""
    artifact = wanted().filter(pk=digest).first()
    row = artifact.generations.order_by("pk").first() if artifact else None
    data = store.read(digest) if row else None
    if artifact is None or row is None:
        return False
    found: dict[str, str] = {}
    fields = {}
    if data is not None:  # lost bytes have no forms, and are not looked for again
        with Image.open(io.BytesIO(data)) as opened:
            picture = opened.convert("RGBA" if "A" in opened.getbands() else "RGB")
        words = row.params.get("label") or label.current()
        found = {name: store.put(made) for name, made in _forms(picture, words, finishing.xmp(row))}
        fields = {"placeholder": _placeholder(picture), "colour": _colour(picture)}
    if not Artifact.objects.filter(pk=digest).update(variants=found, varied_at=timezone.now(), **fields):
        for form in found.values():  # it was erased meanwhile
            store.remove(form, unless=Artifact.objects.filter(pk=form).exists)
    return True


def _forms(picture: Image.Image, words: str, xmp: bytes) -> Iterator[tuple[str, bytes]]:
    for width in WIDTHS:
        if width < picture.width:
            height = max(1, round(picture.height * width / picture.width))
            smaller = picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3)
            for name in FORMATS:
                yield f"{name}-{width}", _saved(smaller, name, xmp)
    yield "card", _card(picture, words, xmp)


def _saved(picture: Image.Image, name: str, xmp: bytes) -> bytes:
    format, _, options = FORMATS[name]
    file = io.BytesIO()
    picture.save(file, format, xmp=xmp, **options)
    return file.getvalue()


def _card(picture: Image.Image, words: str, xmp: bytes) -> bytes:
    """The picture, cut to the card's shape around its middle, on white where it is transparent.

    Its label is cut off as a whole, and then drawn anew, or not at all: rather, a little less is cut off there.
    """
    wide, high = CARD
    scale = max(wide / picture.width, high / picture.height)
    width, height = round(wide / scale), round(high / scale)
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    gone = False
    if words:
        box = label.box(words, picture.size)
        gone = box.right <= left or box.top >= top + height
        if not gone:
            left, top = min(left, box.left), max(top, box.bottom - height)
    cut = picture.resize(
        CARD, Image.Resampling.LANCZOS, box=(left, top, left + width, top + height), reducing_gap=3
    ).convert("RGBA")
    card = Image.alpha_composite(Image.new("RGBA", CARD, "white"), cut).convert("RGB")
    if gone:
        card, _ = label.draw(card, words)
    file = io.BytesIO()
    card.save(file, "JPEG", quality=82, xmp=xmp)
    return file.getvalue()


def _placeholder(picture: Image.Image) -> str:
    tiny = picture.convert("RGB")
    tiny.thumbnail((PLACEHOLDER_SIDE, PLACEHOLDER_SIDE), reducing_gap=2)
    file = io.BytesIO()
    tiny.save(file, "WEBP", quality=30, method=6)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"


def _colour(picture: Image.Image) -> str:
    red, green, blue = picture.convert("RGB").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))  # type: ignore[misc]
    return f"#{red:02x}{green:02x}{blue:02x}"
