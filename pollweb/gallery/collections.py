"""Pages of what people keep: saves, collections, and the picker of an item."""

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, OuterRef, Subquery, UUIDField
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from generation.models import Generation
from generation.web.tiles import for_tiles, tiles
from pollweb.accounts.models import User
from pollweb.gallery import keeping, order, syndication, zipped
from pollweb.gallery.finding import find
from pollweb.gallery.models import Collection, Place
from pollweb.lib import ids
from pollweb.lib.errors import NotFound
from pollweb.lib.http.addresses import client_address

PAGE = 60
VISIBILITIES = [
    ("private", gettext_lazy("Private: only you see it")),
    ("unlisted", gettext_lazy("Unlisted: whoever has its address sees it")),
    ("public", gettext_lazy("Public: it stands on your profile too, when you show one")),
]


class CollectionForm(forms.ModelForm):
    visibility = forms.ChoiceField(label=gettext_lazy("Who may see it"), choices=VISIBILITIES, initial="private")

    class Meta:
        model = Collection
        fields = ("title", "note", "visibility")
        labels = {"title": gettext_lazy("Title"), "note": gettext_lazy("Note")}
        widgets = {"note": forms.Textarea(attrs={"rows": 3})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["title"].required = True


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)


def _back(request: HttpRequest, otherwise: str) -> str:
    given = request.POST.get("next", "")
    return given if given.startswith("/") and url_has_allowed_host_and_scheme(given, allowed_hosts=None) else otherwise


@require_POST
def save(request: HttpRequest, public_id: str) -> HttpResponse:
    """The heart: `on` 1 saves, 0 forgets. A script is told how it stands; a form is led back."""
    generation = find(public_id)
    wanted = request.POST.get("on") == "1"
    (keeping.save if wanted else keeping.forget)(request, generation)
    if "application/json" in request.headers.get("Accept", ""):
        return JsonResponse({"saved": wanted})
    return redirect(_back(request, reverse("item", args=[public_id])))


@require_safe
def saved(request: HttpRequest) -> HttpResponse:
    """What this person, or this browser, has saved."""
    browser, own = keeping.in_browser(request), None
    if request.user.is_authenticated:
        own = keeping.saves(request.user)
        rows, older = _page(own, request.GET.get("after", ""))
    else:
        at = _place(request.GET.get("after", ""))
        wanted = browser[at : at + PAGE]
        found = {row.public_id: row for row in for_tiles(Generation.objects.public()).filter(public_id__in=wanted)}
        rows = [found[public_id] for public_id in wanted if public_id in found]
        older = str(at + PAGE) if len(browser) > at + PAGE else ""
    context = {
        "tiles": tiles(rows),
        "own": own,
        "older_url": f"{request.path}?after={older}" if older else "",
        "newest_url": request.path,
        "is_later_page": "after" in request.GET,
        "of_browser": len(browser) if request.user.is_authenticated else 0,
    }
    response = render(request, "gallery/saved.html", context)
    response["Cache-Control"] = "private, no-store"
    return response


@require_POST
@login_required
def take_over(request: HttpRequest) -> HttpResponse:
    """What the browser saved before its person signed in becomes theirs, or is forgotten."""
    if request.POST.get("keep") == "1":
        count = keeping.take_over(request, _person(request))
        words = ngettext("%(n)d item is in your account now.", "%(n)d items are in your account now.", count)
        messages.success(request, words % {"n": count})
    else:
        request.session.pop(keeping.KEY, None)
    return redirect("saved")


