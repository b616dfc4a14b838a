"""The operator's page of reports: each reported item once, the most reported first, to be hidden or left as it is.

Above them the appeals of makers, the oldest first.
"""

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count, Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from generation.models import Generation
from generation.web.tiles import Tile, for_tiles
from pollweb.accounts.pages import staff_page
from pollweb.gallery import appeals, removal
from pollweb.gallery.models import Appeal, Reason, Report
from pollweb.lib.errors import NotFound

SHOWN = 30  # items
SHOWN_REPORTS = 5  # of one item


class Decision(forms.Form):
    item = forms.CharField(max_length=22)
    deed = forms.ChoiceField(choices=[("hide", "hide"), ("dismiss", "dismiss")])
    reason = forms.CharField(
        max_length=200, error_messages={"required": gettext_lazy("Say why: it stands in the audit log.")}
    )


class Answer(forms.Form):
    appeal = forms.IntegerField(min_value=1, max_value=2**31 - 1)
    deed = forms.ChoiceField(choices=[("grant", "grant"), ("refuse", "refuse")])
    answer = forms.CharField(
        max_length=200, error_messages={"required": gettext_lazy("Say why: whoever made it reads it.")}
    )


@require_safe
@staff_page
def page(request: HttpRequest) -> HttpResponse:
    context = {"reported": _reported(), "waiting": _waiting().count(), "appeals": _appeals()}
    return render(request, "staff/reports.html", context)


def _appeals() -> list[dict[str, Any]]:
    found = list(Appeal.objects.waiting().order_by("pk")[:SHOWN])
    rows = for_tiles(Generation.objects.filter(pk__in=[each.generation_id for each in found])).in_bulk()
    return [
        {
            "appeal": each,
            "tile": Tile(rows[each.generation_id], of_team=True),
            "removal": appeals.removal_of(rows[each.generation_id]),
        }
        for each in found
        if each.generation_id in rows
    ]


def _waiting() -> Any:
    return Report.objects.open().values("generation").annotate(networks=Count("network", distinct=True))


def _reported() -> list[dict[str, Any]]:
    found = list(_waiting().annotate(latest=Max("pk")).order_by("-networks", "-latest")[:SHOWN])
    pks = [each["generation"] for each in found]
    rows = for_tiles(Generation.objects.filter(pk__in=pks)).in_bulk()
    reports: dict[Any, list[Report]] = {pk: [] for pk in pks}
    for report in Report.objects.open().filter(generation__in=pks).order_by("-pk"):
        reports[report.generation_id].append(report)
    return [
        {
            "tile": Tile(rows[pk], of_team=True),
            "count": len(reports[pk]),
            "reasons": ", ".join(sorted({str(Reason(report.reason).label) for report in reports[pk]}))[:200],
            "reports": reports[pk][:SHOWN_REPORTS],
        }
        for pk in pks
        if pk in rows
    ]


def _said(form: forms.Form, request: HttpRequest) -> dict[str, Any] | None:
    """What the operator decided; None, and messages, when it cannot be understood."""
    if form.is_valid():
        return form.cleaned_data
    for errors in form.errors.values():
        messages.error(request, str(errors[0]))
    return None


@require_POST
@staff_page
def decide(request: Any) -> HttpResponse:
    if (said := _said(Decision(request.POST), request)) is None:
        return redirect("staff-reports")
    generation = Generation.objects.filter(public_id=said["item"]).first()
    if generation is None:
        raise NotFound(_("There is no such item. It may have been erased."))
    deed = removal.uphold if said["deed"] == "hide" else removal.dismiss
    if not deed(generation, request.user, reason=said["reason"], request=request):
        messages.info(request, _("Somebody else was quicker."))
    elif said["deed"] == "hide":
        messages.success(request, _("Hidden; it leaves every screen within a second."))
    else:
        messages.success(request, _("The item stays in the gallery."))
    return redirect("staff-reports")


@require_POST
@staff_page
def decide_appeal(request: Any) -> HttpResponse:
    if (said := _said(Answer(request.POST), request)) is None:
        return redirect("staff-reports")
    appeal = Appeal.objects.filter(pk=said["appeal"]).select_related("generation__team").first()
    if appeal is None:
        raise NotFound(_("There is no such item. It may have been erased."))
    deed = removal.grant if said["deed"] == "grant" else removal.refuse
    if not deed(appeal, request.user, answer=said["answer"], request=request):
        messages.info(request, _("Somebody else was quicker."))
    elif said["deed"] == "grant":
        messages.success(request, _("It is in the gallery again."))
    else:
        messages.success(request, _("It stays out of the gallery."))
    return redirect("staff-reports")
