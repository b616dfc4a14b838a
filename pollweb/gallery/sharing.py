"""What other places show of a public item: oEmbed, a frame for their pages, a QR code."""

import re
from html import escape
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.csp import CSP
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csp import csp_override
from django.views.decorators.http import require_safe

from feeds import qr
from generation import variants
from generation.models import Generation
from generation.web.answers import to_html
from generation.web.tiles import Tile
from pollweb.gallery.finding import find
from pollweb.lib.errors import PollwebError

ITEM_PATH = re.compile(r"/(?:embed/)?p/([0-9A-Za-z_-]{22})")
FRAME = (600, 400)  # pixels: what a frame takes where nobody says how much there is
LEAST, MOST = 100, 4000

# Nothing runs in the frame, and it is the one page that others may put into theirs.
FRAME_CSP: dict[str, list[str]] = {
    "default-src": [CSP.NONE],
    "style-src": [CSP.SELF],
    "font-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "media-src": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "form-action": [CSP.NONE],
    "frame-ancestors": ["*"],
}


def address(generation: Generation) -> str:
    return f"{settings.SITE_URL}/p/{generation.public_id}"


def oembed_address(generation: Generation) -> str:
    return f"{settings.SITE_URL}/oembed?{urlencode({'url': address(generation), 'format': 'json'})}"


def embed_code(generation: Generation, width: int = 0, height: int = 0) -> str:
    """The element that shows this item in another page."""
    wide, high = (width, height) if width else frame_size(generation)
    title = escape(generation.prompt[:120] or generation.model)
    return (
        f'<iframe src="{settings.SITE_URL}/embed/p/{generation.public_id}" width="{wide}" height="{high}" '
        f'title="{title}" loading="lazy" allowfullscreen></iframe>'
    )


def frame_size(generation: Generation, most: tuple[int, int] = FRAME) -> tuple[int, int]:
    """Width and height of its frame within `most`, in its own shape where it has one."""
    wide, high = most
    if generation.kind == "audio":
        return wide, min(high, 220)
    if generation.kind == "image" and generation.width and generation.height:
        scale = min(wide / generation.width, high / generation.height)
        return max(1, round(generation.width * scale)), max(1, round(generation.height * scale))
    return wide, high


@require_safe
@xframe_options_exempt
@csp_override(FRAME_CSP)
def frame(request: HttpRequest, public_id: str) -> HttpResponse:
    """The item alone, to be shown inside other pages."""
    generation = find(public_id)
    context = {
        "generation": generation,
        "tile": Tile(generation, position=0),
        "item_url": address(generation),
        "answer_html": to_html(generation.response) if generation.kind == "text" else "",
    }
    return render(request, "gallery/embed.html", context)


@require_safe
def qr_code(request: HttpRequest, public_id: str) -> HttpResponse:
    response = HttpResponse(qr.svg(address(find(public_id))), content_type="image/svg+xml")
    response["Cache-Control"] = "public, max-age=3600"
    return response


@require_safe
def oembed(request: HttpRequest) -> JsonResponse:
    """oEmbed 1.0: what a page that links to an item may show of it."""
    if request.GET.get("format", "json") != "json":
        return _said({"error": "Only format=json is answered here."}, 501)
    parts = urlsplit(_own(request.GET.get("url", "")))
    matched = ITEM_PATH.fullmatch(parts.path)
    if matched is None:
        return _said({"error": f"url must be the address of an item: {settings.SITE_URL}/p/…"}, 404)
    try:
        generation = find(matched[1])
    except PollwebError as error:
        return _said({"error": error.message}, error.status)
    most = _side(request, "maxwidth", FRAME[0]), _side(request, "maxheight", FRAME[1])
    return _said(_photo(generation, request) or _rich(generation, most), 200)


def _own(url: str) -> str:
    """The path of an address of this site; nothing for any other."""
    return url.removeprefix(settings.SITE_URL) if url.startswith(f"{settings.SITE_URL}/") and len(url) < 2000 else ""


def _side(request: HttpRequest, name: str, usual: int) -> int:
    """A limit in pixels; what cannot be read is no limit."""
    text = request.GET.get(name, "")
    return min(MOST, max(LEAST, int(text))) if text.isascii() and text.isdigit() and len(text) < 6 else usual


def _common(generation: Generation) -> dict[str, Any]:
    told: dict[str, Any] = {
        "version": "1.0",
        "title": generation.prompt[:200] or _("Made with %(model)s") % {"model": generation.model},
        "provider_name": settings.DESIGN.site.name,
        "provider_url": settings.SITE_URL,
        "cache_age": 3600,
    }
    if generation.kind == "image" and generation.artifact and "card" in generation.artifact.variants:
        width, height = variants.CARD
        told |= {"thumbnail_url": f"{settings.SITE_URL}/media/{generation.public_id}/card"}
        told |= {"thumbnail_width": width, "thumbnail_height": height}
    return told


def _photo(generation: Generation, request: HttpRequest) -> dict[str, Any] | None:
    """The largest form of a picture that fits; None when none does, and for what is no picture."""
    if generation.kind != "image" or not generation.width or not generation.height or generation.artifact is None:
        return None
    wide, high = _side(request, "maxwidth", MOST), _side(request, "maxheight", MOST)
    media = f"{settings.SITE_URL}/media/{generation.public_id}"
    forms = [(generation.width, f"{media}/original")]
    forms += [(width, f"{media}/webp-{width}") for width in variants.WIDTHS]
    for width, url in sorted(forms, reverse=True):
        height = round(generation.height * width / generation.width)
        is_there = url.endswith("/original") or f"webp-{width}" in generation.artifact.variants
        if is_there and width <= wide and height <= high:
            return {**_common(generation), "type": "photo", "url": url, "width": width, "height": height}
    return None


def _rich(generation: Generation, most: tuple[int, int]) -> dict[str, Any]:
    width, height = frame_size(generation, most)
    html = embed_code(generation, width, height)
    return {**_common(generation), "type": "rich", "html": html, "width": width, "height": height}


def _said(values: dict[str, Any], status: int) -> JsonResponse:
    response = JsonResponse(values, status=status, json_dumps_params={"ensure_ascii": False})
    response["Access-Control-Allow-Origin"] = "*"
    return response
