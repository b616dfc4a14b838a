"""What is mature: word rules on what is asked, a classifier on pictures that were made.

Mature results are never told to the feeds; with `safe=true` they are refused. Neither rule understands anything: they
keep the plainest things out, and a moderator the rest.
"""

import asyncio

from django.conf import settings

from generation.errors import ContentRefused, ProviderError
from generation.requests import ChatRequest, ImageRequest, Request, text_of
from generation.results import Result
from generation.safety import classifier, words

__all__ = ["admit", "categories", "is_mature", "judge", "score"]

REFUSED = "NSFW content detected. This request cannot be fulfilled when safe mode is enabled."

categories = words.categories


def is_mature(request: Request) -> bool:
    """By the words of the request: a picture's prompt, everything that people say in a conversation."""
    if isinstance(request, ChatRequest):
        return bool(categories("\n".join(text_of(message.get("content")) for message in request.messages)))
    return bool(categories(request.prompt))


def admit(request: Request) -> None:
    """ContentRefused for a picture that is to be safe and is asked for in mature words."""
    if isinstance(request, ImageRequest) and request.safe and (found := categories(request.prompt)):
        raise ContentRefused(f"{REFUSED} The prompt has words about: {', '.join(found)}.")


async def score(data: bytes) -> float | None:
    """How mature a picture is, from 0 to 1; None where the operator has turned that off."""
    if not settings.DESIGN.moderation.classifier:
        return None
    return await asyncio.to_thread(classifier.score, data)


async def judge(request: Request, result: Result) -> Result:
    """A picture with its score in `notes`. ContentRefused when it is mature and the request wants a safe one."""
    if not isinstance(request, ImageRequest) or not result.data:
        return result
    try:
        found = await score(result.data)
    except ValueError as exc:
        raise ProviderError("The picture that was made cannot be read.") from exc
    mature = found is not None and found >= settings.DESIGN.moderation.threshold
    if mature and request.safe:
        raise ContentRefused(REFUSED)
    if found is not None:
        result.notes["nsfw_score"] = round(found, 4)
    result.notes["is_mature"] = mature or is_mature(request)
    return result
