"""The last hand laid on a picture: the operator's logo, then how and by what it was made, written into its file."""

import asyncio
import dataclasses
from typing import Any

from generation import logo, marking
from generation.models import Generation
from generation.requests import ImageRequest, Request
from generation.results import Result
from pollweb.accounts.identity import Principal

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
    """The request with what is decided by who asks: whether its picture gets the logo.

    Only who is registered may leave it out. A private picture has none anyway.
    """
    if not isinstance(request, ImageRequest):
        return request
    spared = visibility == "private" or (request.nologo and principal.is_registered)
    mark = "" if spared else logo.current()
    if (request.nologo, request.logo) == (spared, mark):
        return request
    return dataclasses.replace(request, nologo=spared, logo=mark)


async def finish(row: Generation, heard: Request, result: Result) -> Result:
    """The provider's picture as it is kept and given; everything else as it came.

    `heard` is what the provider was given, its prompt perhaps rewritten.
    """
    asked = row.request()
    if not isinstance(asked, ImageRequest) or not result.media_type.startswith("image/"):
        return result
    if heard.prompt != asked.prompt:
        result.notes["enhanced_prompt"] = heard.prompt
    mature = row.is_mature or bool(result.notes.get("is_mature"))
    return await asyncio.to_thread(_finished, asked, result, row.visibility == "private", mature)


def _finished(asked: ImageRequest, result: Result, private: bool, mature: bool) -> Result:
    data = logo.overlay(result.data) if asked.logo and not mature else result.data
    size = result.width or asked.width, result.height or asked.height
    data = marking.mark(
        data,
        model=asked.model,
        settings=_told(asked, result.notes, size, private, mature),
        source=source(result.notes),
    )
    return dataclasses.replace(result, data=data)


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


def source(notes: dict[str, Any]) -> str:
    """What kind of machine made it: a term of IPTC's list."""
    return str(notes.get("digital_source", "trainedAlgorithmicMedia"))
