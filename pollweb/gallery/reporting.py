"""A visitor reports an item: no account is needed, one report a browser and item, a few an hour from one network."""

import secrets
from typing import Any

from django import forms
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from generation.models import Generation
from pollweb.accounts.errors import TooManyTries
from pollweb.gallery import removal
from pollweb.gallery.finding import find
from pollweb.gallery.models import Reason, Report
from pollweb.lib import http

COOKIE, SALT = "pollweb_browser", "pollweb.gallery.reporting"
YEAR = 365 * 24 * 3600
MOST_AN_HOUR = 6  # of one network
MOST_OPEN = 100  # of one item: more tell an operator nothing new


class ReportForm(forms.Form):
    reason = forms.ChoiceField(label=_("What is wrong with it?"), choices=Reason, widget=forms.RadioSelect)
    words = forms.CharField(
        label=_("What should we know?"),
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("You need not write anything."),
    )
    mail = forms.EmailField(
        label=_("Your e-mail address"),
        required=False,
        help_text=_("Only if you want an answer."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, public_id: str) -> HttpResponse:
    generation = find(public_id)
    if request.method != "POST":
        return render(request, "gallery/report.html", {"generation": generation, "form": ReportForm()})
    form = ReportForm(request.POST)
    if not form.is_valid():
        return render(request, "gallery/report.html", {"generation": generation, "form": form}, status=422)
    browser = _browser(request) or secrets.token_urlsafe(16)
    _take(generation, browser, http.network_of(http.client_address(request)), form.cleaned_data)
    response = render(request, "gallery/reported.html", {"generation": generation})
    response.set_signed_cookie(
        COOKIE,
        browser,
        salt=SALT,
        max_age=YEAR,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return response


def _browser(request: HttpRequest) -> str:
    return (request.get_signed_cookie(COOKIE, default="", salt=SALT) or "")[:32]


@transaction.atomic
def _take(generation: Generation, browser: str, network: str, said: dict[str, Any]) -> None:
    """Store it, and hide the item when enough people who know nothing of each other have reported it.

    TooManyTries for more than a few an hour. A second report of this browser is thanked for, and counts as one.
    """
    if Report.objects.lately_from(network).count() >= MOST_AN_HOUR:
        raise TooManyTries(gettext("That was a lot of reports from your address. Go on in an hour."), retry_after=3600)
    reports = Report.objects.open().filter(generation=generation)
    if reports.count() >= MOST_OPEN:
        return
    Report.objects.bulk_create(
        [Report(generation=generation, browser=browser, network=network, **said)], ignore_conflicts=True
    )
    enough = settings.DESIGN.site.reports_that_hide
    if enough and reports.values("network").distinct().count() >= enough:
        removal.hide(generation, None, reason="reports")
