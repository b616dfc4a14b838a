"""`/media/{public id}/{variant}`: the bytes of results. A digest never appears in an address.

Public results are there for everybody, private ones and what a request brought along (`input-0`, `input-1`, …) for
whoever has an address that generation.lending signed.
"""

import asyncio

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from feeds import hub
from feeds.seat import Closed
from generation import inputs, lending, media, relayed, variants
from generation.api import doors, responses
from generation.models import Generation
from pollweb.lib import db, http
from pollweb.lib.errors import NotFound, Unavailable

MOST_INPUTS = 8
JOIN = 5.0
SEALED = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'"}


def address(row: Generation) -> str:
    """Where the bytes of a finished row are, signed when they are private."""
    if row.is_visible:
        return f"{settings.SITE_URL}/media/{row.public_id}/original"
    return lending.address(row.public_id, "original")


def _find(public_id: str, lent: bool) -> Generation | None:
    rows = Generation.objects.finished().filter(hidden_at=None) if lent else Generation.objects.public()
    return rows.select_related("artifact").filter(public_id=public_id).first()


@doors.methods("GET", "HEAD")
async def original(request: HttpRequest, public_id: str) -> HttpResponse:
    """The bytes as they were made. What is private, hidden or unknown is the same 404."""
    signature = http.query(request).get("signature", "")
    row = await db.run(_find, public_id, bool(signature) and lending.holds(public_id, "original", signature))
    if row is None:
        raise NotFound("There is no such file.")
    response = await media.respond(request, row, filename=media.filename(row), may_be_handed=True)
    # A moderator may still hide it: an hour in caches, not for ever.
    response["Cache-Control"] = "public, max-age=3600" if row.is_visible else responses.PRIVATE
    return response


@doors.methods("GET", "HEAD")
async def variant(request: HttpRequest, public_id: str, variant: str) -> HttpResponse:
    """A public picture in another form: `webp-640`, `avif-320`, …, or `card`. The wall asks in the moment in which it
    is made: until there are smaller ones it is given the picture itself."""
    row = await db.run(_find, public_id, False) if variant in variants.NAMES else None
    digest = row.artifact.variants.get(variant) if row and row.artifact else None
    if row and row.artifact and row.artifact.varied_at is None and variant in variants.SMALLER:
        response = await media.respond(request, row, filename=media.filename(row), may_be_handed=True)
        response["Cache-Control"] = "no-cache"
        return response
    if row is None or digest is None:
        raise NotFound("There is no such file.")
    media_type = variants.media_type(variant)
    name = media.filename(row, media_type)
    response = await media.respond_with(request, digest, media_type, filename=name, may_be_handed=True)
    response["Cache-Control"] = "public, max-age=3600"
    return response


@doors.methods("GET", "HEAD")
async def of_another(request: HttpRequest, public_id: str) -> HttpResponse:
    """A small form of a picture that a followed feed told of, as long as that is in our own feed."""
    try:
        async with asyncio.timeout(JOIN):
            item = await hub.current().find(public_id)
    except (TimeoutError, Closed):
        raise Unavailable("The feed is away; try again soon.") from None
    event = item.event if item else None
    shows = settings.DESIGN.feeds.pictures == "thumbnails"
    if event is None or not (shows and event.remote and event.kind == "image" and not event.is_mature):
        raise NotFound("There is no such file.")
    data = await relayed.thumbnail(event.public_id, event.image_url)
    if data is None:
        raise NotFound("There is no such file.")
    return HttpResponse(
        data, content_type=relayed.MEDIA_TYPE, headers={**SEALED, "Cache-Control": "public, max-age=3600"}
    )


@doors.methods("GET", "HEAD")
async def given(request: HttpRequest, public_id: str, number: int) -> HttpResponse:
    """A picture that a request brought along, for the upstream that was lent its address."""
    signature = http.query(request).get("signature", "")
    if number >= MOST_INPUTS or not lending.holds(public_id, inputs.variant(number), signature):
        raise NotFound("There is no such file.")
    row = await db.run(Generation.objects.filter(public_id=public_id).first)
    digests = inputs.digests_of(row.request()) if row else ()
    data = await media.load(digests[number]) if number < len(digests) else None
    if data is None:
        raise NotFound("There is no such file.")
    return HttpResponse(
        data, content_type=inputs.media_type(data), headers={**SEALED, "Cache-Control": responses.PRIVATE}
    )
