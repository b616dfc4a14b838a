"""Server-sent events: the guide's image feed and text feed, and the wall for browsers whose sockets do not get through.

The guide's frames are `data:` lines and nothing else. A client that resumes (`Last-Event-ID` or `?last_event_id=`,
which may be empty the first time) is given ids too. While it is quiet a comment goes out at least every 15 seconds.
"""

import asyncio
import hmac
import time
import weakref
from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from feeds import frames, hub
from feeds.frames import Door
from feeds.hub import Hub, Wants
from feeds.seat import Closed, Seat
from feeds.visitors import Visitors
from pollweb.lib import sse
from pollweb.lib.errors import MethodNotAllowed, PollwebError, Unavailable
from pollweb.lib.http import client_address

PAST_RESULTS = 20
MOST_PAST_RESULTS = 100
WALL_ITEMS = 40
JOIN = 5.0
HEARTBEAT = 10.0  # the hub's tick comes every 5 s, so at most 15 s pass
MOST_MODELS = 50
UTF8_EVENTS = "text/event-stream; charset=utf-8"
RETRY = b"retry: 3000\n\n"
KINDS = frozenset({"image", "text", "audio"})

visitors = Visitors()


class TooManyStreams(PollwebError):
    code, status, retry_after = "too_many_streams", 429, 15


# --- views ------------------------------------------------------------------------------------------------------------


async def image_feed(request: HttpRequest) -> HttpResponseBase:
    """GET /feed of the image host: the last `past_results` pictures (20), then each new one."""
    after = _after(request)
    wants = Wants(frozenset({"image"}), mature=_has_password(request))
    door = frames.IMAGE_RESUMED if _resumes(request) else frames.IMAGE
    return _events(request, door, wants, "text/event-stream", after=after, past=_past_results(request, PAST_RESULTS))


async def text_feed(request: HttpRequest) -> HttpResponseBase:
    """GET /feed of the text host: each new answer; the past only for who asks with `past_results`."""
    after = _after(request)
    wants = Wants(frozenset({"text"}), mature=_has_password(request))
    door = frames.TEXT_RESUMED if _resumes(request) else frames.TEXT
    past = _past_results(request, PAST_RESULTS) if "past_results" in request.GET else 0
    return _events(request, door, wants, UTF8_EVENTS, after=after, past=past)


async def wall_events(request: HttpRequest) -> HttpResponseBase:
    """GET /live/events: the frames of the wall's socket as events. Query: `kinds`, `models`, `after`."""
    wants = wall_wants(request.GET.get("kinds", ""), request.GET.get("models", ""))
    owed = {"after": _after(request), "past": WALL_ITEMS, "most": WALL_ITEMS}
    return _events(request, frames.WALL_EVENTS, wants, UTF8_EVENTS, wall=True, **owed)


async def wall_items(request: HttpRequest) -> HttpResponseBase:
    """GET /live/items.json: what a `hello` holds, with `gap` and the ids of `removed` items, for browsers that poll."""
    _only_get(request)
    place = hub.current()
    wants = wall_wants(request.GET.get("kinds", ""), request.GET.get("models", ""))
    try:
        async with asyncio.timeout(JOIN):
            seat = await place.join(frames.WALL, wants, after=_after(request), past=WALL_ITEMS, most=WALL_ITEMS)
    except (TimeoutError, Closed):
        raise Unavailable("The feed is away; try again soon.") from None
    try:
        answer = {**hello(place, seat), "gap": seat.missed}
    finally:
        seat.leave()
    response = HttpResponse(orjson.dumps(answer), content_type="application/json")
    response["Cache-Control"] = "no-cache"
    return response


# --- shared with the wall's socket ------------------------------------------------------------------------------------


def wall_wants(kinds: Any, models: Any) -> Wants:
    """From words with commas or a list of words; no kinds, or only unknown ones, means all of them."""
    asked = {word for word in _words(kinds) if word in KINDS}
    return Wants(frozenset(asked) or KINDS, frozenset(_words(models)), removes=True)


