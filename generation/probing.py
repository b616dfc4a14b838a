"""A source is asked for one small thing, to see whether it works."""

import asyncio
import time
from contextlib import aclosing

import numpy as np

from generation import audio, catalogue, faults
from generation.catalogue import Source
from generation.providers import registry
from generation.requests import (
    ChatRequest,
    EmbeddingRequest,
    ImageRequest,
    Request,
    SpeechRequest,
    TranscriptionRequest,
)
from generation.results import Result
from pollweb.lib import db
from pollweb.lib.errors import PollwebError

SECONDS = 60.0

SMALL: dict[str, Request] = {
    "image": ImageRequest(model="probe", text="a red apple", width=64, height=64),
    "text": ChatRequest(model="probe", messages=({"role": "user", "content": "Say OK."},), options={"max_tokens": 4}),
    "audio": SpeechRequest(model="probe", text="OK."),
    "embedding": EmbeddingRequest(model="probe", texts=("OK.",)),
    "transcription": TranscriptionRequest(model="probe", data=audio.encode(np.zeros(audio.RATE // 2), "wav")),
}


def sources() -> list[tuple[Source, str]]:
    """Each configured source with what it makes, a key of SMALL."""
    found = {(source, kind) for kind in SMALL for card in catalogue.cards(kind).values() for source in card.sources}
    return sorted(found, key=str)


async def ask(source: Source, kind: str, seconds: float = SECONDS) -> Result:
    pieces = registry.provider(source.provider).generate(
        SMALL[kind], model=source.model, deadline=time.monotonic() + seconds
    )
    async with asyncio.timeout(seconds + 5), aclosing(pieces):  # type: ignore[type-var]
        async for piece in pieces:
            if isinstance(piece, Result):
                return piece
    raise AssertionError("a provider ended without a result")


async def probe(provider: str) -> None:
    """Ask all sources of one provider, one after the other, and keep how they did."""
    found = []
    for source, kind in sources():
        if source.provider != provider:
            continue
        began = time.monotonic()
        words = ""
        try:
            await ask(source, kind)
        except (PollwebError, TimeoutError) as error:
            words = str(error)[: faults.MOST_CHARS] or "no answer in time"
        seconds = round(time.monotonic() - began, 2)
        found.append({"model": source.model, "kind": kind, "seconds": seconds, "words": words})
    await db.run(faults.keep_probes, provider, found)
