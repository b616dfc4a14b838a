"""Prompts of pictures, rewritten by the default text model: in more detail where that was asked for, in English where
the engine reads nothing else. It takes a few seconds or does not happen; nobody is told when it does not."""

import asyncio
import dataclasses
import logging
import re
import time
from contextlib import aclosing
from typing import Any

from generation import catalogue, language
from generation.catalogue import ModelCard
from generation.providers import registry
from generation.requests import ChatRequest, ImageRequest, Request
from generation.results import Result

log = logging.getLogger(__name__)

SECONDS = 5.0
LONGEST_PROMPT = 4000  # characters that the text model is shown
LONGEST_ANSWER = 120  # tokens

ENHANCE = (
    "You write prompts for an image generator. Rewrite the user's prompt as one vivid English sentence of at most "
    "40 words. Keep every thing, number, colour and style that it names, and add light, surroundings and mood. "
    "Answer with the sentence only."
)
TRANSLATE = "Translate the user's text from {language} into English. Answer with the translation only."

# What the scene painter and the scene editor have words for.
EMBEDDED_READ = frozenset({language.ENGLISH, language.CHINESE})


async def worded(request: Request, card: ModelCard) -> Request:
    """The request as the engine is to hear it. A rewritten prompt stands before the original one, which stays."""
    if not isinstance(request, ImageRequest) or not (order := _order(request, card)):
        return request
    try:
        async with asyncio.timeout(SECONDS):
            said = _plain(await _answer(order, request))
    except Exception as exc:  # whatever the text model's reason is, the original prompt is good enough
        log.info("a prompt was left as it is: %s", type(exc).__name__)
        return request
    return dataclasses.replace(request, text=f"{said}\n\n{request.text}") if said else request


def _order(request: ImageRequest, card: ModelCard) -> str:
    """What the text model is told to do; "" for nothing. What is to be done to a given picture is only translated."""
    if request.enhance and not request.has_media:
        return ENHANCE
    spoken = language.of(request.text)
    read = EMBEDDED_READ if registry.is_local(card.sources[0].provider) else {language.ENGLISH}
    return "" if spoken in read else TRANSLATE.format(language=spoken)


async def _answer(order: str, request: ImageRequest) -> str:
    card = catalogue.default("text")
    source = card.sources[0]
    wish = ChatRequest(
        model=card.name,
        private=True,
        messages=(
            {"role": "system", "content": order},
            {"role": "user", "content": request.text[:LONGEST_PROMPT]},
        ),
        options={"temperature": 0.0, "max_tokens": LONGEST_ANSWER, "seed": request.seed % 2**31},
    )
    provider = registry.provider(source.provider)
    deadline = time.monotonic() + SECONDS
    answer: Any = provider.generate(wish, model=source.model, deadline=deadline)
    async with aclosing(answer) as pieces:
        async for piece in pieces:
            if isinstance(piece, Result) and piece.finish_reason == "stop":
                return str((piece.message or {}).get("content") or "")
    return ""


def _plain(said: str) -> str:
    """One paragraph without the quotes and labels that small models put around it."""
    said = re.sub(r"^\s*(?:prompt|translation|sentence)\s*:\s*", "", said.strip(), flags=re.IGNORECASE)
    return " ".join(said.split()).strip("\"“”'` ")
