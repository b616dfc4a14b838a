"""A finished picture as somebody wants to keep it: in another type of file, with its settings inside or without."""

import io
import threading

from PIL import Image

from generation import finishing, marking, store
from generation.models import Generation
from generation.requests import ImageRequest

# (Pillow's name, media type, how it is saved)
FORMATS = {
    "png": ("PNG", "image/png", {"compress_level": 6}),
    "jpeg": ("JPEG", "image/jpeg", {"quality": 92}),
    "webp": ("WEBP", "image/webp", {"quality": 90, "method": 4}),
}
# Pictures that are encoded anew at a time in this process: each takes the memory of all its pixels.
_room = threading.BoundedSemaphore(2)


def media_type(row: Generation, format: str) -> str:
    """The type that `saved` gives."""
    assert row.artifact is not None
    return FORMATS[format][1] if format else row.artifact.media_type


def saved(row: Generation, format: str, with_settings: bool) -> bytes | None:
    """The picture's file; `format` is a name of FORMATS or "" for the type it has. None when the store has lost it.

    That a machine made it is said in the file either way.
    """
    assert row.artifact is not None
    data = store.read(row.artifact.digest)
    if data is None or (with_settings and media_type(row, format) == row.artifact.media_type):
        return data
    if media_type(row, format) != row.artifact.media_type:
        with _room:
            data = _encoded(data, format)
    asked = row.request()
    settings = finishing.told(row) if with_settings and isinstance(asked, ImageRequest) else None
    return marking.mark(data, model=row.model, settings=settings, xmp=finishing.xmp(row))


def _encoded(data: bytes, format: str) -> bytes:
    name, _, options = FORMATS[format]
    with Image.open(io.BytesIO(data)) as opened:
        picture = opened.convert("RGBA" if opened.has_transparency_data else "RGB")
    if name == "JPEG" and picture.mode == "RGBA":
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    file = io.BytesIO()
    picture.save(file, name, **options)
    return file.getvalue()
