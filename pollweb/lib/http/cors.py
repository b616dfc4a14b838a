"""Which browsers may read what: every face's cross-origin headers, as the public hosts send them."""

import re

from django.http import HttpRequest, HttpResponse

EXPOSED = (
    "X-Auth-Status, X-Auth-Reason, X-Debug-Token, X-Debug-Token-Source, X-Debug-Referrer, X-Debug-Legacy-Token-Match, "
    "X-Debug-Allowlist-Match, X-Debug-User-Id, X-Request-Id, X-Cache, X-Model-Used, X-Visibility, RateLimit, "
    "RateLimit-Policy, Retry-After, x-ratelimit-limit-requests, x-ratelimit-remaining-requests, "
    "x-ratelimit-reset-requests, X-Queue-Wait"
)
EVERYONE = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": EXPOSED}
METHODS, ANY_METHOD = "GET, POST, OPTIONS", "GET,HEAD,PUT,PATCH,POST,DELETE"

# Sent with every answer. The image and the auth host name what they take there too; the text host only when asked.
HEADERS: dict[str, dict[str, str]] = {
    "image": {
        **EVERYONE,
        "Access-Control-Allow-Methods": METHODS,
        "Access-Control-Allow-Headers": "Content-Type",
    },
    "auth": {
        **EVERYONE,
        "Access-Control-Allow-Methods": METHODS,
        "Access-Control-Allow-Headers": "Content-Type, Authorization",
    },
    "text": EVERYONE,
    "v1": EVERYONE,
    "root": EVERYONE,
}
NAMES = re.compile(r"[\w!#$%&'*+.^`|~, -]{1,4096}", re.ASCII)


def preflight(request: HttpRequest, face: str) -> HttpResponse:
    """The answer to OPTIONS, which never reaches a view."""
    if face == "auth":
        return HttpResponse(status=200)
    response = HttpResponse(status=204)
    del response["Content-Type"]
    if face != "image":
        asked = request.META.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "")
        response["Access-Control-Allow-Methods"] = ANY_METHOD
        response["Access-Control-Allow-Headers"] = asked if NAMES.fullmatch(asked) else "Content-Type, Authorization"
        response["Vary"] = "Access-Control-Request-Headers"
    return response
