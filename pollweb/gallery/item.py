"""One public result: its page, its data, its file."""

from urllib.parse import quote

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from generation import saving, variants
from generation.models import Generation
from generation.web import files, originals, own
from generation.web.result import result_context
from generation.web.tiles import Tile
from pollweb.gallery import appeals, removal, sharing
from pollweb.gallery.errors import Gone
from pollweb.gallery.finding import find, is_maker, is_operator
from pollweb.gallery.models import Sensitivity
from pollweb.lib.errors import BadRequest, NotFound


@require_safe
def page(request: HttpRequest, public_id: str) -> HttpResponse:
    """The page, or, asked by htmx for a dialog, only what stands in it."""
    is_own = own.is_own(request, public_id)
    generation = find(public_id, request.user, is_own=is_own)
    context = {
        **result_context(generation),
        **neighbours(generation),
        "tile": Tile(generation, of_team=True),
        "download_url": reverse("item-download", args=[public_id]),
        "media_address": f"{settings.SITE_URL}/media/{public_id}/original",
        "is_own": is_own,
        "original": originals.of(
            generation,
            is_own=is_own,
            is_member=not generation.is_visible and is_maker(generation, request.user, is_own=is_own),
        ),
    }
    if generation.visibility == "public":
        is_of_maker = is_maker(generation, request.user, is_own=is_own)
        if generation.is_taken_out and is_of_maker:
            context["removal"] = appeals.removal_of(generation)
        context["is_sensitive"] = is_of_maker and generation.is_kept_back and not generation.is_taken_out
        context["operates"] = is_operator(request.user)
        if context["operates"] or context["is_sensitive"]:
            context["decided"] = Sensitivity.objects.filter(generation=generation).first()
    if generation.is_visible:
        has_card = generation.artifact is not None and "card" in generation.artifact.variants
        context |= {
            "item_url": sharing.address(generation),
            "embed_code": sharing.embed_code(generation),
            "oembed_url": sharing.oembed_address(generation),
            "card": f"{settings.SITE_URL}/media/{public_id}/card" if has_card else "",
            "card_size": variants.CARD,
        }
    part = "gallery/item.html#item" if getattr(request, "htmx", False) else "gallery/item.html"
    response = render(request, part, context)
    patch_vary_headers(response, ["HX-Request"])
    return _unshared(response, generation)


def neighbours(generation: Generation) -> dict[str, str]:
    """The public items before and after it, as addresses; empty at the ends and for what is not public."""
    if not generation.is_visible:
        return {}
    public = Generation.objects.public().values_list("public_id", flat=True)
    newer = public.filter(pk__gt=generation.pk).order_by("pk").first()
    older = public.filter(pk__lt=generation.pk).order_by("-pk").first()
    return {
        "newer_url": reverse("item", args=[newer]) if newer else "",
        "older_url": reverse("item", args=[older]) if older else "",
    }


@require_safe
def data(request: HttpRequest, public_id: str) -> JsonResponse:
    """The same as JSON, for programs."""
    generation = find(public_id)
    artifact = generation.artifact
    values = {
        "id": generation.public_id,
        "url": f"{settings.SITE_URL}/p/{public_id}",
        "kind": generation.kind,
        "model": generation.model,
        "made_by": generation.made_by,
        "prompt": generation.prompt,
        "response": generation.response or None,
        "seed": generation.seed,
        "width": generation.width or None,
        "height": generation.height or None,
        "duration": generation.duration or None,
        "created_at": generation.created_at.isoformat(timespec="milliseconds"),
        "media": artifact
        and {
            "url": f"{settings.SITE_URL}/media/{public_id}/original",
            "type": artifact.media_type,
            "bytes": artifact.size,
            "sha256": artifact.digest,
        },
    }
    response = JsonResponse(values, json_dumps_params={"ensure_ascii": False, "indent": 2})
    response["Access-Control-Allow-Origin"] = "*"
    return response


@require_safe
def download(request: HttpRequest, public_id: str) -> HttpResponse:
    """The file as it was made; of a picture `?format=` png, jpeg or webp, and `?settings=off` without them inside."""
    found = find(public_id, request.user, is_own=own.is_own(request, public_id))
    format, with_settings = request.GET.get("format", ""), request.GET.get("settings") != "off"
    if found.kind != "image" or found.artifact is None or (not format and with_settings):
        return _unshared(files.answer(request, found, attachment=True), found)
    if format and format not in saving.FORMATS:
        raise BadRequest(_("A picture can be had as png, jpeg or webp."))
    return _unshared(files.another(request, found, format, with_settings=with_settings), found)


@require_safe
def media(request: HttpRequest, public_id: str) -> HttpResponse:
    """The bytes for the pages of a team's members; everybody's are at /media/, without a session."""
    found = find(public_id, request.user, is_own=own.is_own(request, public_id))
    return _unshared(files.answer(request, found), found)


@require_POST
def change(request: HttpRequest, public_id: str) -> HttpResponse:
    """What whoever made it in this browser may do: `private`, `delete`, or `restore` what was just deleted."""
    generation = Generation.objects.finished().filter(public_id=public_id).first()
    if generation is None or not own.is_own(request, public_id):
        raise NotFound(_("There is no such item, or it was made in another browser."))
    deed = request.POST.get("deed", "")
    if deed == "private":
        removal.make_private(generation)
        messages.success(request, _("Only this browser sees it now."))
    elif deed == "delete":
        removal.delete(generation)
        return render(request, "gallery/deleted.html", {"generation": generation})
    elif deed == "restore":
        if not removal.restore(generation):
            raise Gone(_("It is too late: it has been erased."))
        messages.success(request, _("It is back."))
    else:
        raise BadRequest(_("This request cannot be understood."))
    return redirect("job", public_id)  # which leads on to the item's page where that is public


def _unshared(response: HttpResponse, generation: Generation) -> HttpResponse:
    if not generation.is_visible:
        response["Cache-Control"] = "private, no-store"
    return response


def to_image_api(request: HttpRequest, prompt: str) -> HttpResponsePermanentRedirect:
    """`/p/{anything but an item}` is the guide's short address of a picture: path and query stay, byte for byte."""
    raw = getattr(request, "scope", {}).get("raw_path") or quote(request.path).encode()
    rest = raw.decode("latin-1").split("/p/", 1)[-1]
    query = request.META.get("QUERY_STRING", "")
    return HttpResponsePermanentRedirect(f"{settings.IMAGE_URL}/prompt/{rest}{'?' if query else ''}{query}")
