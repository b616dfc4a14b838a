"""One's own data: an archive of it, and leaving with it."""

import re
from datetime import timedelta
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pollweb.accounts import exporting, leaving, shelf
from pollweb.accounts.errors import NotPossible
from pollweb.accounts.models import DataExport, User
from pollweb.accounts.pages import one_of, team_page
from pollweb.lib.errors import NotFound
from pollweb.lib.forms import sent
from pollweb.lib.http.downloads import Download

STATES = {
    "queued": ("waiting", gettext_lazy("Waiting")),
    "running": ("running", gettext_lazy("Being made")),
    "ready": ("ok", gettext_lazy("Ready")),
    "failed": ("failed", gettext_lazy("Failed")),
    "expired": ("none", gettext_lazy("Expired")),
}
# Without a password, having signed in lately says that it is still the same person.
LATELY = timedelta(minutes=10)


def listed(exports: Any) -> list[tuple[DataExport, str, Any]]:
    return [(export, *STATES[export.state]) for export in exports.order_by("-pk")[:10]]


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def export(request: HttpRequest) -> HttpResponse:
    """Archives of everything that one has here."""
    user = cast(User, request.user)
    problem = ""
    if request.method == "POST":
        try:
            exporting.ask(user, None, request=request)
        except NotPossible as refused:
            problem = refused.message
        else:
            messages.success(request, _("The archive is being made. Come back in a moment."))
            return redirect("account-export")
    context = {"exports": listed(user.exports.filter(team=None)), "problem": problem}
    return _private(render(request, "privacy/export.html", context, status=409 if problem else 200))


@require_http_methods(["GET", "HEAD", "POST"])
@team_page("team.export")
def team_export(request: Any) -> HttpResponse:
    """Archives of everything that the team has; each is its owner's who asked for it."""
    visit, problem = request.visit, ""
    if request.method == "POST":
        try:
            exporting.ask(visit.user, visit.team, request=request)
        except NotPossible as refused:
            problem = refused.message
        else:
            messages.success(request, _("The archive is being made. Come back in a moment."))
            return redirect("team-settings-export", visit.team.slug)
    context = {"exports": listed(visit.user.exports.filter(team=visit.team, chosen=0)), "problem": problem}
    return render(request, "teams/export.html", context, status=409 if problem else 200)


@require_safe
@login_required
def download(request: HttpRequest, name: str) -> Download:
    """The archive, for whoever asked for it: who is no longer in the team, or no longer its owner where it holds
    everything, gets it no longer."""
    user = cast(User, request.user)
    found = DataExport.objects.ready().filter(person=user, name=name).select_related("team").first()
    if found is None or (found.team and not _may_have(user, found)):
        raise NotFound(_("There is nothing at this address."))
    file = shelf.current().open(found.name)
    if file is None:
        raise NotFound(_("This archive is no longer here. Ask for a new one."))
    whose = found.team.slug if found.team else re.sub(r"[^0-9A-Za-z]+", "-", user.get_username()).strip("-") or "me"
    response = Download(
        file, as_attachment=True, filename=f"{whose}-{found.created_at:%Y-%m-%d}.zip", content_type="application/zip"
    )
    response["Content-Length"] = str(found.size)  # what comes from a bucket does not say so by itself
    response["Cache-Control"] = "private, no-store"
    return response


def _may_have(user: User, export: DataExport) -> bool:
    assert export.team is not None
    mine = export.team.memberships.filter(user=user)
    return export.team.deleted_at is None and (mine if export.chosen else mine.filter(role="owner")).exists()


class Goodbye(forms.Form):
    """The account's name, and the password where there is one."""

    typed = forms.CharField(
        max_length=150, widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["typed"].label = _("Type “%(name)s” to confirm") % {"name": user.get_username()}
        if not user.has_usable_password():
            del self.fields["password"]

    def clean_typed(self) -> str:
        if self.cleaned_data["typed"].strip() != self.user.get_username():
            raise ValidationError(_("This is not the name."))
        return self.user.get_username()

    def clean_password(self) -> str:
        if not self.user.check_password(self.cleaned_data["password"]):
            raise ValidationError(_("This is not your password."))
        return ""

    def clean(self) -> None:
        if "password" not in self.fields:
            last = self.user.last_login
            if last is None or last < timezone.now() - LATELY:
                raise ValidationError(_("Sign out and in again first, so that we know it is you."))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def delete(request: HttpRequest) -> HttpResponse:
    """Delete the account: what goes with it is listed first."""
    user = cast(User, request.user)
    form = Goodbye(sent(request), user=user)
    if request.method == "POST" and form.is_valid():
        leaving.leave(user)
        logout(request)
        messages.success(request, _("Your account is closed. Everything of it is erased within the next minutes."))
        return redirect("explore")
    alone = leaving.owned_alone(user)
    context = {
        "form": form,
        "going": alone,
        "staying": user.memberships.exclude(team__in=alone).select_related("team")[:100],
    }
    return _private(render(request, "privacy/delete.html", context, status=422 if form.errors else 200))


def _private(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "private, no-store"
    return response


@require_POST
@login_required
def remove(request: HttpRequest, name: str) -> HttpResponse:
    """Remove an archive before its week is over."""
    found = one_of(DataExport.objects.filter(person=cast(User, request.user), name=name, state="ready"))
    page = "team-library" if found.chosen else "team-settings-export"
    back = (page, found.team.slug) if found.team else ("account-export",)
    exporting.remove_of([found])
    messages.success(request, _("The archive is removed."))
    return redirect(*back)
