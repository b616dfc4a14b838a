"""What every door does first."""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponseBase

from generation import idempotency
from generation.intake import Context
from pollweb.accounts.identity import Principal
from pollweb.lib.errors import MethodNotAllowed

View = Callable[..., Coroutine[Any, Any, HttpResponseBase]]


def methods(*allowed: str) -> Callable[[View], View]:
    """Refuse other methods with 405 and an Allow header."""

    def decorate(view: View) -> View:
        @wraps(view)
        async def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method not in allowed:
                raise MethodNotAllowed(
                    f"{request.method} is not possible here; use {' or '.join(a for a in allowed if a != 'HEAD')}.",
                    details={"allow": list(allowed)},
                )
            return await view(request, *args, **kwargs)

        return checked

    return decorate


def referrer(request: HttpRequest, body: dict[str, Any] | None = None) -> str:
    """Who says to have sent this: query, body, headers, in the public service's order; a host name or an identifier."""
    given = (
        request.GET.get("referrer"),
        request.GET.get("referer"),
        (body or {}).get("referrer"),
        (body or {}).get("referer"),
        request.headers.get("referer"),
        request.headers.get("referrer"),
        request.headers.get("origin"),
    )
    value = next((value for value in given if isinstance(value, str) and value), "")
    if value.startswith(("http://", "https://")):
        try:
            return urlsplit(value).hostname or ""
        except ValueError:
            return ""
    return value[:255]


def context(
    request: HttpRequest,
    principal: Principal,
    *,
    source_url: str = "",
    body: dict[str, Any] | None = None,
    streamed: bool = False,
    may_be_public: bool = True,
) -> Context:
    key = request.headers.get("idempotency-key", "") if request.method == "POST" else ""
    return Context(
        principal=principal,
        source_url=source_url,
        referrer=referrer(request, body),
        streamed=streamed,
        fresh="no-cache" in request.headers,
        may_be_public=may_be_public,
        idempotency_key=idempotency.checked(key) if key else "",
    )
