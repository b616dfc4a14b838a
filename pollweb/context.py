"""What every template knows: the site's name and its public addresses."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from pollweb import __version__


def site(request: HttpRequest) -> dict[str, Any]:
    return {
        "site_name": settings.DESIGN.site.name,
        "site_url": settings.SITE_URL,
        "image_url": settings.IMAGE_URL,
        "text_url": settings.TEXT_URL,
        "version": __version__,
    }
