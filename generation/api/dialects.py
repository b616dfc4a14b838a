"""Text models in two more dialects: `POST /v1/responses` (OpenAI's newer one) and `POST /v1/messages` (Anthropic's).

Programs that speak these expect no audience: what they ask for is private.
"""

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from generation import catalogue, intake
from generation.api import doors
from generation.api import responses as answers
from generation.models import Generation
from generation.requests import ChatRequest
from generation.wire import anthropic, responses, values
from pollweb.accounts.identity import identify
from pollweb.lib import http

Told = Callable[[Generation], Mapping[str, Any]]


@doors.methods("POST")
async def create_response(request: HttpRequest) -> HttpResponseBase:
    """`POST /v1/responses`, stateless."""
    body = http.json_body(request)
    wanted = responses.chat_request(body, _card(body))
    return await _answer(request, body, wanted, lambda row: responses.response(row, body), responses.Stream(body))


@doors.methods("POST")
async def create_message(request: HttpRequest) -> HttpResponseBase:
    """`POST /v1/messages`."""
    body = http.json_body(request)
    return await _answer(
        request, body, anthropic.chat_request(body, _card(body)), anthropic.message, anthropic.Stream()
    )


def _card(body: Mapping[str, Any]) -> catalogue.ModelCard:
    return catalogue.find(str(body.get("model") or ""), ("text",))


async def _answer(
    request: HttpRequest, body: dict[str, Any], wanted: ChatRequest, told: Told, dialect: answers.Dialect
) -> HttpResponseBase:
    streamed = values.stream_flag(body.get("stream", ""))
    context = doors.context(request, await identify(request), body=body, streamed=streamed, may_be_public=False)
    if streamed:
        stack = AsyncExitStack()
        answer = await stack.enter_async_context(intake.generate(wanted, context))
        return await answers.event_stream(
            stack,
            answer,
            dialect,
            request_id=request.id,  # type: ignore[attr-defined]
        )
    async with intake.generate(wanted, context) as answer:
        row = await answer.result()
        return answers.json(told(row), more=answers.headers(answer) | {"Cache-Control": "no-store"})
