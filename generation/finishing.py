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
    spared = visibility == "private" or (request.nologo and not principal.is_anonymous)
    return dataclasses.replace(request, nologo=spared, logo="" if spared else logo.current())


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
    words = {"prompt": result.notes.get("enhanced_prompt", asked.text), "originalPrompt": asked.text}
    settings: dict[str, Any] = {name: getattr(asked, name) for name in TOLD}
    settings |= {"width": result.width or asked.width, "height": result.height or asked.height, "private": private}
    settings |= {"isMature": mature, "isChild": False, "nsfw": mature}
    data = marking.mark(
        data,
        model=asked.model,
        # The words of a private request are nobody's but the asker's.
        settings=settings if private else words | settings,
        source=result.notes.get("digital_source", "trainedAlgorithmicMedia"),
    )
    return dataclasses.replace(result, data=data)
