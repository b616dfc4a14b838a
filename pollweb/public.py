"""What stands at well-known places for everybody: about, the site's map, whom to tell of a weakness."""

from datetime import timedelta

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from generation import catalogue
from generation.models import Generation
from pollweb.handbook import guides

PAGES = ("/", "/live", "/create", "/models", "/docs", "/docs/reference", "/docs/react", "/status", "/about", "/labels")
MOST_ITEMS = 5000  # the newest; a map may hold 50,000, which nobody reads again each day


@require_safe
def about(request: HttpRequest) -> HttpResponse:
    return render(request, "about.html", {"contact": contact()})


def contact() -> str:
    """The operator's address as a URI: mailto:, https: or tel:; empty where none is set."""
    said: str = settings.DESIGN.site.contact
    return said if not said or ":" in said else f"mailto:{said}"


@require_safe
def security(request: HttpRequest) -> HttpResponse:
    """RFC 9116. Only where the operator says whom to write to."""
    if not contact():
        raise Http404
    expires = (timezone.now() + timedelta(days=90)).replace(hour=0, minute=0, second=0, microsecond=0)
    lines = (
        f"Contact: {contact()}",
        f"Expires: {expires.isoformat().replace('+00:00', 'Z')}",
        "Preferred-Languages: en, zh",
        f"Canonical: {settings.SITE_URL}/.well-known/security.txt",
        "",
    )
    return HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8")


@require_safe
def sitemap(request: HttpRequest) -> HttpResponse:
    """Public pages, models, guides, and the newest items, each in both languages by `hreflang`."""
    addresses = [*PAGES, *(f"/docs/{guide.slug}" for guide in guides.all_guides())]
    names = {
        name for kind in ("image", "text", "audio", "transcription", "embedding") for name in catalogue.cards(kind)
    }
    addresses += [f"/models/{name}" for name in sorted(names)]
    items = Generation.objects.public().newest_first().values_list("public_id", "finished_at")[:MOST_ITEMS]
    context = {
        "pages": [settings.SITE_URL + address for address in dict.fromkeys(addresses)],
        "items": [(f"{settings.SITE_URL}/p/{public_id}", ended) for public_id, ended in items],
    }
    return render(request, "sitemap.xml", context, content_type="application/xml; charset=utf-8")
