"""Errors in the shape that the caller's client knows: one per face of the API."""

import math
from http import HTTPStatus
from typing import Any

import orjson
from django.core.exceptions import BadRequest as DjangoBadRequest
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.http.request import RawPostDataException, UnreadablePostError

from pollweb.lib import schema
from pollweb.lib.errors import BadRequest, NotFound, PollwebError, TooLarge, Unavailable
from pollweb.lib.redis import RedisError

OPENAI_TYPES = {
    401: "authentication_error",
    402: "permission_error",
    403: "permission_error",
    429: "rate_limit_error",
    499: "cancelled",
}


def translated(exc: BaseException) -> PollwebError:
    """Any exception as one of ours. What nobody expected becomes a 500 that tells nothing about the inside."""
    match exc:
        case PollwebError():
            return exc
        case Http404():
            return NotFound("There is nothing at this address.")
        case PermissionDenied():
            return PollwebError("This is not allowed.", code="forbidden", status=403)
        case RequestDataTooBig():
            return TooLarge("The request body is too large.")
        case SuspiciousOperation() | DjangoBadRequest() | MultiPartParserError():
            return BadRequest("The request cannot be read.")
        case OperationalError() if "is full" in str(exc):  # SQLite's words, when a transaction found no room
            return PollwebError(
                "The disk of this server is full; nothing was stored. Tell its operator.",
                code="storage_full",
                status=507,
            )
        case OperationalError() | InterfaceError():
            return Unavailable("The database is away. Try again shortly.", code="database_away")
        case RedisError():
            return Unavailable("A part of this site is away. Try again shortly.", code="redis_away")
        case UnreadablePostError() | RawPostDataException():
            return BadRequest("The request body cannot be read.")
        case _:
            return PollwebError("Something went wrong here. The operator can find it by the request id.")


def reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Client Closed Request" if status == 499 else "Error"


def error_object(exc: PollwebError, request_id: str) -> dict[str, Any]:
    """The nested shape that OpenAI's clients read: of every error under /v1, and of a stream's error frame."""
    kind = OPENAI_TYPES.get(exc.status) or ("server_error" if exc.status >= 500 else "invalid_request_error")
    inner: dict[str, Any] = {"message": exc.message, "type": kind, "param": None, "code": exc.code}
    if exc.details:
        inner["details"] = exc.details
    return {"error": inner, "status": exc.status, "request_id": request_id}


ANTHROPIC_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}


def anthropic_object(exc: PollwebError, request_id: str) -> dict[str, Any]:
    """The shape that Anthropic's clients read: of every error under /v1/messages, and of its streams' error event."""
    kind = ANTHROPIC_TYPES.get(exc.status) or ("api_error" if exc.status >= 500 else "invalid_request_error")
    inner = {"type": kind, "message": exc.message, "code": exc.code}
    return {"type": "error", "error": inner, "status": exc.status, "request_id": request_id}


def _image_object(exc: PollwebError, request: HttpRequest, request_id: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "error": reason(exc.status),
        "message": exc.message,
        "status": exc.status,
        "code": exc.code,
        "details": exc.details or {},
        "debug": None,
        "timingInfo": [],
        "requestId": request_id,
        "request_id": request_id,
        "requestParameters": getattr(request, "error_context", {}),
        "queueInfo": None,
    }
    if exc.status == 404:
        body["path"] = request.path_info
    return body


def _flat_object(exc: PollwebError, request_id: str) -> dict[str, Any]:
    body: dict[str, Any] = {"error": exc.message, "status": exc.status, "code": exc.code, "request_id": request_id}
    if exc.details:
        body["details"] = exc.details
    return body


def _auth_object(exc: PollwebError, request: HttpRequest, request_id: str) -> dict[str, Any]:
    """The auth host's two shapes: `error` is true beside a message, or, of preferences, the message itself."""
    if request.path_info.startswith("/preferences"):
        return {"error": exc.message, "code": exc.code, "request_id": request_id}
    body: dict[str, Any] = {"error": True, "message": exc.message, "code": exc.code, "request_id": request_id}
    if exc.details:
        body["details"] = exc.details
    return body


