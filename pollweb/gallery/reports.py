"""The operator's queue: what waits for a decision (pollweb.gallery.cases), and the decisions."""

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from feeds import moderation
from feeds.models import Outbox
from generation.models import Generation
from pollweb.accounts.pages import staff_page
from pollweb.gallery import cases, removal
from pollweb.gallery.models import Appeal
from pollweb.lib.errors import NotFound

SAY_WHY = gettext_lazy("Say why: it stands in the audit log.")
# By deed: what is done to an item, and what is said when it was.
DEEDS = {
    "hide": (removal.uphold, gettext_lazy("Hidden; it leaves every screen within a second.")),
    "dismiss": (removal.dismiss, gettext_lazy("The item stays in the gallery.")),
    "mark": (removal.mark, gettext_lazy("Sensitive now; it leaves gallery and screens within a second.")),
    "unmark": (removal.unmark, gettext_lazy("It is in the gallery again.")),
}


class Decision(forms.Form):
    """`back` is where it was made: on the item's page, or nothing for the queue."""

    item = forms.CharField(max_length=22)
    deed = forms.ChoiceField(choices=[(name, name) for name in DEEDS])
    reason = forms.CharField(max_length=200, error_messages={"required": SAY_WHY})
    back = forms.ChoiceField(choices=[("", ""), ("item", "item")], required=False)


class Release(forms.Form):
    """About what is held back. Only what is let go needs no reason."""

    held = forms.IntegerField(min_value=1, max_value=2**63 - 1)
    deed = forms.ChoiceField(choices=[("release", "release"), ("mark", "mark"), ("hide", "hide")])
    reason = forms.CharField(max_length=200, required=False)

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("deed") != "release" and not self.cleaned_data.get("reason"):
            self.add_error("reason", SAY_WHY)
        return self.cleaned_data


class Answer(forms.Form):
    appeal = forms.IntegerField(min_value=1, max_value=2**31 - 1)
    deed = forms.ChoiceField(choices=[("grant", "grant"), ("refuse", "refuse")])
    answer = forms.CharField(
        max_length=200, error_messages={"required": gettext_lazy("Say why: whoever made it reads it.")}
    )


@require_safe
@staff_page
def page(request: HttpRequest) -> HttpResponse:
    appealed, reported, held, sensitive = cases.appealed(), cases.reported(), cases.held(), cases.found_sensitive()
    lists = [
        ("appeals", _("Appeals"), appealed, len(appealed)),
        ("reports", _("Reports"), reported, _count(reported, cases.waiting())),
        ("held", _("Held back from the feed"), held, _count(held, Outbox.objects.held())),
        ("sensitive", _("Found sensitive by a machine"), sensitive, _count(sensitive, cases.unjudged())),
    ]
    return render(request, "staff/reports.html", {"lists": [each for each in lists if each[2]]})


def _count(shown: list[cases.Case], rows: QuerySet[Any, Any]) -> int:
    """How many wait; asked only where not all of them are shown."""
    return len(shown) if len(shown) < cases.SHOWN else rows.count()


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
    said = _said(Decision(request.POST), request)
    back = request.POST.get("item", "")[:22] if request.POST.get("back") == "item" else ""
    if said is not None:
        generation = Generation.objects.filter(public_id=said["item"]).first()
        if generation is None:
            raise NotFound(_("There is no such item. It may have been erased."))
        do, done = DEEDS[said["deed"]]
        if do(generation, request.user, reason=said["reason"], request=request):
            messages.success(request, done)
        else:
            messages.info(request, _("Somebody else was quicker."))
    return redirect("item", back) if back else redirect("staff-reports")


@require_POST
@staff_page
def decide_held(request: Any) -> HttpResponse:
    if (said := _said(Release(request.POST), request)) is None:
        return redirect("staff-reports")
    waits = Outbox.objects.held().filter(pk=said["held"]).first()
    if waits is None:
        is_done = False
    elif said["deed"] == "release":
        is_done = bool(moderation.approve([waits.pk], request.user, request))
    elif said["deed"] == "hide":
        is_done = removal.refuse_held(waits, request.user, reason=said["reason"], request=request)
    else:
        is_done = removal.mark_held(waits, request.user, reason=said["reason"], request=request)
    if not is_done:
        messages.info(request, _("Somebody else was quicker."))
    elif said["deed"] == "release":
        messages.success(request, _("Approved; it is on the screens."))
    else:
        messages.success(request, DEEDS[said["deed"]][1])
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
