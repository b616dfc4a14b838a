"""Server-sent events: the guide's image feed and text feed, and the wall for browsers whose sockets do not get through.

The guide's frames are `data:` lines and nothing else. A client that resumes (`Last-Event-ID` or `?last_event_id=`,
which may be empty the first time) is given ids too. While it is quiet a comment goes out at least every 15 seconds.
"""

import asyncio
import hmac
import time
import weakref
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from feeds import attendance, collected, frames, hub, walls
from feeds.frames import Door, Item, Written
from feeds.hub import KINDS, Hub, Wants
from feeds.models import Screen, Wall
from feeds.seat import Closed, Seat
from feeds.visitors import Visitors
from pollweb.lib import db, sse
from pollweb.lib.errors import MethodNotAllowed, NotFound, PollwebError, Unavailable
from pollweb.lib.http import client_address

PAST_RESULTS = 20
MOST_PAST_RESULTS = 100
WALL_ITEMS = 40
JOIN = 5.0
HEARTBEAT = 9.0  # looked at every 5 s, the hub's tick: 10 s pass, and never 15 on a busy machine
MOST_MODELS = 50
MOST_WORDS = 10
UTF8_EVENTS = "text/event-stream; charset=utf-8"
RETRY = b"retry: 3000\n\n"

visitors = Visitors()


class TooManyStreams(PollwebError):
    code, status, retry_after = "too_many_streams", 429, 15


class UnknownKey(PollwebError):
    code, status = "unknown_display_key", 403


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
    """GET /live/events: the frames of the wall's socket as events. Query: `kinds`, `models`, `words`, `after`, `wall`,
    and a screen's `token`."""
    place = await _wall_place(request)
    owed = place.owed(_after(request))
    return _events(request, frames.WALL_EVENTS, place.wants, UTF8_EVENTS, wall=place, **owed)


async def wall_items(request: HttpRequest) -> HttpResponseBase:
    """GET /live/items.json: what a `hello` holds, with `gap` and the ids of `removed` items, for browsers that poll."""
    _only_get(request)
    at = await _wall_place(request)
    more: dict[str, Any] = {"revision": at.revision} if at.wall else {}
    if at.screen is not None:
        await db.run(walls.seen, [at.screen.pk])
    place = hub.current()
    try:
        async with asyncio.timeout(JOIN):
            seat = await place.join(frames.WALL, at.wants, **at.owed(_after(request)))
    except (TimeoutError, Closed):
        raise Unavailable("The feed is away; try again soon.") from None
    try:
        answer, _ = await at.hello(place, seat, gap=seat.missed, **more)
    finally:
        seat.leave()
    response = HttpResponse(answer, content_type="application/json")
    response["Cache-Control"] = "no-cache"
    return response


# --- shared with the wall's socket ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WallPlace:
    """What somebody before a wall is told, and which wall and screen that is where it has a name."""

    wants: Wants
    wall: Wall | None = None
    screen: Screen | None = None

    @property
    def revision(self) -> str:
        return walls.revision(self.wall, self.screen) if self.wall else ""

    def owed(self, after: str) -> dict[str, Any]:
        """What a seat here begins with, for Hub.join. Before a wall of a collection nothing of the stream's past."""
        if self.wall is not None and self.wall.collection:
            return {}
        return {"after": after, "past": WALL_ITEMS, "most": WALL_ITEMS}

    async def hello(self, place: Hub, seat: Seat, **more: Any) -> tuple[str, dict[str, str]]:
        """The first frame; and of a wall of a collection what it shows with that, ids in the frame by public id.

        There the frame says `whole`: it holds all there is, and what a client has besides is not shown any more.
        """
        if self.wall is None or not self.wall.collection:
            return hello(place, seat, **more), {}
        found = await db.run(collected.items, self.wall.collection)
        shown = collected.first(found, self.wants)
        return hello(place, seat, shown[::-1], whole=True, **more), {item.public_id: item.id for item in shown}


async def wall_place(asked: Mapping[str, Any], screen: Screen | None = None) -> WallPlace:
    """`kinds`, `models` and `words` of what `wall` shows, as `asked`. At a screen its own choices hold. NotFound."""
    if screen is not None:
        shown = screen.shown
        return WallPlace(wall_wants(shown.kind, shown.model, within=walls.bounds(screen.wall)), screen.wall, screen)
    kinds, models, words = (asked.get(name) for name in ("kinds", "models", "words"))
    if not asked.get("wall"):
        return WallPlace(wall_wants(kinds, models, words))
    found = await db.run(walls.of_slug, str(asked["wall"]))
    if found is None:
        raise NotFound("There is no wall of this name.", code="unknown_wall")
    return WallPlace(wall_wants(kinds, models, words, within=walls.bounds(found)), found)


