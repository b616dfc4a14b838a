"""`POST /v1/embeddings`: texts as vectors, by the embedded engine."""

import base64
import time
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from generation import embedding
from generation.api import doors, responses
from generation.errors import InvalidParameter, InvalidRequest, UnknownModel
from generation.wire.openai import STARTED
from pollweb.accounts import line, usage
from pollweb.accounts.identity import Principal, identify
from pollweb.lib import db, http

# OpenAI's names are answered too, so that clients work without a change; the answer says which model it was.
NAMES = (embedding.NAME, "text-embedding-3-small", "text-embedding-3-large", "text-embedding-ada-002")
MODEL = {"id": embedding.NAME, "object": "model", "created": int(STARTED), "owned_by": "embedded"}
MOST_TEXTS = 256
MOST_CHARS = 8000


@doors.methods("POST")
async def create(request: HttpRequest) -> HttpResponse:
    """`input` is a text or up to 256 of them; `input_type` "query" is for texts that look for others.

    `dimensions` is not read: the model has 384 and no others, and says so in its answer.
    """
    body = http.json_body(request)
    name = str(body.get("model") or embedding.NAME)
    if name not in NAMES:
        raise UnknownModel(f"Model not found: {name[:100]}. The embedding model here is {embedding.NAME}.")
    texts = _texts(body.get("input"))
    packed = _is_packed(body)
    query = str(body.get("input_type") or "").lower() in ("query", "search_query")
    principal = await identify(request, body)
    deadline = time.monotonic() + settings.DESIGN.deadlines.text
    async with line.turn(principal, deadline=deadline):
        vectors, tokens = await embedding.embed(texts, query=query, deadline=deadline)
    await db.run(_count, principal, tokens)
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": base64.b64encode(vector.astype("<f4").tobytes()).decode() if packed else vector.tolist(),
        }
        for index, vector in enumerate(vectors)
    ]
    answer = {
        "object": "list",
        "data": data,
        "model": embedding.NAME,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }
    more = {
        "X-Model-Used": f"embedded/{embedding.NAME}",
        "X-Visibility": "private",
        "Cache-Control": responses.PRIVATE,
    }
    return responses.json(answer, more=more)


def _texts(given: Any) -> list[str]:
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or len(texts) > MOST_TEXTS:
        raise InvalidParameter(f"input must be a text, or a list of 1 to {MOST_TEXTS} texts.")
    if not all(isinstance(text, str) for text in texts):
        raise InvalidParameter("input must hold texts; numbers of tokens mean nothing to the model here.")
    for text in texts:
        if not text.strip():
            raise InvalidParameter("input holds an empty text.")
        if len(text) > MOST_CHARS:
            raise InvalidRequest(
                f"input holds a text of {len(text)} characters; up to {MOST_CHARS} are possible.", code="input_too_long"
            )
    return texts


def _is_packed(body: dict[str, Any]) -> bool:
    """Whether vectors are wanted as base64 of little-endian float32."""
    format = body.get("encoding_format") or "float"
    if format not in ("float", "base64"):
        raise InvalidParameter(f"encoding_format is {str(format)[:40]!r}; allowed are float and base64.")
    return bool(format == "base64")


def _count(principal: Principal, tokens: int) -> None:
    usage.count(
        kind="embedding",
        model=embedding.NAME,
        team_id=principal.team_id,
        token_id=principal.token_id,
        succeeded=1,
        prompt_tokens=tokens,
    )
