"""The auth API's addresses, after the face's prefix."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, URLResolver, path, re_path
from django.views.decorators.http import require_safe

from pollweb.accounts.auth import people, registrations, secrets
from pollweb.lib.errors import BadRequest


@require_safe
async def authorize(request: HttpRequest) -> HttpResponse:
    """GET /authorize?redirect_uri=…: to the site's consent page, where one signs in."""
    if not request.GET.get("redirect_uri"):
        raise BadRequest("redirect_uri is missing.", code="invalid_parameter")
    return HttpResponseRedirect(f"{settings.SITE_URL}/authorize?{request.META['QUERY_STRING']}")


@require_safe
async def account(request: HttpRequest) -> HttpResponse:
    """GET /: the pages of accounts are the site's."""
    return HttpResponseRedirect(f"{settings.SITE_URL}/t/")


table: list[URLPattern | URLResolver] = [
    path("", account),
    path("test-client", account),
    path("authorize", authorize),
    path("api/user", people.user),
    path("api/whoami", people.whoami),
    path("api/domains", registrations.user_domains),
    path("api/check-domain", registrations.check_domain),
    path("api/validate-referrer", registrations.validate_referrer),
    path("api/token", secrets.own_token),
    path("api/validate-token", secrets.validate_token),
    path("api/validate-token/<str:token>", secrets.validate_token),
    path("api/tokens", secrets.all_tokens),
    path("api/tokens/<int:pk>", secrets.one_token),
    path("api/tokens/<int:pk>/rotate", secrets.rotate),
    path("api/tokens/<int:pk>/revoke", secrets.revoke),
    path("api/user-tier", people.user_tier),
    path("api/user-tiers", people.user_tiers),
    path("preferences", people.preferences),
    path("admin/preferences", people.admin_preferences),
    path("admin/metrics", people.admin_metrics),
    path("admin/user-info", people.admin_user_info),
    re_path(r"(?s)^.*$", people.nothing),
]
