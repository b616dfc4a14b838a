"""The site lane's own middleware: a request id on every answer, the reader's language, and our errors as pages."""

from collections.abc import Callable

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.middleware.locale import LocaleMiddleware
from django.shortcuts import render
from django.utils import translation

from pollweb.lib import ids
from pollweb.lib.errors import PollwebError
from pollweb.lib.http.errors import translated

Handler = Callable[[HttpRequest], HttpResponse]


class RequestIds:
    """`request.id`, and `X-Request-Id` on the answer. Ids from outside are not believed."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.id = ids.request_id()  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["X-Request-Id"] = request.id  # type: ignore[attr-defined]
        return response


class Languages(LocaleMiddleware):
    """Django's choice of language (cookie, then Accept-Language), before which an address may say `?hl=zh-hans`."""

    def process_request(self, request: HttpRequest) -> None:
        asked = request.GET.get("hl", "").lower()
        if asked in dict(settings.LANGUAGES):
            translation.activate(asked)
            request.LANGUAGE_CODE = asked
        else:
            super().process_request(request)


class ErrorPages:
    """A PollwebError raised by a page's view, or a database that is full or away, becomes a page that says so."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, PollwebError | OperationalError | InterfaceError):
            return None
        error = translated(exception)
        response = render(request, "error.html", {"error": error}, status=error.status)
        if error.retry_after is not None:
            response["Retry-After"] = str(max(1, round(error.retry_after)))
        return response