_ID = schema.text("Finds this request in the operator's log; also the header X-Request-Id.")
_CODE = schema.text("What happened, for programs.")
_STATUS = schema.whole("The HTTP status.", 400, 599)
_MESSAGE = schema.text("What happened and what to do, for people.")
# The shapes below as the reference tells them, by the face that answers; `anthropic` is /v1/messages.
SHAPES: dict[str, schema.Schema] = {
    "image": schema.named(
        "ImageError",
        schema.record(
            {
                "error": schema.text("The status's name."),
                "message": _MESSAGE,
                "status": _STATUS,
                "code": _CODE,
                "details": {"type": "object"},
                "requestParameters": schema.record({}, "The parameters as they were understood."),
                "request_id": _ID,
            },
            required=["error", "message", "status", "code", "request_id"],
        ),
    ),
    "v1": schema.named(
        "OpenAIError",
        schema.record(
            {
                "error": schema.record(
                    {"message": _MESSAGE, "type": schema.text(), "param": {"type": "null"}, "code": _CODE},
                    required=["message", "type", "code"],
                ),
                "status": _STATUS,
                "request_id": _ID,
            },
            required=["error", "status", "request_id"],
        ),
    ),
    "anthropic": schema.named(
        "AnthropicError",
        schema.record(
            {
                "type": {"const": "error"},
                "error": schema.record(
                    {"type": schema.text(), "message": _MESSAGE, "code": _CODE}, required=["type", "message", "code"]
                ),
                "status": _STATUS,
                "request_id": _ID,
            },
            required=["type", "error", "status", "request_id"],
        ),
    ),
    "auth": schema.named(
        "AuthError",
        schema.record(
            {"error": {}, "message": _MESSAGE, "code": _CODE, "request_id": _ID},
            required=["error", "code", "request_id"],
        ),
    ),
    "flat": schema.named(
        "Error",
        schema.record(
            {"error": _MESSAGE, "status": _STATUS, "code": _CODE, "request_id": _ID},
            required=["error", "status", "code", "request_id"],
        ),
    ),
}


def shape_of(face: str, path: str) -> str:
    """The name in SHAPES of the errors at a path of a face; the path begins after the face's prefix."""
    if face == "v1":
        return "anthropic" if path.startswith("/messages") else "v1"
    return face if face in ("image", "auth") else "flat"


def error_response(exc: PollwebError, request: HttpRequest) -> HttpResponse:
    """The answer to `exc` in the shape of `request.face`; the image face shows a view's `request.error_context`."""
    face, request_id = getattr(request, "face", "root"), getattr(request, "id", "")
    status = exc.status
    if exc.code == "tier_too_low" and face in ("text", "v1"):
        status = 402  # the text host's number for it; the image host says 403
    if status != exc.status:
        exc = PollwebError(exc.message, code=exc.code, status=status, retry_after=exc.retry_after, details=exc.details)
    match shape_of(face, request.path_info):
        case "image":
            body = _image_object(exc, request, request_id)
        case "anthropic":
            body = anthropic_object(exc, request_id)
        case "v1":
            body = error_object(exc, request_id)
        case "auth":
            body = _auth_object(exc, request, request_id)
        case _:
            body = _flat_object(exc, request_id)
    response = HttpResponse(orjson.dumps(body, default=str), content_type="application/json", status=status)
    if face == "image":
        response["X-Error-Type"] = reason(status)
    if status == 405 and exc.details and "allow" in exc.details:
        response["Allow"] = ", ".join(exc.details["allow"])
    if status == 401:
        response["WWW-Authenticate"] = "Bearer"
    if exc.retry_after is not None:
        response["Retry-After"] = str(max(1, math.ceil(exc.retry_after)))
    return response
