"""Lists of public results as feeds: Atom and JSON Feed 1.1."""

import hashlib
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import get_conditional_response
from django.utils.feedgenerator import Atom1Feed, Enclosure
from django.utils.http import quote_etag

from generation.models import Generation

ITEMS = 50
TITLE = 120  # characters of a prompt


def answer(
    request: HttpRequest, form: str, *, title: str, about: str, page: str, rows: Sequence[Generation]
) -> HttpResponse:
    """`rows` as `form`: atom or json. `page` is the path of the list for people."""
    response = (_atom if form == "atom" else _json)(request.path, title, about, settings.SITE_URL + page, rows)
    response["Cache-Control"] = "public, max-age=60"
    response["Access-Control-Allow-Origin"] = "*"
    listed = hashlib.sha256(" ".join(row.public_id for row in rows).encode()).hexdigest()[:32]
    etag = quote_etag(f"{form}-{listed}")  # the same in every process
    response["ETag"] = etag
    return get_conditional_response(request, etag, response=response) or response


def _title(row: Generation) -> str:
    said = " ".join(row.prompt.split()) or row.model
    return said if len(said) <= TITLE else f"{said[: TITLE - 1]}…"


def _media(row: Generation) -> str:
    return f"{settings.SITE_URL}/media/{row.public_id}/original"


def _atom(path: str, title: str, about: str, page: str, rows: Sequence[Generation]) -> HttpResponse:
    feed = Atom1Feed(title=title, link=page, description=about, feed_url=settings.SITE_URL + path)
    for row in rows:
        enclosures = []
        if row.artifact:
            enclosures.append(Enclosure(_media(row), str(row.artifact.size), row.artifact.media_type))
        feed.add_item(
            title=_title(row),
            link=f"{settings.SITE_URL}/p/{row.public_id}",
            description=row.response or row.prompt,
            unique_id=f"{settings.SITE_URL}/p/{row.public_id}",
            pubdate=row.created_at,
            updateddate=row.finished_at or row.created_at,
            categories=[row.kind, row.model],
            enclosures=enclosures,
        )
    return HttpResponse(feed.writeString("utf-8"), content_type="application/atom+xml; charset=utf-8")


def _json(path: str, title: str, about: str, page: str, rows: Sequence[Generation]) -> HttpResponse:
    said = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": title,
        "description": about,
        "home_page_url": page,
        "feed_url": settings.SITE_URL + path,
        "items": [_entry(row) for row in rows],
    }
    dumps = {"ensure_ascii": False}
    return JsonResponse(said, content_type="application/feed+json", json_dumps_params=dumps)


def _entry(row: Generation) -> dict[str, Any]:
    address = f"{settings.SITE_URL}/p/{row.public_id}"
    said: dict[str, Any] = {
        "id": address,
        "url": address,
        "title": _title(row),
        "content_text": row.response or row.prompt,
        "date_published": row.created_at.isoformat(timespec="seconds"),
        "tags": [row.kind, row.model],
    }
    if row.artifact and row.kind == "image":
        said["image"] = _media(row)
    elif row.artifact:
        said["attachments"] = [{"url": _media(row), "mime_type": row.artifact.media_type}]
    return said
