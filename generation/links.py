"""A paragraph after some plain answers, such as a link to the service. Off unless the operator gives a text.

It is added when an answer is given, not when it is made: feeds, gallery and cache hold the model's own words.
"""

import hashlib

from django.conf import settings

from generation.models import Generation
from generation.requests import ChatRequest, text_of


def addition(row: Generation, tier: str) -> str:
    """What is added to the words of a finished answer for a caller of this tier, its blank line included; mostly "".

    A hash of the answer's id decides, so that a replay is the same.
    """
    links = settings.DESIGN.links
    if not links.text or tier in links.exempt or not _chosen(row, links.share):
        return ""
    request, message = row.request(), row.message or {}
    if not isinstance(request, ChatRequest) or request.json_mode or request.options.get("tools"):
        return ""
    if not message.get("content") or message.get("tool_calls") or message.get("audio"):
        return ""
    if any(links.text in text_of(said.get("content")) for said in (*request.messages, message)):
        return ""
    return f"\n\n{links.text}"


def _chosen(row: Generation, share: float) -> bool:
    drawn = int.from_bytes(hashlib.sha256(row.pk.bytes).digest()[:8], "big")
    return drawn < share * 2**64