def hello(place: Hub, seat: Seat) -> dict[str, Any]:
    """The wall's first frame, with all that the seat is owed from the past."""
    owed = [frames.wall(item) for item in seat.take_backlog()]
    return {
        "t": "hello",
        "now": time.time(),
        "rate": place.rate(),
        "items": [frame for frame in owed if frame["t"] == "item"],
        "removed": [frame["id"] for frame in owed if frame["t"] == "remove" and frame["id"]],
        "last": place.head,
    }


# --- parts ------------------------------------------------------------------------------------------------------------


def _events(
    request: HttpRequest, door: Door, wants: Wants, content_type: str, *, wall: bool = False, **owed: Any
) -> HttpResponseBase:
    _only_get(request)
    response: HttpResponseBase
    if request.method == "HEAD":
        response = HttpResponse(b"")
    else:
        leave = visitors.enter(client_address(request), settings.DESIGN.limits.streams_per_address)
        if leave is None:
            raise TooManyStreams("Too many event streams are open from this address; close one, then try again.")
        response = StreamingHttpResponse(_listen(door, wants, leave, wall=wall, **owed))
        weakref.finalize(response, leave)  # for a client that was gone before its first frame
    response["Content-Type"] = content_type
    response["Cache-Control"] = "no-cache"
    response["Connection"] = "keep-alive"
    response["X-Accel-Buffering"] = "no"
    return response


async def _listen(
    door: Door, wants: Wants, leave: Callable[[], None], *, wall: bool, **owed: Any
) -> AsyncIterator[bytes]:
    place = hub.current()
    task = asyncio.current_task()
    stuck = task.cancel if task else None
    joining = asyncio.ensure_future(place.join(door, wants, watching=wall, stuck=stuck, **owed))
    try:
        yield RETRY if wall else sse.HEARTBEAT  # at once, so that proxies let the headers through
        while not (await asyncio.wait({joining}, timeout=HEARTBEAT))[0]:
            yield sse.HEARTBEAT  # Redis is away
        seat = joining.result()
        if wall:
            yield sse.data(hello(place, seat), id=place.head)
        last, ticks = time.monotonic(), place.ticks
        while True:
            told = await seat.take()
            if wall and ticks != place.ticks:
                ticks = place.ticks
                told.append(b"data: " + place.stats().encode() + b"\n\n")
            elif not told and time.monotonic() - last >= HEARTBEAT:
                told.append(sse.HEARTBEAT)
            if told:
                yield b"".join(told)  # type: ignore[arg-type]
                last = time.monotonic()
    except Closed:
        return
    finally:
        leave()
        if not joining.cancel() and not joining.cancelled() and joining.exception() is None:
            joining.result().leave()


def _only_get(request: HttpRequest) -> None:
    if request.method not in ("GET", "HEAD"):
        raise MethodNotAllowed("This address answers GET only.")


def _after(request: HttpRequest) -> str:
    """Where the client was. Bounded, since it comes from outside."""
    told = request.headers.get("Last-Event-ID", "")  # first: a browser that reconnects repeats its old query
    return (told or request.GET.get("last_event_id") or request.GET.get("after") or "")[:64]


def _resumes(request: HttpRequest) -> bool:
    return "Last-Event-ID" in request.headers or bool(request.GET.keys() & {"last_event_id", "after"})


def _past_results(request: HttpRequest, usual: int) -> int:
    try:
        asked = int(request.GET.get("past_results", ""))
    except ValueError:
        return usual
    return min(asked, MOST_PAST_RESULTS) if asked > 0 else usual


def _has_password(request: HttpRequest) -> bool:
    given = request.GET.get("password", "")
    return bool(settings.FEED_PASSWORD) and hmac.compare_digest(given.encode(), settings.FEED_PASSWORD.encode())


def _words(given: Any) -> list[str]:
    words = given.split(",") if isinstance(given, str) else given if isinstance(given, list) else []
    return [word.strip()[:100] for word in words if isinstance(word, str) and word.strip()][:MOST_MODELS]
