"""What an operator has taken out: whoever made it is told why, and may say once why it should come back."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from generation.models import Generation
from generation.web import own
from pollweb.accounts.errors import TooManyTries
from pollweb.accounts.models import AuditEvent
from pollweb.gallery.finding import is_maker
from pollweb.gallery.models import Appeal, Report
from pollweb.lib import http
from pollweb.lib.errors import NotFound

MOST_AN_HOUR = 6  # of one network


@dataclass(frozen=True)
class Removal:
    """How the maker reads it. `reason` is a class of reports, `words` are the operator's; either may be empty.

    While reports alone hide it, an operator has still to look, and there is nothing to appeal against.
    """

    reason: str
    words: str
    is_judged: bool
    appeal: Appeal | None


class AppealForm(forms.Form):
    words = forms.CharField(
        label=_("Why should it come back?"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("An operator reads it and answers. There is one appeal for each removal."),
    )


def removal_of(generation: Generation) -> Removal:
    """Why an item that `is_taken_out` is out, and what became of the appeal."""
    reports = Report.objects.filter(generation=generation)
    upheld = reports.upheld().order_by("-decided_at").first()
    return Removal(
        reason=upheld.get_reason_display() if upheld else "",
        words=upheld.decision if upheld else _words_of(generation),
        is_judged=upheld is not None or not reports.open().exists(),
        appeal=Appeal.objects.against_removal_of(generation).first(),
    )


def _words_of(generation: Generation) -> str:
    """What the operator said who hid it without a report."""
    last = AuditEvent.objects.last_by_operators("item.hidden", generation.public_id)
    return last.detail.get("words", "") if last is not None else ""


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, public_id: str) -> HttpResponse:
    generation = _find(request, public_id)
    removal = removal_of(generation)
    if removal.appeal or not removal.is_judged:
        return redirect("item", public_id)  # whose page says how it stands
    form = AppealForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        context = {"generation": generation, "removal": removal, "form": form}
        return render(request, "gallery/appeal.html", context, status=422 if form.is_bound else 200)
    _take(generation, request.user, http.network_of(http.client_address(request)), form.cleaned_data["words"])
    return redirect("item", public_id)


def _find(request: HttpRequest, public_id: str) -> Generation:
    generation = Generation.objects.finished().filter(public_id=public_id).first()
    if (
        generation is None
        or not generation.is_taken_out
        or not is_maker(generation, request.user, is_own=own.is_own(request, public_id))
    ):
        raise NotFound(gettext("There is no such item, or it was made in another browser."))
    return generation


@transaction.atomic
def _take(generation: Generation, user: Any, network: str, words: str) -> None:
    """Store it; a second one against the same removal counts as the first. TooManyTries for more than a few an hour."""
    if Appeal.objects.lately_from(network).count() >= MOST_AN_HOUR:
        raise TooManyTries(gettext("That was a lot of appeals from your address. Go on in an hour."), retry_after=3600)
    if generation.hidden_at is None:
        return
    Appeal.objects.bulk_create(
        [
            Appeal(
                generation=generation,
                hidden_at=generation.hidden_at,
                words=words,
                user=user if user.is_authenticated else None,
                network=network,
            )
        ],
        ignore_conflicts=True,
    )
