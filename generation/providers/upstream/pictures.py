"""Pictures from upstreams: decoded, brought to the size that was asked for, and written anew."""

import asyncio
import io

from PIL import Image, ImageOps

from generation.providers.upstream.faults import garbled
from generation.requests import ImageRequest
from generation.results import Result

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
MOST_PIXELS = 40_000_000


class _Unusable(Exception):
    pass


async def result(provider: str, data: bytes, request: ImageRequest, made_by: str) -> Result:
    """The picture as a Result. ProviderError when the bytes are no picture, or only a part of one."""
    try:
        written, media_type, (width, height) = await asyncio.to_thread(rewritten, data, request)
    except _Unusable as exc:
        raise garbled(provider, str(exc)) from exc
    return Result(made_by=made_by, data=written, media_type=media_type, width=width, height=height)


def rewritten(data: bytes, request: ImageRequest) -> tuple[bytes, str, tuple[int, int]]:
    """JPEG, or PNG where transparency was asked for and is there; without the metadata it came with. And its size."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise _Unusable(f"the picture has more than {MOST_PIXELS} pixels")
            picture.load()
            whole = _upright(picture)
    except _Unusable:
        raise
    except Exception as exc:  # decoders raise whatever they like
        raise _Unusable("it is no picture, or only a part of one") from exc
    transparent = request.transparent and whole.has_transparency_data
    whole = whole.convert("RGBA" if transparent else "RGB")
    if whole.size != (size := _size(whole, request)):
        # An upstream with sizes of its own: as much of the picture as fits, from its middle.
        whole = ImageOps.fit(whole, size, Image.Resampling.LANCZOS)
    file = io.BytesIO()
    if transparent:
        whole.save(file, "PNG")
        return file.getvalue(), "image/png", size
    whole.save(file, "JPEG", quality=92, subsampling=0)
    return file.getvalue(), "image/jpeg", size


def _upright(picture: Image.Image) -> Image.Image:
    """Turned as its EXIF says; EXIF that cannot be read says nothing, and spoils no picture."""
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # readers of EXIF raise whatever they like
        return picture


def _size(picture: Image.Image, request: ImageRequest) -> tuple[int, int]:
    """As asked; a side that was left open follows from the other and the picture's own proportions."""
    if not (request.width or request.height):
        return picture.size
    width = request.width or round(picture.width * request.height / picture.height)
    height = request.height or round(picture.height * request.width / picture.width)
    return max(1, width), max(1, height)
