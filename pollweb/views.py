"""Pages of the site as a whole: what a reader prefers, what stands at well-known places, and what went wrong."""

from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django.views.i18n import set_language

from pollweb.accounts.preferences import keep
from pollweb.gallery.announcements import CLOSED, MOST_CLOSED
from pollweb.lib.errors import BadRequest, NotFound, PollwebError

THEMES = ("light", "dark")
GALLERY = {"density": ("small", "large"), "paging": ("pages",)}  # besides what is usual
YEAR = 365 * 24 * 3600


@require_POST
def preferences(request: HttpRequest) -> HttpResponse:
    """Remember a theme (`light`, `dark`, or `system`: no cookie), how the gallery is shown, that the welcome was read
    or an announcement closed, and go back."""
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
    if theme in (*THEMES, "system") and request.user.is_authenticated:
        keep(request.user, theme=theme if theme in THEMES else "")
    for name, values in GALLERY.items():
        if (value := request.POST.get(name, "")) in values:
            response.set_cookie(f"pollweb_{name}", value, **kept)
        elif value == "usual":
            response.delete_cookie(f"pollweb_{name}", samesite="Lax")
        if value in (*values, "usual") and request.user.is_authenticated:
            keep(request.user, **{name: value if value in values else ""})
    if request.POST.get("welcome") == "read":
        response.set_cookie("pollweb_welcome", "read", **kept)
    if (closed := request.POST.get("announcement", "")).isdecimal() and len(closed) < 20:
        others = [each for each in request.COOKIES.get(CLOSED, "").split(".") if each.isdecimal() and each != closed]
        response.set_cookie(CLOSED, ".".join([closed, *others[: MOST_CLOSED - 1]]), **kept)
    return response


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Django's, which sets a cookie; whoever is signed in finds the language again in every browser."""
    if request.user.is_authenticated and request.POST.get("language") in dict(settings.LANGUAGES):
        keep(request.user, language=request.POST["language"])
    return set_language(request)


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    lines = (
        "User-agent: *",
        "Disallow: /create",
        "Disallow: /jobs/",
        "Disallow: /account/",
        "Disallow: /t/",
        "Disallow: /preferences",
        "Disallow: /c/*.zip",
        f"Sitemap: {settings.SITE_URL}/sitemap.xml",
        "",
    )
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


def too_many(request: HttpRequest) -> HttpResponse:
    """For allauth's limits, which hold for a minute."""
    response = _page(request, PollwebError(_("Too many tries. Wait a minute."), code="too_many_requests", status=429))
    response["Retry-After"] = "60"
    return response


def broken(request: HttpRequest) -> HttpResponse:
    message = _("Something broke on our side, and it has been written down. Try again in a moment.")
    return _page(request, PollwebError(message))
