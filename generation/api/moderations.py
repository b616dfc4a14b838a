"""`POST /v1/moderations`: what the word rules and the picture classifier say, in OpenAI's shape."""

import time
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from generation import inputs, safety
from generation.api import doors, responses
from generation.errors import InvalidParameter
from pollweb.accounts import line, tallies, usage
from pollweb.accounts.identity import identify
from pollweb.lib import http, ids, schema

NAME = "word-rules-and-open-nsfw"
# OpenAI's categories. The rules here know four of them; the others are never found.
CATEGORIES = (
    "sexual",
    "sexual/minors",
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/intent",
    "self-harm/instructions",
    "violence",
    "violence/graphic",
)
MOST_INPUTS = 32
MOST_CHARS = 100_000

FIELDS: schema.Fields = {
    "input": schema.either(
        schema.text(maxLength=MOST_CHARS),
        schema.listed(schema.text(), "One result for each.", minItems=1, maxItems=MOST_INPUTS),
        schema.listed(
            schema.either(
                schema.record({"type": {"const": "text"}, "text": schema.text()}, "", ["type", "text"]),
                schema.record(
                    {
                        "type": {"const": "image_url"},
                        "image_url": schema.record({"url": schema.text(minLength=1)}, "", ["url"]),
                    },
                    required=["type", "image_url"],
                ),
            ),
            "One result for all.",
            minItems=1,
            maxItems=MOST_INPUTS,
        ),
    ),
    "token": schema.text("A token; a header is the better place."),
}
MODERATIONS = schema.named(
    "Moderations",
    schema.record(
        {
            "id": schema.text(),
            "model": {"const": NAME},
            "results": schema.listed(
                schema.record(
                    {
                        "flagged": {"type": "boolean"},
                        "categories": schema.record({name: {"type": "boolean"} for name in CATEGORIES}),
                        "category_scores": schema.record({name: schema.number("", 0, 1) for name in CATEGORIES}),
                        "category_applied_input_types": {"type": "object"},
                    },
                    required=["flagged", "categories", "category_scores"],
                )
            ),
        },
        required=["id", "model", "results"],
    ),
)

Part = dict[str, Any]


@doors.methods("POST")
async def create(request: HttpRequest) -> HttpResponse:
    """`input`: a text, a list of texts (one result each), or a list of parts, texts and pictures (one result)."""
    body = http.json_body(request)
    wanted = _inputs(body.get("input"))
    principal = await identify(request, body)
    principal.require("text")
    async with line.turn(principal, "text", deadline=time.monotonic() + settings.DESIGN.deadlines.text):
        results = [await _judged(parts) for parts in wanted]
    # Cheap to answer, so cheap to count: written with the cached answers.
    tallies.note(principal.usage_key("moderation", NAME), usage.Counts(succeeded=1))
    answer = {"id": f"modr-{ids.request_id()}", "model": NAME, "results": results}
    return responses.json(answer, more={"Cache-Control": responses.PRIVATE, "X-Visibility": "private"})


def _inputs(given: Any) -> list[list[Part]]:
    """For each result, its parts as `{"type": "text"}` and `{"type": "image_url"}`."""
    if isinstance(given, str):
        given = [given]
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_INPUTS:
        raise InvalidParameter(f"input must be a text, or a list of 1 to {MOST_INPUTS} texts or parts.")
    if sum(len(item) for item in given if isinstance(item, str)) > MOST_CHARS:
        raise InvalidParameter(f"input holds more than {MOST_CHARS} characters.")
    if all(isinstance(item, str) for item in given):
        return [[{"type": "text", "text": text}] for text in given]
    parts = [{"type": "text", "text": item} if isinstance(item, str) else item for item in given]
    for part in parts:
        if not isinstance(part, dict) or part.get("type") not in ("text", "image_url"):
            raise InvalidParameter("Each part of input must have the type text or image_url.")
    return [parts]


async def _judged(parts: list[Part]) -> dict[str, Any]:
    scores = dict.fromkeys(CATEGORIES, 0.0)
    applied: dict[str, list[str]] = {name: [] for name in CATEGORIES}
    flagged: set[str] = set()
    for part in parts:
        if part["type"] == "text":
            for name in safety.categories(str(part.get("text") or "")):
                scores[name] = 1.0
                flagged.add(name)
                applied[name].append("text")
        elif (found := await safety.score((await inputs.look(_address(part))).data)) is not None:
            scores["sexual"] = max(scores["sexual"], found)
            applied["sexual"].append("image")
            if found >= settings.DESIGN.moderation.threshold:
                flagged.add("sexual")
    return {
        "flagged": bool(flagged),
        "categories": {name: name in flagged for name in CATEGORIES},
        "category_scores": scores,
        "category_applied_input_types": applied,
    }


def _address(part: Part) -> str:
    said = part.get("image_url")
    url = said.get("url") if isinstance(said, dict) else said
    if not isinstance(url, str) or not url:
        raise InvalidParameter("A picture in input needs image_url.url.")
    return url
