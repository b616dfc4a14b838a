"""The consent page: a person lets a program act in their name for an hour."""

from typing import Any, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from pollweb.accounts import audit
from pollweb.accounts.auth import jwts, redirects
from pollweb.accounts.models import User
from pollweb.accounts.personal import team_of


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def authorize(request: HttpRequest) -> HttpResponse:
    """GET /authorize?redirect_uri=…&state=…: asks. POST: goes there with `token`, `user_id`, `username` and `state`."""
    user = cast(User, request.user)
    said = request.POST if request.method == "POST" else request.GET
    address, state = said.get("redirect_uri", ""), said.get("state", "")[:500]
    host = redirects.checked(address, user)
    if request.method == "POST":
        told = {"token": jwts.issue(user), "user_id": user.pk, "username": user.get_username()}
        if state:
            told["state"] = state
        audit.record("app.authorized", team=team_of(user), actor=user, target=host, request=request)
        response = HttpResponse(status=302, headers={"Location": redirects.with_token(address, told)})
    else:
        context = {"host": host, "address": address, "state": state, "user": user}
        response = render(request, "accounts/authorize.html", context)
    response["Cache-Control"] = "private, no-store"
    response["Referrer-Policy"] = "no-referrer"
    # A form's answer may lead to another origin only where the page that holds the form says so.
    parts = urlsplit(address)
    policy: dict[str, Any] = dict(settings.SECURE_CSP)
    policy["form-action"] = [*policy["form-action"], f"{parts.scheme}://{parts.netloc}"]
    response._csp_config = policy  # type: ignore[attr-defined]
    return response
