"""The wall's socket: JSON text frames, read-only but for a few words of the client.

Client: `{"t":"sub","kinds":[…],"models":[…],"words":[…],"wall":"<slug>","after":"<id>"}`, `pause`, `resume`, `pong`.
Server: `hello` with up to 40 items, `item`, `remove`, `gap`, `stats` every 5 s, `ping` every 10 s, `bye` at the end;
before a named wall `screen` with the `revision` that the page should be of, or `gone`; `whole` in the `hello` of a
wall of a collection.
The first `sub` says where to begin; a client that says nothing for a second gets everything. Each further `sub` begins
anew. Two unanswered pings, or more than 256 KiB unsent, close with 4008; more than 10 frames in a second or something
that is no JSON object with 1008, a frame over 16 KiB with 1009. `?token=` is a screen's display key: then its wall and
its choices hold, whatever `sub` says, and no limit of sockets for each address.

Where the server hands over the connection's transport (the scope's extension `pollweb.transport`), and
POLLWEB_WALL_DIRECT has not turned that off, items are written there as frames that were made once for everybody. Under
daphne the same consumer sends what its seat holds, one frame after the other.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import orjson
from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import DatabaseError

from feeds import attendance, frames, hub, stream, walls
from feeds.frames import Written
from feeds.models import Screen
from feeds.seat import MOST_BYTES, Closed, Seat
from feeds.visitors import Visitors
from pollweb.lib import db
from pollweb.lib.errors import NotFound
from pollweb.lib.http.addresses import caller_address

MOST_INBOUND_BYTES = 16 * 1024
MOST_INBOUND_RATE = 10
FIRST_WORD = 1.0
PING = 10.0  # at a tick of the hub: whoever leaves two unanswered is gone within 35 s, and on a busy machine a minute
UNANSWERED = 2
JOIN = 10.0

REFUSED, TOO_BIG, ERROR, RESTART, BUSY, SLOW = 1008, 1009, 1011, 1012, 1013, 4008

log = logging.getLogger(__name__)
visitors = Visitors()


class WallConsumer(AsyncWebsocketConsumer):
    _leave: Callable[[], None] | None = None
    _seat: Seat | None = None
    _screen: Screen | None = None
    _teller: asyncio.Task[None] | None = None
    _over = False
    _unanswered = 0
    _paused = False
    _pinged = 0.0

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Channels' own loop without its channel layer, and so without a task of its own for each frame."""
        self.scope, self.channel_layer, self.base_send = scope, None, send
        try:
            while True:
                await self.dispatch(await receive())
        except StopConsumer:
            pass
        finally:
            self._end()

    async def connect(self) -> None:
        self._inbound: list[float] = []
        key = parse_qs(self.scope.get("query_string", b"").decode("latin-1")).get("token", [""])[0]
        if not key:
            self._leave = visitors.enter(_address(self.scope), settings.DESIGN.limits.sockets_per_address)
        await self.accept()
        self.scope["headers"].clear()  # about a kilobyte for each of thousands, and nobody asks for them again
        if key:
            await self._begin_at_screen(key)
            return
        if self._leave is None:
            await self._bye("too many sockets are open from this address", BUSY)
            return
        self._begin({}, wait=FIRST_WORD)

    async def _begin_at_screen(self, key: str) -> None:
        self.scope["query_string"] = b""
        try:
            self._screen = await db.run(walls.of_key, key)
        except DatabaseError:
            await self._bye("the screens are away", BUSY)
            return
        if self._screen is None:
            await self.send(frames.text({"t": "screen", "gone": True}))
            await self._bye("this display key does not hold any more", REFUSED)
        elif attendance.current().is_full(self._screen):
            await self._bye("too many sockets are open with this display key", BUSY)
        else:
            self._begin({}, wait=FIRST_WORD)

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        await self.disconnect(message.get("code", 1005))
        raise StopConsumer

    async def disconnect(self, code: int) -> None:
        self._end()
        if self._leave is not None:
            self._leave()

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Without Channels' look after database connections, a thread hop for each frame: none is used here."""
        await getattr(self, get_handler_name(message))(message)

    # --- what the client says -----------------------------------------------------------------------------------------

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self._over:
            return
        now = time.monotonic()
        self._inbound = [at for at in self._inbound if now - at < 1]
        if len(self._inbound) >= MOST_INBOUND_RATE:
            await self._bye("too many frames", REFUSED)
            return
        self._inbound.append(now)
        if text_data is None:
            await self._bye("text frames only", REFUSED)
            return
        if len(text_data.encode()) > MOST_INBOUND_BYTES:
            await self._bye("the frame is too big", TOO_BIG)
            return
        try:
            said = orjson.loads(text_data)
        except orjson.JSONDecodeError:
            said = None
        if not isinstance(said, dict):
            await self._bye("frames are JSON objects", REFUSED)
            return
        self._hear(said)

    def _hear(self, said: dict[str, Any]) -> None:
        word = said.get("t")
        if word == "pong":
            self._unanswered = 0
        elif word == "sub":
            self._begin(said)
        elif word in ("pause", "resume"):
            self._paused = word == "pause"
            if self._seat is not None:
                self._seat.pause(self._paused)

    # --- what we tell -------------------------------------------------------------------------------------------------

    def _begin(self, said: dict[str, Any], wait: float = 0.0) -> None:
        self._end()
        after = said.get("after")
        self._teller = asyncio.create_task(self._tell(said, after[:64] if isinstance(after, str) else "", wait))

    def _end(self) -> None:
        if self._teller is not None:
            self._teller.cancel()
        if self._seat is not None:
            self._get_up(self._seat)
        self._teller = self._seat = None

    @staticmethod
    def _get_up(seat: Seat) -> None:
        attendance.current().leave(seat)
        seat.leave()

    async def _tell(self, said: dict[str, Any], after: str, wait: float) -> None:
        try:
            await asyncio.sleep(wait)
            await self._tell_on(await stream.wall_place(said, self._screen), after)
        except NotFound:
            await self.send(frames.text({"t": "screen", "gone": True}))
            await self._bye("there is no wall of this name", REFUSED)
        except DatabaseError:
            await self._bye("the walls are away", BUSY)
        except OSError:
            pass  # the client is gone; the server says so to disconnect()
        except Exception:
            log.exception("a wall socket ends")
            await self._bye("error", ERROR)

    async def _tell_on(self, at: stream.WallPlace, after: str) -> None:
        place = hub.current()
        try:
            async with asyncio.timeout(JOIN):
                seat = self._seat = await place.join(
                    frames.WALL,
                    at.wants,
                    watching=True,
                    patience=PING * UNANSWERED,
                    most_behind=MOST_BYTES,
                    stuck=self._stuck,
                    direct=self._transport(),
                    regular=lambda: self._regular(place),
                    **at.owed(after),
                )
        except (TimeoutError, Closed):
            await self._bye("the feed is away", BUSY)
            return
        seat.pause(self._paused)
        self._pinged = time.monotonic()
        hello, shown = await at.hello(place, seat)
        await self.send(hello)
        if at.wall is not None:
            attendance.current().enter(seat, at.wall, at.screen, at.wants, shown)
        ticks = place.ticks
        try:
            while True:
                for frame in await seat.take():
                    await self.send(frame)
                if ticks == place.ticks:
                    continue
                ticks = place.ticks
                said = self._regular(place)
                if said is None:
                    await self._bye("no answer", SLOW)
                    return
                for written in said:
                    await self.send(written.frame)
        except Closed:
            await self._bye("restart", RESTART)

    def _transport(self) -> asyncio.Transport | None:
        given = (self.scope.get("extensions") or {}).get("pollweb.transport")
        return given if settings.WALL_DIRECT else None

    def _regular(self, place: hub.Hub) -> list[Written] | None:
        """What is said at each tick of the hub; None when this client has not answered."""
        said = [place.stats()]
        if time.monotonic() - self._pinged >= PING:
            if self._unanswered >= UNANSWERED:
                return None
            self._pinged = time.monotonic()
            self._unanswered += 1
            said.append(frames.PING)
        return said

    def _stuck(self) -> None:
        """Nothing gets through: no farewell either. A server that hands its `cut` over does not wait for it."""
        if self._teller is not None:
            self._teller.cancel()
        self._over = True
        cut = (self.scope.get("extensions") or {}).get("pollweb.cut")
        if cut is not None:
            cut()
        else:
            self._teller = asyncio.create_task(self._close_slow())

    async def _close_slow(self) -> None:
        try:
            await self.close(SLOW)
        except OSError:
            pass  # it is gone already

    async def _bye(self, reason: str, code: int) -> None:
        if self._over:
            return
        self._over = True
        if self._seat is not None:
            self._seat.hush()  # nothing may follow the closing frame
        retry = 5 if code in (BUSY, RESTART, SLOW) else None
        try:
            await self.send(frames.text({"t": "bye", "reason": reason, "retry": retry}))
            await self.close(code)
        finally:
            if self._seat is not None:
                self._get_up(self._seat)


def _address(scope: dict[str, Any]) -> str:
    forwarded = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return caller_address((scope.get("client") or ("",))[0], ",".join(forwarded))
