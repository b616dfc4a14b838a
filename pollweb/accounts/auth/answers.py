"""JSON in and out of the auth API."""

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse

from pollweb.lib import http

NO_STORE = "private, no-store"


def answer(data: Any, *, cache: str = NO_STORE, status: int = 200) -> HttpResponse:
    response = HttpResponse(orjson.dumps(data), content_type="application/json", status=status)
    response["Cache-Control"] = cache
    return response


def body_of(request: HttpRequest) -> dict[str, Any]:
    """The JSON object of a POST; an empty body is an empty object."""
    return http.json_body(request) if request.body else {}
