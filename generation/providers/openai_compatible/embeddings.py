"""Texts as vectors in OpenAI's dialect: `/embeddings`."""

from typing import Any

import numpy as np
import orjson

from generation.providers.upstream import Upstream, garbled
from generation.requests import EmbeddingRequest
from generation.results import Result, Usage

BYTES = 64 * 2**20  # 256 texts of 4,096 numbers, each number written out
MOST_NUMBERS = 16_384  # of one vector
# Only some servers know these; `input_type` is how those say "query" that tell the two apart.
OPTIONAL = frozenset({"encoding_format", "dimensions", "input_type"})


async def vectors(
    upstream: Upstream, request: EmbeddingRequest, model: str, *, made_by: str, deadline: float
) -> Result:
    body: dict[str, Any] = {"model": model, "input": list(request.texts), "encoding_format": "float"}
    if request.dimensions:
        body["dimensions"] = request.dimensions
    if request.query:
        body["input_type"] = "query"
    call = upstream.call("POST", "embeddings", json=body, deadline=deadline, optional=OPTIONAL)
    async with call as answer:
        said = await answer.whole(BYTES)
    try:
        told = orjson.loads(said)
        items = sorted(told["data"], key=lambda item: item["index"])
        made = [np.asarray(item["embedding"], np.float32) for item in items]
        tokens = int((told.get("usage") or {}).get("prompt_tokens") or 0)
    except (orjson.JSONDecodeError, LookupError, TypeError, ValueError, AttributeError):
        raise garbled(upstream.name, "it holds no vectors") from None
    lengths = {vector.shape for vector in made}
    if len(made) != len(request.texts) or len(lengths) != 1:
        raise garbled(upstream.name, "it holds not one vector for each text")
    [shape] = lengths
    if len(shape) != 1 or not 0 < shape[0] <= MOST_NUMBERS or not all(np.isfinite(vector).all() for vector in made):
        raise garbled(upstream.name, "its vectors are none")
    return Result(made_by=made_by, vectors=made, usage=Usage(prompt_tokens=max(0, tokens)))
