"""`/media/{public id}/{variant}`: the bytes of results. A digest never appears in an address.

Public results are there for everybody, private ones for whoever has an address with a signature, for an hour.
"""

from urllib.parse import urlencode

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from generation import media
from generation.api import doors, responses
from generation.models import Generation
from pollweb.lib import db, http
from pollweb.lib.errors import NotFound

LENT_SECONDS = 3600  # as long as OpenAI's addresses of pictures hold
_signer = signing.TimestampSigner(salt="generation.api.files")


def address(row: Generation) -> str:
    """Where the bytes of a finished row are, signed when they are private."""
    plain = f"{settings.SITE_URL}/media/{row.public_id}/original"
    return plain if row.is_visible else f"{plain}?{urlencode({'signature': _signed(row.public_id)})}"


def _signed(public_id: str) -> str:
    return _signer.sign(public_id).removeprefix(f"{public_id}:")


def _is_lent(public_id: str, signature: str) -> bool:
    try:
        _signer.unsign(f"{public_id}:{signature}", max_age=LENT_SECONDS)
    except signing.BadSignature:
        return False
    return True


def _find(public_id: str, lent: bool) -> Generation | None:
    rows = Generation.objects.finished().filter(hidden_at=None) if lent else Generation.objects.public()
    return rows.select_related("artifact").filter(public_id=public_id).first()


@doors.methods("GET", "HEAD")
async def original(request: HttpRequest, public_id: str) -> HttpResponse:
    """The bytes as they were made. What is private, hidden or unknown is the same 404."""
    signature = http.query(request).get("signature", "")
    row = await db.run(_find, public_id, bool(signature) and _is_lent(public_id, signature))
    if row is None:
        raise NotFound("There is no such file.")
    response = await media.respond(request, row, filename=media.filename(row))
    # A moderator may still hide it: an hour in caches, not for ever.
    response["Cache-Control"] = "public, max-age=3600" if row.is_visible else responses.PRIVATE
    return response
