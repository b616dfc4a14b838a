"""One public result: its page, its data, its file."""

from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from generation.models import Generation
from generation.web import files
from generation.web.result import result_context
from pollweb.gallery.errors import Gone
from pollweb.lib.errors import NotFound


def find(public_id: str) -> Generation:
    """A public result. Gone when it was taken down; NotFound for what is unknown, unfinished or private."""
    found = Generation.objects.finished().filter(public_id=public_id, visibility="public").select_related("artifact")
    generation = found.first()
    if generation is None:
        raise NotFound(_("There is no such item. It may be private, or the address may be mistyped."))
    if generation.hidden_at:
        raise Gone(_("This item was taken out of the gallery."))
    if not generation.is_visible:
        raise NotFound(_("This item is not shown here."))
    return generation


@require_safe
def page(request: HttpRequest, public_id: str) -> HttpResponse:
    generation = find(public_id)
    context = {
        **result_context(generation),
        "item_url": f"{settings.SITE_URL}/p/{public_id}",
        "media_address": f"{settings.SITE_URL}/media/{public_id}/original",
    }
    return render(request, "gallery/item.html", context)


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
    return files.answer(request, find(public_id), attachment=True)


def to_image_api(request: HttpRequest, prompt: str) -> HttpResponsePermanentRedirect:
    """`/p/{anything but an item}` is the guide's short address of a picture: path and query stay, byte for byte."""
    raw = getattr(request, "scope", {}).get("raw_path") or quote(request.path).encode()
    rest = raw.decode("latin-1").split("/p/", 1)[-1]
    query = request.META.get("QUERY_STRING", "")
    return HttpResponsePermanentRedirect(f"{settings.IMAGE_URL}/prompt/{rest}{'?' if query else ''}{query}")
