"""What every template knows: the site's name, its public addresses, and how this reader wants to see it."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from pollweb import __version__
from pollweb.views import THEMES


def site(request: HttpRequest) -> dict[str, Any]:
    theme = request.COOKIES.get("pollweb_theme", "")
    path = request.path
    return {
        "site_name": settings.DESIGN.site.name,
        "site_url": settings.SITE_URL,
        "image_url": settings.IMAGE_URL,
        "text_url": settings.TEXT_URL,
        "version": __version__,
        "theme": theme if theme in THEMES else "",
        "languages": settings.LANGUAGES,
        "section": "explore" if path == "/" else path.split("/")[1],
        "canonical_url": settings.SITE_URL + path,
    }
