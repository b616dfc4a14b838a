"""`/media/{public id}/{variant}`: the bytes of public results. A digest never appears in an address."""

from django.http import HttpRequest, HttpResponse

from generation import media
from generation.api import doors
from generation.models import Generation
from pollweb.lib import db
from pollweb.lib.errors import NotFound


def _find(public_id: str) -> Generation | None:
    return Generation.objects.public().select_related("artifact").filter(public_id=public_id).first()


@doors.methods("GET", "HEAD")
async def original(request: HttpRequest, public_id: str) -> HttpResponse:
    """The bytes as they were made. What is private, hidden or unknown is the same 404."""
    row = await db.run(_find, public_id)
    if row is None:
        raise NotFound("There is no such file.")
    response = await media.respond(request, row, filename=media.filename(row))
    # A moderator may still hide it: an hour in caches, not for ever.
    response["Cache-Control"] = "public, max-age=3600"
    return response
