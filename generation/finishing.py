"""The last hand laid on a result: a picture's label and logo, and what its file, or a sound's, says of who made it."""

import asyncio
import dataclasses
import io
from typing import Any

from PIL import Image

from generation import aigc, label, logo, marking, sound_marking
from generation.models import Generation
from generation.requests import ImageRequest, Request
from generation.results import Result
from pollweb.accounts.identity import Principal

# What a picture is written as when something has been drawn on it.
QUALITY = {"JPEG": {"quality": 92, "subsampling": 0, "optimize": True}, "WEBP": {"quality": 90}, "PNG": {}}
# What is told of a request in its picture's file, in the order of the guide's table.
TOLD = (
    "model",
    "seed",
    "width",
    "height",
    "enhance",
    "safe",
    "nologo",
    "negative_prompt",
    "quality",
    "guidance_scale",
    "transparent",
)


def settled(request: Request, principal: Principal, visibility: str) -> Request:
    """The request with what is not the caller's to decide: the label of every picture, and whether it gets the logo.

    Only who is registered may leave the logo out. A private picture has none anyway.
    """
    if not isinstance(request, ImageRequest):
        return request
    spared = visibility == "private" or (request.nologo and principal.is_registered)
    mark = "" if spared else logo.current()
    words = label.current()
    if (request.nologo, request.logo, request.label) == (spared, mark, words):
        return request
    return dataclasses.replace(request, nologo=spared, logo=mark, label=words)


async def finish(row: Generation, heard: Request, result: Result) -> Result:
    """The provider's picture or sound as it is kept and given; everything else as it came.

    `heard` is what the provider was given, its prompt perhaps rewritten.
    """
    if result.media_type.startswith("audio/") and result.data and (block := aigc.block(row.public_id)):
        return dataclasses.replace(result, data=_marked_sound(result.data, block))
    asked = row.request()
    if not isinstance(asked, ImageRequest) or not result.media_type.startswith("image/"):
        return result
    if heard.prompt != asked.prompt:
        result.notes["enhanced_prompt"] = heard.prompt
    mature = row.is_mature or bool(result.notes.get("is_mature"))
    return await asyncio.to_thread(_finished, row, asked, result, mature)


def _marked_sound(data: bytes, block: str) -> bytes:
    try:
        return sound_marking.mark(data, block)
    except sound_marking.Incomplete:  # a file that ends in its header
        return data


def _finished(row: Generation, asked: ImageRequest, result: Result, mature: bool) -> Result:
    # Whoever asked before the operator wanted a label gets it too.
    words, with_logo = asked.label or label.current(), bool(asked.logo) and not mature
    data, media_type = result.data, result.media_type
    if words or with_logo:
        data, media_type = _drawn(result.data, words, with_logo)
    size = result.width or asked.width, result.height or asked.height
    data = marking.mark(
        data,
        model=asked.model,
        settings=_told(asked, result.notes, size, row.visibility == "private", mature),
        xmp=_xmp(row, result.notes),
    )
    return dataclasses.replace(result, data=data, media_type=media_type)


def _drawn(data: bytes, words: str, with_logo: bool) -> tuple[bytes, str]:
    """The picture with the label `words`, if any, and the logo: in its own format, or as PNG where none is written."""
    with Image.open(io.BytesIO(data)) as opened:
        format = opened.format if opened.format in QUALITY else "PNG"
        picture = opened.convert("RGBA" if opened.has_transparency_data else "RGB")
    box = None
    if words:
        picture, box = label.draw(picture, words)
    if with_logo:
        picture = logo.draw(picture, box)
    written = io.BytesIO()
    picture.save(written, format, **QUALITY[format])
    return written.getvalue(), Image.MIME[format]


def told(row: Generation) -> dict[str, Any]:
    """What the file of a finished picture says of how it was made."""
    asked = row.request()
    assert isinstance(asked, ImageRequest)
    size = row.width or asked.width, row.height or asked.height
    return _told(asked, row.notes, size, row.visibility == "private", row.is_mature)


def _told(
    asked: ImageRequest, notes: dict[str, Any], size: tuple[int, int], private: bool, mature: bool
) -> dict[str, Any]:
    words = {"prompt": notes.get("enhanced_prompt", asked.text), "originalPrompt": asked.text}
    settings: dict[str, Any] = {name: getattr(asked, name) for name in TOLD}
    settings |= {"width": size[0], "height": size[1], "private": private}
    settings |= {"isMature": mature, "isChild": False, "nsfw": mature}
    # The words of a private request are nobody's but the asker's.
    return settings if private else words | settings


def xmp(row: Generation) -> bytes:
    """What the file of a finished picture says in every form of it: that a machine made it, and whose."""
    return _xmp(row, row.notes)


def _xmp(row: Generation, notes: dict[str, Any]) -> bytes:
    return marking.packet(source(notes), aigc.block(row.public_id))


def source(notes: dict[str, Any]) -> str:
    """What kind of machine made it: a term of IPTC's list."""
    return str(notes.get("digital_source", "trainedAlgorithmicMedia"))
