"""The API lane's addresses, one table for each face.

Paths begin after the face's prefix and have lost a slash at the end, except in /prompt/…. Each address has its
`Operation` in a package's `reference.py`: the document at /v1/openapi.json is made from this table.
"""

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path
from django.views.decorators.http import require_safe

from feeds import jsonfeed, stream
from generation.api import urls as generation
from generation.mcp_server import door as mcp
from pollweb import health, marks, reference
from pollweb.accounts import usage_api
from pollweb.accounts.auth import urls as auth

CROSSDOMAIN = b"""<?xml version="1.0"?>
<!DOCTYPE cross-domain-policy SYSTEM "http://www.adobe.com/xml/dtds/cross-domain-policy.dtd">
<cross-domain-policy>
  <allow-access-from domain="*" secure="false"/>
</cross-domain-policy>
"""


@require_safe
async def crossdomain(request: HttpRequest) -> HttpResponse:
    return HttpResponse(CROSSDOMAIN, content_type="application/xml")


@require_safe
async def robots(request: HttpRequest) -> HttpResponse:
    """On the API's own hosts: every address there costs somebody work."""
    return HttpResponse(b"User-agent: *\nDisallow: /\n", content_type="text/plain; charset=utf-8")


_crossdomain = path("crossdomain.xml", crossdomain)

TABLES: dict[str, list[URLPattern | URLResolver]] = {
    "image": [_crossdomain, *generation.image],
    "text": [_crossdomain, *generation.text],
    "v1": [path("openapi.json", reference.openapi), path("usage", usage_api.read), *generation.v1],
    "auth": auth.table,
    "root": [
        path("healthz", health.healthz),
        path("readyz", health.readyz),
        path("metrics", health.metrics),
        path("robots.txt", robots),
        path("labels.json", marks.data),
        path("feed.json", jsonfeed.feed),
        path("live/events", stream.wall_events),
        path("live/items.json", stream.wall_items),
        path("mcp", mcp.endpoint),
        *generation.root,
    ],
}