def wall_wants(kinds: Any, models: Any, words: Any = "", within: Wants | None = None) -> Wants:
    """From words with commas or a list of words; no kinds, or only unknown ones, means all of them."""
    asked = {word for word in _words(kinds) if word in KINDS}
    sought = frozenset(word.casefold() for word in _words(words)[:MOST_WORDS])
    return Wants(frozenset(asked) or KINDS, frozenset(_words(models)), sought, removes=True, within=within)


def hello(place: Hub, seat: Seat, shown: list[Item] | None = None, **more: Any) -> str:
    """The wall's first frame, with `shown` or else all that the seat is owed from the past. Made of what is written
    already: after a restart thousands ask for it at once."""
    owed = seat.take_backlog() if shown is None else shown
    removed = [item.target for item in owed if item.t == "remove" and item.target]
    said = {"t": "hello", "now": time.time(), "rate": place.rate(), "removed": removed, "last": place.head, **more}
    items = ",".join(str(item.write(frames.WALL).frame) for item in owed if item.t != "remove")
    return f'{frames.text(said)[:-1]},"items":[{items}]}}'


# --- parts ------------------------------------------------------------------------------------------------------------


async def _wall_place(request: HttpRequest) -> WallPlace:
    key = getattr(request, "query_token", "")  # the lane has taken it out of the address
    screen = await db.run(walls.of_key, key) if key else None
    if key and screen is None:
        raise UnknownKey("This display key does not hold any more; its team can make another one.")
    return await wall_place(request.GET, screen)


def _events(
    request: HttpRequest, door: Door, wants: Wants, content_type: str, *, wall: WallPlace | None = None, **owed: Any
) -> HttpResponseBase:
    _only_get(request)
    response: HttpResponseBase
    if request.method == "HEAD":
        response = HttpResponse(b"")
    else:
        leave = _let_in(request, wall.screen if wall else None)
        if leave is None:
            raise TooManyStreams("Too many event streams are open from this address; close one, then try again.")
        response = StreamingHttpResponse(_listen(door, wants, leave, wall=wall, direct=_transport(request), **owed))
        weakref.finalize(response, leave)  # for a client that was gone before its first frame
    response["Content-Type"] = content_type
    response["Cache-Control"] = "no-cache"
    response["Connection"] = "keep-alive"
    response["X-Accel-Buffering"] = "no"
    return response


def _let_in(request: HttpRequest, screen: Screen | None) -> Callable[[], None] | None:
    """As Visitors does; a screen has a limit of its own."""
    if screen is None:
        return visitors.enter(client_address(request), settings.DESIGN.limits.streams_per_address)
    return None if attendance.current().is_full(screen) else lambda: None


def _transport(request: HttpRequest) -> asyncio.Transport | None:
    """Where frames may be written beside the response, which our own protocol sends in chunks."""
    scope = getattr(request, "scope", {})
    connection = scope.get("pollweb.connection") if "pollweb.cycle" in scope else None
    return connection.transport if connection is not None and settings.WALL_DIRECT else None


async def _listen(
    door: Door, wants: Wants, leave: Callable[[], None], *, wall: WallPlace | None, **manners: Any
) -> AsyncIterator[bytes]:
    place = hub.current()
    task = asyncio.current_task()
    stuck = task.cancel if task else None
    last = time.monotonic()

    def regular() -> list[Written]:
        """What is said at each tick of the hub: the wall's figures, or that the feed is alive."""
        nonlocal last
        if wall is not None:
            return [place.stats(door)]
        if time.monotonic() - last < HEARTBEAT:
            return []
        last = time.monotonic()
        return [frames.HEARTBEAT]

    joining = asyncio.ensure_future(
        place.join(door, wants, watching=wall is not None, stuck=stuck, regular=regular, **manners)
    )
    try:
        yield RETRY if wall else sse.HEARTBEAT  # at once, so that proxies let the headers through
        while not (await asyncio.wait({joining}, timeout=HEARTBEAT))[0]:
            yield sse.HEARTBEAT  # Redis is away
        seat = joining.result()
        if wall:
            said, shown = await wall.hello(place, seat)
            yield f"id: {place.head}\ndata: {said}\n\n".encode()
            if wall.wall is not None:
                attendance.current().enter(seat, wall.wall, wall.screen, wall.wants, shown)
        ticks = place.ticks
        while True:
            told = await seat.take()
            if told and wall is None:
                last = time.monotonic()
            if ticks != place.ticks:
                ticks = place.ticks
                told += [written.frame for written in regular()]
            if told:
                yield b"".join(told)  # type: ignore[arg-type]
    except Closed:
        return
    finally:
        leave()
        if not joining.cancel() and not joining.cancelled() and joining.exception() is None:
            attendance.current().leave(joining.result())
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
