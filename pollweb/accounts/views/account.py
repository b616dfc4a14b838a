"""One's own account: the overview with preferences, and the question after signing up."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from pollweb.accounts import current
from pollweb.accounts.models import User
from pollweb.accounts.preferences import Preferences, Welcome, choose_visibility
from pollweb.lib.forms import sent


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def overview(request: HttpRequest) -> HttpResponse:
    """Who one is, and how one wants to see the site."""
    user = cast(User, request.user)
    form = Preferences(user, sent(request))
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return redirect("account")
    context = {"form": form, "teams": current.teams(request)}
    return render(request, "account/overview.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def welcome(request: HttpRequest) -> HttpResponse:
    """Public or private: asked once, answered by nobody else. Then on to where one was going."""
    user = cast(User, request.user)
    goal = request.POST.get("next") or request.GET.get("next") or ""
    if not url_has_allowed_host_and_scheme(goal, {request.get_host()}, require_https=request.is_secure()):
        goal = ""
    form = Welcome(sent(request))
    if request.method == "POST" and form.is_valid():
        choose_visibility(user, form.cleaned_data["visibility"])
        return redirect(goal or "teams")
    return render(request, "account/welcome.html", {"form": form, "next": goal}, status=422 if form.errors else 200)
