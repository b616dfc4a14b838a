"""A person's own page, which is there when that person turns it on, and its feeds."""

import re
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from generation.web.tiles import for_tiles, tiles
from pollweb.accounts.models import User
from pollweb.gallery import syndication
from pollweb.gallery.collections import with_covers
from pollweb.gallery.models import Collection, Profile
from pollweb.lib.errors import NotFound
from pollweb.lib.paging import page as page_of

PAGE = 60
HANDLE = re.compile(r"[a-z0-9][a-z0-9_-]{2,29}", re.ASCII)
# Who bears one of these could be taken for the operator.
RESERVED = frozenset({"admin", "administrator", "moderator", "operator", "pollweb", "staff", "support", "system"})


class ProfileForm(forms.ModelForm):
    class Meta:
        model = Profile
        fields = ("handle", "name", "about", "is_shown")
        labels = {
            "handle": gettext_lazy("Handle"),
            "name": gettext_lazy("Name"),
            "about": gettext_lazy("About you"),
            "is_shown": gettext_lazy("Show my profile to everyone"),
        }
        help_texts = {
            "handle": gettext_lazy("Your page's address: 3 to 30 small letters, digits, - and _."),
            "is_shown": gettext_lazy("Your public collections, and what your own team made public."),
        }
        widgets = {"about": forms.Textarea(attrs={"rows": 3})}

    def clean_handle(self) -> str:
        handle = self.cleaned_data["handle"].strip().lstrip("@").lower()
        if not HANDLE.fullmatch(handle):
            raise forms.ValidationError(_("3 to 30 small letters, digits, - and _; a letter or digit first."))
        if handle in RESERVED:
            raise forms.ValidationError(_("This name cannot be taken."))
        return str(handle)


def _shown(handle: str) -> Profile:
    profile = Profile.objects.shown().filter(handle=handle.lower()).select_related("person").first()
    if profile is None:
        raise NotFound(_("There is no such profile."))
    return profile


@require_safe
def page(request: HttpRequest, handle: str) -> HttpResponse:
    profile = _shown(handle)
    after, before = request.GET.get("after", ""), request.GET.get("before", "")
    found = page_of(for_tiles(profile.items()), PAGE, after=after, before=before)
    is_later = bool(after or before)
    collections = [] if is_later else list(Collection.objects.of(profile.person).public().order_by("-changed_at")[:24])
    context: dict[str, Any] = {
        "profile": profile,
        "collections": with_covers(collections),
        "tiles": tiles(found.rows),
        "older_url": f"{request.path}?after={found.older}" if found.older else "",
        "newest_url": request.path,
        "is_later_page": is_later,
        "is_own": request.user.is_authenticated and request.user.pk == profile.person_id,
    }
    return render(request, "gallery/profile.html", context)


@require_safe
def feed(request: HttpRequest, handle: str, form: str) -> HttpResponse:
    profile = _shown(handle)
    rows = list(profile.items().select_related("artifact")[: syndication.ITEMS])
    name = profile.name or f"@{profile.handle}"
    return syndication.answer(request, form, title=name, about=profile.about, page=f"/u/{profile.handle}", rows=rows)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def edit(request: HttpRequest) -> HttpResponse:
    person = cast(User, request.user)
    profile = Profile.objects.filter(person=person).first() or Profile(person=person, name=person.first_name[:80])
    form = ProfileForm(request.POST if request.method == "POST" else None, instance=profile)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return redirect("profile-edit")
    shown = Profile.objects.shown().filter(person=person).first()
    return render(
        request, "gallery/profile_edit.html", {"form": form, "shown": shown}, status=422 if form.errors else 200
    )
