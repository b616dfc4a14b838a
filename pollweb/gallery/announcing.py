"""The operator's page of announcements: what is said, what will be, what was; made, changed, ended."""

from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pollweb.accounts import audit
from pollweb.accounts.pages import one_of, staff_page
from pollweb.gallery import announcements
from pollweb.gallery.models import Announcement
from pollweb.lib.forms import sent

SHOWN = 50
STATES = {
    "current": ("ok", gettext_lazy("Shown now")),
    "planned": ("waiting", gettext_lazy("Planned")),
    "over": ("none", gettext_lazy("Over")),
}


def _moment(label: Any, help_text: Any, *, required: bool) -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(label=label, help_text=help_text, required=required, widget=widget)


class Words(forms.ModelForm):
    begins_at = _moment(gettext_lazy("Begins"), gettext_lazy("In the time zone of your account."), required=True)
    ends_at = _moment(gettext_lazy("Ends"), gettext_lazy("Empty: until somebody ends it here."), required=False)

    class Meta:
        model = Announcement
        fields = ("words_en", "words_zh", "is_incident", "begins_at", "ends_at")
        widgets = {"words_en": forms.Textarea(attrs={"rows": 2}), "words_zh": forms.Textarea(attrs={"rows": 2})}
        labels = {
            "words_en": gettext_lazy("Words in English"),
            "words_zh": gettext_lazy("Words in Chinese"),
            "is_incident": gettext_lazy("Something is wrong"),
        }
        help_texts = {
            "words_zh": gettext_lazy("Empty: the English words are shown."),
            "is_incident": gettext_lazy("It stands on the status page too, and stays there for 90 days."),
        }

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or {}
        begins, ends = said.get("begins_at"), said.get("ends_at")
        if begins and ends and ends <= begins:
            self.add_error("ends_at", _("It cannot end before it begins."))
        return said


@require_safe
@staff_page
def page(request: HttpRequest) -> HttpResponse:
    return _page(request, Words(initial={"begins_at": timezone.now()}))


def _page(request: HttpRequest, form: Words, status: int = 200) -> HttpResponse:
    newest = Announcement.objects.order_by("-begins_at", "-pk")[:SHOWN]
    context = {"form": form, "rows": [(each, *STATES[each.state]) for each in newest]}
    return render(request, "staff/announcements.html", context, status=status)


@require_POST
@staff_page
def make(request: Any) -> HttpResponse:
    form = Words(request.POST, instance=Announcement(by=request.user))
    if not form.is_valid():
        return _page(request, form, status=422)
    _keep(request, form, "announcement.made")
    messages.success(request, _("Announced."))
    return redirect("staff-announcements")


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page
def change(request: HttpRequest, announcement: int) -> HttpResponse:
    row = one_of(Announcement.objects.filter(pk=announcement))
    form = Words(sent(request), instance=row)
    if not form.is_valid():
        return render(request, "staff/announcement.html", {"form": form}, status=422 if form.errors else 200)
    _keep(request, form, "announcement.changed")
    messages.success(request, _("Saved."))
    return redirect("staff-announcements")


@require_POST
@staff_page
@transaction.atomic
def end(request: Any, announcement: int) -> HttpResponse:
    """Over from now on; one that has not begun yet is withdrawn."""
    row = one_of(Announcement.objects.filter(pk=announcement))
    if row.state == "planned":
        row.delete()
    elif row.state == "current":
        row.ends_at = timezone.now()
        row.save(update_fields=["ends_at"])
    announcements.changed()
    audit.record("announcement.ended", team=None, actor=request.user, target=row.words_en[:100], request=request)
    messages.success(request, _("It is over."))
    return redirect("staff-announcements")


@transaction.atomic
def _keep(request: Any, form: Words, action: str) -> None:
    row = form.save()
    announcements.changed()
    audit.record(action, team=None, actor=request.user, target=row.words_en[:100], request=request)
