"""What every answer of the API lane has in common: its id, its headers, its errors' shape, its line in the log."""

import logging

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from pollweb.accounts import identity, line, standing
from pollweb.handler import GetResponse, LeanRequest
from pollweb.lib.errors import MethodNotAllowed
from pollweb.lib.http import client_address, error_response, shortened
from pollweb.lib.http.cors import HEADERS, preflight
from pollweb.lib.http.errors import translated

errors = logging.getLogger("pollweb.errors")
access = logging.getLogger("pollweb.access")

# As Django keeps them: lower-case name → (name, value). Ready-made, since setting nine headers by name costs more
# than the rest of this module.
COMMON = {
    face: {
        name.lower(): (name, value)
        for name, value in {
            **headers,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        }.items()
    }
    for face, headers in HEADERS.items()
}

LIMITED = {"image": "image", "text": "text", "v1": "text"}


def answers(get_response: GetResponse) -> GetResponse:
    """Middleware: preflights, exceptions as answers, and the headers of every answer."""

    async def middleware(request: LeanRequest) -> HttpResponseBase:
        response: HttpResponseBase
        told = standing.begin()
        if request.method == "OPTIONS" and request.refused is None:
            response = preflight(request, request.face)
        else:
            try:
                identity.take_from_address(request)
                response = await get_response(request)
                if response.status_code == 405:
                    response = _not_allowed(response, request)
            except Exception as exc:
                response = _answer_to(exc, request)
        store = response.headers._store
        store.update(COMMON[request.face])
        if limits := await _limits(request, told):
            store.update(standing.headers(limits, told))
        if (reading := request.__dict__.get("reading")) is not None:
            reading.tell(store, debug=request.face == "image")
        store["x-request-id"] = ("X-Request-Id", request.id)
        if not response.streaming and "content-length" not in store and response.status_code not in (204, 304):
            store["content-length"] = ("Content-Length", str(len(response.content)))  # type: ignore[attr-defined]
        return response

    return middleware


async def _limits(request: LeanRequest, told: standing.Standing) -> line.Limits | None:
    """The limits that hold for this caller: those of what was asked, else of what this face makes first of all."""
    if told.limits is not None:
        return told.limits
    if request.face not in LIMITED or request.method == "OPTIONS" or request.refused is not None:
        return None
    if told.principal is None:
        try:
            told.principal = await identity.identify(request)
        except Exception:  # the answer is about something else
            return None
    return line.limits(told.principal, LIMITED[request.face])


def _answer_to(exc: Exception, request: LeanRequest) -> HttpResponse:
    error = translated(exc)
    fields = {"request_id": request.id, "face": request.face, "code": error.code}
    if error is not exc and error.status >= 500:
        errors.error("Unexpected %s", type(exc).__name__, exc_info=exc, extra={"fields": fields})
    elif error.status >= 500:
        errors.warning("%s", error.message, exc_info=error.__cause__, extra={"fields": fields})
    return error_response(error, request)


def _not_allowed(response: HttpResponseBase, request: LeanRequest) -> HttpResponse:
    """The same with a body, which Django's decorators leave out."""
    allowed = response.get("Allow", "")
    shaped = error_response(
        MethodNotAllowed(f"This address does not take {request.method}; it takes {allowed}."), request
    )
    shaped["Allow"] = allowed
    return shaped


def log(request: LeanRequest, status: int, seconds: float) -> None:
    """Observer: one line for each answer. Paths hold prompts and query strings tokens: the route is told instead."""
    if access.isEnabledFor(logging.INFO):
        fields = {
            "request_id": request.id,
            "face": request.face,
            "method": request.method,
            "route": request.resolver_match.route if request.resolver_match else "",
            "status": status,
            "ms": round(seconds * 1000, 2),
            "client": shortened(client_address(request)),
        }
        access.info("%s %d", request.method, status, extra={"fields": fields})
