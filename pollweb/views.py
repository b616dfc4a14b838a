"""Pages of the site as a whole: what a reader prefers, what stands at well-known places, and what went wrong."""

from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from pollweb.lib.errors import BadRequest, NotFound, PollwebError

THEMES = ("light", "dark")
YEAR = 365 * 24 * 3600


@require_POST
def preferences(request: HttpRequest) -> HttpResponse:
    """Remember a theme (`light`, `dark`, or `system`: no cookie) or that the welcome was read, and go back."""
    target = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}):
        target = "/"
    response = HttpResponseRedirect(target)
    kept: dict[str, Any] = {"max_age": YEAR, "samesite": "Lax", "secure": settings.SESSION_COOKIE_SECURE}
    theme = request.POST.get("theme", "")
    if theme in THEMES:
        response.set_cookie("pollweb_theme", theme, **kept)
    elif theme == "system":
        response.delete_cookie("pollweb_theme", samesite="Lax")
    if request.POST.get("welcome") == "read":
        response.set_cookie("pollweb_welcome", "read", **kept)
    return response


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    lines = ("User-agent: *", "Disallow: /create", "Disallow: /jobs/", "Disallow: /preferences", "")
    return HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8")


def _page(request: HttpRequest, error: PollwebError) -> HttpResponse:
    return render(request, "error.html", {"error": error}, status=error.status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, BadRequest(_("This request cannot be understood.")))


def forbidden(request: HttpRequest, exception: PermissionDenied | SuspiciousOperation) -> HttpResponse:
    return _page(request, PollwebError(_("This page is not open to you."), code="forbidden", status=403))


def forged(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without its token: mostly one that stood open while cookies were cleared."""
    message = _("The form had expired. Go back, reload the page and send it again; cookies must be allowed.")
    return _page(request, PollwebError(message, code="form_expired", status=403))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, NotFound(_("There is nothing at this address.")))


def broken(request: HttpRequest) -> HttpResponse:
    message = _("Something broke on our side, and it has been written down. Try again in a moment.")
    return _page(request, PollwebError(message))