def _place(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _page(collection: Collection, after: str) -> tuple[list[Generation], str]:
    """Its items below a position, and the position that the next page begins below."""
    places = collection.places.filter(generation__in=Generation.objects.public())
    if place := _place(after):
        places = places.filter(position__lt=place)
    found = list(places.order_by("-position").values_list("position", "generation_id")[: PAGE + 1])
    rows = for_tiles(Generation.objects.public()).in_bulk([key for _place, key in found[:PAGE]])
    older = str(found[PAGE - 1][0]) if len(found) > PAGE else ""
    return [rows[key] for _place, key in found[:PAGE] if key in rows], older


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def mine(request: HttpRequest) -> HttpResponse:
    """One's own collections, and a form for another."""
    person = _person(request)
    form = CollectionForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        made = keeping.new(person, **form.cleaned_data)
        return redirect("collection", made.public_id)
    found = list(Collection.objects.of(person).filter(is_saved=False).annotate(size=Count("places")))
    context = {"collections": with_covers(found), "form": form}
    return render(request, "gallery/collections.html", context, status=422 if form.errors else 200)


def with_covers(collections: Sequence[Collection]) -> list[tuple[Collection, Any]]:
    """Each with the tile of its first public picture, or None; two queries for all of them."""
    first = (
        Place.objects.filter(collection=OuterRef("pk"), generation__in=Generation.objects.public().filter(kind="image"))
        .order_by("-position")
        .values("generation")[:1]
    )
    keys = [each.pk for each in collections]
    chosen = dict(Collection.objects.filter(pk__in=keys).values_list("pk", Subquery(first, output_field=UUIDField())))
    covers = for_tiles(Generation.objects.public()).in_bulk([key for key in chosen.values() if key])
    return [(each, tiles([covers[key]])[0] if (key := chosen.get(each.pk)) in covers else None) for each in collections]


def _own(request: HttpRequest, public_id: str) -> Collection:
    found = Collection.objects.of(_person(request)).filter(public_id=public_id).first()
    if found is None:
        raise NotFound(_("There is no such collection. It may be private, or the address may be mistyped."))
    return found


def _seen(request: HttpRequest, public_id: str) -> Collection:
    """One that this reader may look at: open to them, or their own."""
    found = Collection.objects.filter(public_id=public_id).select_related("person__profile").first()
    is_own = found is not None and request.user.is_authenticated and found.person_id == request.user.pk
    if found is None or not (is_own or (found.visibility != "private" and found.person.is_active)):
        raise NotFound(_("There is no such collection. It may be private, or the address may be mistyped."))
    return found


@require_safe
def page(request: HttpRequest, public_id: str) -> HttpResponse:
    collection = _seen(request, public_id)
    is_own = request.user.is_authenticated and collection.person_id == request.user.pk
    rows, older = _page(collection, request.GET.get("after", ""))
    profile = getattr(collection.person, "profile", None)
    context = {
        "collection": collection,
        "tiles": tiles(rows),
        "is_own": is_own,
        "is_edited": is_own and request.GET.get("edit") == "1",
        "form": CollectionForm(instance=collection) if is_own else None,
        "by": profile if profile and profile.is_shown else None,
        "older_url": f"{request.path}?after={older}" if older else "",
        "newest_url": request.path,
        "is_later_page": "after" in request.GET,
    }
    response = render(request, "gallery/collection.html", context)
    if collection.visibility != "public":
        response["Cache-Control"] = "private, no-store"
    return response


@require_safe
def feed(request: HttpRequest, public_id: str, form: str) -> HttpResponse:
    """The same for feed readers. A private collection has none, not even for its owner."""
    collection = Collection.objects.open().filter(public_id=public_id).first()
    if collection is None:
        raise NotFound(_("There is no such collection. It may be private, or the address may be mistyped."))
    rows = list(collection.items().select_related("artifact")[: syndication.ITEMS])
    return syndication.answer(
        request, form, title=collection.title, about=collection.note, page=f"/c/{public_id}", rows=rows
    )


@require_safe
def archive(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """All that its page shows, as a ZIP file."""
    collection = _seen(request, public_id)
    if request.method == "HEAD":  # Django would write the whole archive to leave it out
        return HttpResponse(content_type=zipped.MEDIA_TYPE, headers=zipped.headers(collection))
    return zipped.answer(collection, client_address(request))


@require_POST
@login_required
def change(request: HttpRequest, public_id: str) -> HttpResponse:
    collection = _own(request, public_id)
    if collection.is_saved:
        return redirect("saved")
    form = CollectionForm(request.POST, instance=collection)
    if not form.is_valid():
        context = {"collection": collection, "form": form, "is_own": True, "is_edited": True, "tiles": []}
        return render(request, "gallery/collection.html", context, status=422)
    form.save()
    messages.success(request, _("Saved."))
    return redirect("collection", public_id)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def delete(request: HttpRequest, public_id: str) -> HttpResponse:
    collection = _own(request, public_id)
    if request.method != "POST":
        return render(request, "gallery/collection_delete.html", {"collection": collection})
    collection.delete()
    messages.success(request, _("The collection is deleted. What was in it stays in the gallery."))
    return redirect("collections")


@require_POST
@login_required
def arrange(request: HttpRequest, public_id: str) -> HttpResponse:
    """One deed for one item: `remove`, or one of order.DEEDS, `by` another.

    A script is told whether it moved; a form is led back to where it is now.
    """
    collection = _own(request, public_id)
    deed, item, by = request.POST.get("deed", ""), _named(request, "item"), _named(request, "by")
    if item is None or deed not in ("remove", *order.DEEDS):
        raise NotFound(_("There is nothing at this address."))
    moved = keeping.remove(collection, item) if deed == "remove" else order.move(collection, item, deed, by)
    if "application/json" in request.headers.get("Accept", ""):
        return JsonResponse({"moved": moved})
    return redirect(f"{_back(request, reverse('collection', args=[public_id]))}#{item.public_id}")


def _named(request: HttpRequest, field: str) -> Generation | None:
    name = request.POST.get(field, "")
    return Generation.objects.filter(public_id=name).first() if ids.is_public_id(name) else None


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def picker(request: HttpRequest, public_id: str) -> HttpResponse:
    """Which of one's collections an item is in; ticks add and remove, a title makes a new one."""
    generation = find(public_id)
    person = _person(request)
    own = list(Collection.objects.of(person).filter(is_saved=False))
    within = set(
        Place.objects.filter(generation=generation, collection__in=own).values_list("collection_id", flat=True)
    )
    if request.method == "POST":
        chosen = set(request.POST.getlist("collection"))
        for each in own:
            if (each.public_id in chosen) != (each.pk in within):
                (keeping.add if each.public_id in chosen else keeping.remove)(each, generation)
        if title := " ".join(request.POST.get("title", "").split())[:80]:
            keeping.add(keeping.new(person, title), generation)
        messages.success(request, _("Saved."))
        return redirect("item", public_id)
    context = {
        "generation": generation,
        "choices": [(each, each.pk in within) for each in own],
        "tile": tiles([generation])[0],
    }
    return render(request, "gallery/picker.html", context)
