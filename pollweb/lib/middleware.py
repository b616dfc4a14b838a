"""The site lane's own middleware: a request id on every answer, the reader's language and zone, our errors as pages."""

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.middleware.locale import LocaleMiddleware
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from pollweb.lib import ids, traces
from pollweb.lib.errors import MethodNotAllowed, PollwebError
from pollweb.lib.http.errors import error_response, translated
from pollweb.lib.redis import RedisError

Handler = Callable[[HttpRequest], HttpResponse]


class RequestIds:
    """`request.id`, its trace, and `X-Request-Id` on the answer. Ids from outside are not believed."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.id = ids.request_id()  # type: ignore[attr-defined]
        with traces.request(request, request.id, "site") as span:  # type: ignore[attr-defined]
            response = self.get_response(request)
            traces.answered(span, request, response.status_code)
        response["X-Request-Id"] = request.id  # type: ignore[attr-defined]
        return response


def signed_in(request: HttpRequest) -> Any:
    """Whoever is signed in; None for visitors, and while the database is away: pages that say so are drawn too."""
    try:
        user = getattr(request, "user", None)
        return user if user is not None and user.is_authenticated else None
    except (OperationalError, InterfaceError):
        return None


def preferred(request: HttpRequest, name: str) -> str:
    """What the account of whoever is signed in says about `name`; nothing for visitors."""
    user = signed_in(request)
    return str(user.settings.get(name, "")) if user is not None else ""


class Languages(LocaleMiddleware):
    """Django's choice of language (cookie, then Accept-Language), before which come `?hl=zh-hans` in the address and
    what the account says.
    """

    def process_request(self, request: HttpRequest) -> None:
        asked = request.GET.get("hl", "").lower() or preferred(request, "language")
        if asked in dict(settings.LANGUAGES):
            translation.activate(asked)
            request.LANGUAGE_CODE = asked
        else:
            super().process_request(request)


class Zones:
    """Times are written in the zone that the account says, and in UTC for everybody else."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        name = preferred(request, "time_zone")
        try:
            zone = ZoneInfo(name) if name else None
        except (ValueError, ZoneInfoNotFoundError):  # a zone that this system no longer knows
            zone = None
        with timezone.override(zone):
            return self.get_response(request)


class ErrorPages:
    """A PollwebError raised by a page's view, a method that a page does not take, or a database that is full or away
    becomes a page that says so; for programs that ask for JSON, the error as the API tells it.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if isinstance(response, HttpResponseNotAllowed):  # Django's own has no words
            said = {"method": request.method, "allowed": response["Allow"]}
            words = _("This address does not take %(method)s; it takes %(allowed)s.") % said
            shown = self._shown(request, MethodNotAllowed(words))
            shown["Allow"] = response["Allow"]
            return shown
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, PollwebError | OperationalError | InterfaceError | RedisError):
            return None
        return self._shown(request, translated(exception))

    def _shown(self, request: HttpRequest, error: PollwebError) -> HttpResponse:
        if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
            return error_response(error, request)
        response = render(request, "error.html", {"error": error}, status=error.status)
        if error.retry_after is not None:
            response["Retry-After"] = str(max(1, round(error.retry_after)))
        return response


class InvalidForms:
    """422 for a form that is shown again with its errors, whoever's view it is: allauth's and Django's say 200."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_template_response(self, request: HttpRequest, response: TemplateResponse) -> TemplateResponse:
        if request.method == "POST" and response.status_code == 200:
            shown = (response.context_data or {}).values()
            if any(isinstance(form, BaseForm) and form.is_bound and form.errors for form in shown):
                response.status_code = 422
        return response
