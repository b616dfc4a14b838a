"""GET /feed.json: the newest public items for feed readers, as JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/)."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from feeds import frames, hub, stream
from feeds.frames import Item
from feeds.seat import Closed
from pollweb.lib.errors import MethodNotAllowed, Unavailable

ITEMS = 50
TITLE = 120  # characters of a prompt


async def feed(request: HttpRequest) -> HttpResponse:
    """Query: `kinds`, `models`, `words`, as the wall has them. What is mature is never in it."""
    if request.method not in ("GET", "HEAD"):
        raise MethodNotAllowed("This address answers GET only.")
    asked = request.GET
    wants = stream.wall_wants(asked.get("kinds", ""), asked.get("models", ""), asked.get("words", ""))
    try:
        async with asyncio.timeout(stream.JOIN):
            seat = await hub.current().join(frames.WALL, wants, past=ITEMS)
    except (TimeoutError, Closed):
        raise Unavailable("The feed is away; try again soon.") from None
    try:
        items = [item for item in seat.take_backlog() if item.t != "remove"]
    finally:
        seat.leave()
    said = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": settings.DESIGN.site.name,
        "home_page_url": f"{settings.SITE_URL}/",
        "feed_url": request.build_absolute_uri(),
        "items": [entry(item) for item in reversed(items)],
    }
    response = HttpResponse(orjson.dumps(said), content_type="application/feed+json")
    response["Cache-Control"] = "no-cache"
    return response


def entry(item: Item) -> dict[str, Any]:
    """An item, newest as a reader keeps it: its id never changes, wherever it was made."""
    event = item.event
    title = event.prompt if len(event.prompt) <= TITLE else f"{event.prompt[: TITLE - 1]}…"
    address = urljoin(f"{settings.SITE_URL}/", event.href)
    said: dict[str, Any] = {
        "id": event.origin,
        "url": address,
        "title": " ".join(title.split()),
        "content_text": event.response or event.prompt,
        "date_published": datetime.fromtimestamp(event.at, UTC).isoformat(timespec="seconds"),
        "tags": [event.kind, event.model],
    }
    if event.made_by:
        said["authors"] = [{"name": event.made_by}]
    if event.src and event.kind == "image":
        said["image"] = urljoin(f"{settings.SITE_URL}/", event.src)
    elif event.src:
        sound = {"url": urljoin(f"{settings.SITE_URL}/", event.src), "mime_type": "audio/mpeg"}
        said["attachments"] = [{**sound, "duration_in_seconds": round(event.duration, 1)}]
    return said
