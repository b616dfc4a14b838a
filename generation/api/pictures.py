"""`/v1/images/generations` and `/v1/images/edits`: OpenAI's doors to pictures. What comes through them is private."""

import asyncio
import dataclasses
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse

from generation import catalogue, intake, media
from generation.api import doors, files, responses
from generation.errors import InvalidRequest
from generation.intake import Answer
from generation.models import Generation
from generation.requests import ImageRequest
from generation.wire import pictures, pollinations
from pollweb.accounts.identity import identify
from pollweb.lib import http
from pollweb.lib.errors import NotFound


@doors.methods("POST")
async def generations(request: HttpRequest) -> HttpResponse:
    """`POST /v1/images/generations`: pictures from words."""
    body = http.json_body(request)
    card = catalogue.image(str(body.get("model") or ""))
    return await _answer(request, body, pictures.requests(body, card))


@doors.methods("POST")
async def edits(request: HttpRequest) -> HttpResponse:
    """`POST /v1/images/edits`: given pictures changed; as addresses in JSON, or as files of a form."""
    body, images = await given(request)
    if not images:
        raise InvalidRequest(
            "An edit needs a picture: a file in the form field image, or its address in the JSON field image.",
            code="input_not_readable",
        )
    card = catalogue.image(str(body.get("model") or _editor()))
    return await _answer(request, body, pictures.requests(body, card, images))


def _editor() -> str:
    """The first model that changes pictures; "" where there is none."""
    return next((card.name for card in catalogue.cards("image").values() if card.edits), "")


async def given(request: HttpRequest) -> tuple[dict[str, Any], tuple[str | bytes, ...]]:
    """The fields of a POST's JSON object or form, and the pictures that came with it, by address or as bytes.

    A body of another type has none. BadRequest for one that is not what its type says.
    """
    if request.content_type == "application/json" and request.body:
        body = http.json_body(request)
        return body, tuple(address for name in ("image", "images") for address in _addresses(body.pop(name, None)))
    if request.content_type == "multipart/form-data":
        fields, uploaded = await asyncio.to_thread(http.form, request)
        named = [name for name in ("image", "image[]") if name in fields or name in uploaded]
        data = [file.read() for name in named for file in uploaded.getlist(name)]
        addresses = [address for name in named for address in pollinations.image_addresses(fields.getlist(name))]
        return {name: value for name, value in fields.items() if name not in named}, (*addresses, *data)
    return {}, ()


def _addresses(value: Any) -> list[str]:
    """The addresses in a JSON field: one text, OpenAI's {"image_url": …}, or a list of these."""
    if isinstance(value, str):
        return list(pollinations.image_addresses([value]))
    if isinstance(value, Mapping):
        inner = value.get("image_url", value.get("url"))
        return _addresses(inner) if isinstance(inner, str | Mapping) else []
    return [address for each in value for address in _addresses(each)] if isinstance(value, list) else []


async def _answer(request: HttpRequest, body: dict[str, Any], wanted: tuple[ImageRequest, ...]) -> HttpResponse:
    """All pictures of one request. When one cannot be made, none is told, and the others are given up."""
    format = pictures.format_of(body)
    context = doors.context(request, await identify(request, body), body=body, may_be_public=False)
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_one(one, _numbered(context, i), format)) for i, one in enumerate(wanted)]
    except* Exception as failed:
        raise _first(failed) from None
    made = [task.result() for task in tasks]
    answer = made[0][0]
    data = {"created": int(answer.row.created_at.timestamp()), "data": [datum for _, datum in made]}
    return responses.json(data, more=responses.headers(answer) | {"Cache-Control": responses.PRIVATE})


def _numbered(context: intake.Context, number: int) -> intake.Context:
    """The caller's Idempotency-Key stands for one generation: each picture after the first has one of its own."""
    if not (number and context.idempotency_key):
        return context
    return dataclasses.replace(context, idempotency_key=f"{number}#{context.idempotency_key}"[:255])


def _first(failed: BaseExceptionGroup[Exception]) -> Exception:
    error: BaseException = failed
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, Exception)
    return error


async def _one(wanted: ImageRequest, context: intake.Context, format: str) -> tuple[Answer, dict[str, Any]]:
    async with intake.generate(wanted, context) as answer:
        row = await answer.result()
        if format == "url":
            return answer, pictures.datum(row, url=files.address(row))
        return answer, pictures.datum(row, data=await _bytes(row))


async def _bytes(row: Generation) -> bytes:
    data = await media.load(row.artifact.digest) if row.artifact else None
    if data is None:
        raise NotFound("The file of this result is no longer available. Make it again.", code="file_lost")
    return data
