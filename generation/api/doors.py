"""What every door does first."""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from generation import idempotency
from generation.intake import Context
from pollweb.accounts import domains, referrers, standing
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

        checked.methods = allowed  # type: ignore[attr-defined]
        return checked

    return decorate


def referrer(request: HttpRequest, body: dict[str, Any] | None = None) -> str:
    """Who says to have sent this: a host name or an identifier; "" for what cannot be read in one way only."""
    claim = domains.named(referrers.said(request, body))
    return claim.pattern[:255] if claim else ""


def context(
    request: HttpRequest,
    principal: Principal,
    *,
    source_url: str = "",
    body: dict[str, Any] | None = None,
    streamed: bool = False,
    may_be_public: bool = True,
) -> Context:
    standing.note(principal=principal)
    key = request.META.get("HTTP_IDEMPOTENCY_KEY", "") if request.method == "POST" else ""
    return Context(
        principal=principal,
        source_url=source_url,
        referrer=referrer(request, body),
        streamed=streamed,
        fresh="HTTP_NO_CACHE" in request.META,
        may_be_public=may_be_public,
        idempotency_key=idempotency.checked(key) if key else "",
        request_id=getattr(request, "id", ""),
    )
