"""Answering an invitation."""

from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from pollweb.accounts import invitations, tries
from pollweb.accounts.adapters import INVITATION
from pollweb.accounts.errors import NotPossible
from pollweb.accounts.models import Membership
from pollweb.accounts.words import ROLE_HELP, ROLE_NAMES
from pollweb.lib.errors import NotFound


@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, secret: str) -> HttpResponse:
    """What one is invited to, for whoever has the link; a signed-in person can say yes. Signing in comes back here."""
    try:
        found = invitations.find(secret)
    except NotFound:
        tries.failed_sync(request)
        raise
    user = request.user if request.user.is_authenticated else None
    problem, status = "", 200
    if user is None:
        request.session[INVITATION] = found.digest  # where only the invited may sign up, this opens the door
    if request.method == "POST":
        if user is None:
            return redirect_to_login(request.path)
        try:
            invitations.accept(found, user, request=request)
        except (NotPossible, invitations.WrongAccount) as refused:
            problem, status = refused.message, refused.status
        else:
            messages.success(request, _("Welcome to %(team)s.") % {"team": found.team.name})
            return redirect("team", found.team.slug)
    context = {
        "invitation": found,
        "role": ROLE_NAMES[found.role],
        "role_help": ROLE_HELP[found.role],
        "address": masked(found.email),
        "is_member": bool(user) and Membership.objects.filter(team=found.team, user=user).exists(),
        "is_for_me": user is not None and invitations.is_for(found, user),
        "next": f"?{REDIRECT_FIELD_NAME}={request.path}",
        "login_url": "/account/login/",
        "signup_url": "/account/signup/",
        "logout_url": "/account/logout/",
        "problem": problem,
    }
    response = render(request, "teams/invitation.html", context, status=status)
    # The address is a secret: neither caches nor the next page are told it.
    response["Cache-Control"] = "private, no-store"
    response["Referrer-Policy"] = "same-origin"
    return response


def masked(address: str) -> str:
    """`bob@example.com` → `b…@example.com`: whoever was passed the link need not learn whose it was."""
    name, at, host = address.partition("@")
    return f"{name[:1]}…{at}{host}" if at else ""
