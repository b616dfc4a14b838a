"""`manage.py probe`: asks each configured source for one small thing, and says how it went."""

import asyncio
import sys
import time
from argparse import ArgumentParser
from contextlib import aclosing
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand

from generation import audio, catalogue
from generation.catalogue import Source
from generation.providers import registry, upstream
from generation.requests import (
    ChatRequest,
    EmbeddingRequest,
    ImageRequest,
    Request,
    SpeechRequest,
    TranscriptionRequest,
)
from generation.results import Result
from pollweb.lib.errors import PollwebError

SMALL: dict[str, Request] = {
    "image": ImageRequest(model="probe", text="a red apple", width=64, height=64),
    "text": ChatRequest(model="probe", messages=({"role": "user", "content": "Say OK."},), options={"max_tokens": 4}),
    "audio": SpeechRequest(model="probe", text="OK."),
    "embedding": EmbeddingRequest(model="probe", texts=("OK.",)),
    "transcription": TranscriptionRequest(model="probe", data=audio.encode(np.zeros(audio.RATE // 2), "wav")),
}


async def ask(source: Source, kind: str, seconds: float) -> Result:
    pieces = registry.provider(source.provider).generate(
        SMALL[kind], model=source.model, deadline=time.monotonic() + seconds
    )
    try:
        async with asyncio.timeout(seconds + 5), aclosing(pieces):  # type: ignore[type-var]
            async for piece in pieces:
                if isinstance(piece, Result):
                    return piece
    finally:
        await upstream.close()
    raise AssertionError("a provider ended without a result")


class Command(BaseCommand):
    help = "Ask each configured provider for one small thing of each kind it makes. Exit code 1 when one fails."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seconds", type=float, default=60, help="how long each may take")

    def handle(self, *args: Any, **options: Any) -> None:
        failed = 0
        sources = {
            (source, kind) for kind in SMALL for card in catalogue.cards(kind).values() for source in card.sources
        }
        for source, kind in sorted(sources, key=str):
            began = time.monotonic()
            try:
                result = asyncio.run(ask(source, kind, options["seconds"]))
                said = f"ok\t{result.made_by}"
            except (PollwebError, TimeoutError) as exc:
                failed += 1
                said = f"failed\t{exc or 'no answer in time'}"
            self.stdout.write(f"{source}\t{kind}\t{time.monotonic() - began:.1f} s\t{said}")
        if failed:
            self.stderr.write(f"{failed} of {len(sources)} failed.")
            sys.exit(1)
