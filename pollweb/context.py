"""What every template knows: the site's name, its public addresses, and how this reader wants to see it."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from pollweb import __version__
from pollweb.lib.middleware import signed_in
from pollweb.views import GALLERY, THEMES


def site(request: HttpRequest) -> dict[str, Any]:
    person = signed_in(request)
    kept = person.settings if person is not None else {}
    theme = kept.get("theme") or request.COOKIES.get("pollweb_theme", "")
    density = kept.get("density") or request.COOKIES.get("pollweb_density", "")
    path = request.path
    return {
        "site_name": settings.DESIGN.site.name,
        "site_url": settings.SITE_URL,
        "image_url": settings.IMAGE_URL,
        "text_url": settings.TEXT_URL,
        "version": __version__,
        "theme": theme if theme in THEMES else "",
        "density": density if density in GALLERY["density"] else "",
        "person": person,
        "wishes": kept,
        "languages": settings.LANGUAGES,
        "section": "explore" if path == "/" else path.split("/")[1],
        "canonical_url": settings.SITE_URL + path,
    }
