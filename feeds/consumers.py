"""The wall's socket: JSON text frames, read-only but for a few words of the client.

Client: `{"t":"sub","kinds":[…],"models":[…],"after":"<id>"}`, `pause`, `resume`, `pong`.
Server: `hello` with up to 40 items, `item`, `remove`, `gap`, `stats` every 5 s, `ping` every 20 s, `bye` at the end.
The first `sub` says where to begin; a client that says nothing for a second gets everything. Each further `sub` begins
anew. Two unanswered pings, or more than 256 KiB unsent, close with 4008; more than 10 frames in a second or something
that is no JSON object with 1008, a frame over 16 KiB with 1009.

Where the server hands over the connection's transport (the scope's extension `pollweb.transport`), items are written
there as frames that were made once for everybody.
"""

import asyncio
import logging
import time
from collections import deque
from typing import Any

import orjson
from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from feeds import frames, hub, stream
from feeds.hub import Wants
from feeds.seat import MOST_BYTES, Closed, Seat
from feeds.visitors import Visitors
from pollweb.lib.http.addresses import caller_address

MOST_INBOUND_BYTES = 16 * 1024
MOST_INBOUND_RATE = 10
FIRST_WORD = 1.0
PING = 20.0
UNANSWERED = 2
JOIN = 10.0

REFUSED, TOO_BIG, ERROR, RESTART, BUSY, SLOW = 1008, 1009, 1011, 1012, 1013, 4008

log = logging.getLogger(__name__)
visitors = Visitors()


class WallConsumer(AsyncWebsocketConsumer):
    _seat: Seat | None = None
    _teller: asyncio.Task[None] | None = None
    _over = False
    _unanswered = 0
    _paused = False

    async def connect(self) -> None:
        self._inbound: deque[float] = deque(maxlen=MOST_INBOUND_RATE)
        self._leave = visitors.enter(_address(self.scope), settings.DESIGN.limits.sockets_per_address)
        await self.accept()
        if self._leave is None:
            await self._bye("too many sockets are open from this address", BUSY)
            return
        self._begin({}, wait=FIRST_WORD)

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
        if len(self._inbound) == MOST_INBOUND_RATE and now - self._inbound[0] < 1:
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
        wants = stream.wall_wants(said.get("kinds"), said.get("models"))
        self._teller = asyncio.create_task(self._tell(wants, after[:64] if isinstance(after, str) else "", wait))

    def _end(self) -> None:
        if self._teller is not None:
            self._teller.cancel()
        if self._seat is not None:
            self._seat.leave()
        self._teller = self._seat = None

    async def _tell(self, wants: Wants, after: str, wait: float) -> None:
        try:
            await asyncio.sleep(wait)
            await self._tell_on(wants, after)
        except OSError:
            pass  # the client is gone; the server says so to disconnect()
        except Exception:
            log.exception("a wall socket ends")
            await self._bye("error", ERROR)

    async def _tell_on(self, wants: Wants, after: str) -> None:
        place = hub.current()
        try:
            async with asyncio.timeout(JOIN):
                seat = self._seat = await place.join(
                    frames.WALL,
                    wants,
                    after=after,
                    past=stream.WALL_ITEMS,
                    most=stream.WALL_ITEMS,
                    watching=True,
                    patience=PING * UNANSWERED,
                    most_behind=MOST_BYTES,
                    stuck=self._stuck,
                    direct=(self.scope.get("extensions") or {}).get("pollweb.transport"),
                )
        except (TimeoutError, Closed):
            await self._bye("the feed is away", BUSY)
            return
        seat.pause(self._paused)
        await self.send(frames.text(stream.hello(place, seat)))
        ticks, pinged = place.ticks, time.monotonic()
        try:
            while True:
                for frame in await seat.take():
                    await self.send(frame)
                if ticks == place.ticks:
                    continue
                ticks = place.ticks
                await self.send(place.stats())
                if time.monotonic() - pinged >= PING:
                    pinged = time.monotonic()
                    if self._unanswered >= UNANSWERED:
                        await self._bye("no answer", SLOW)
                        return
                    self._unanswered += 1
                    await self.send('{"t":"ping"}')
        except Closed:
            await self._bye("restart", RESTART)

    def _stuck(self) -> None:
        """Nothing gets through: no farewell either."""
        if self._teller is not None:
            self._teller.cancel()
        self._teller = asyncio.create_task(self.close(SLOW))

    async def _bye(self, reason: str, code: int) -> None:
        if self._over:
            return
        self._over = True
        if self._seat is not None:
            self._seat.direct = None  # nothing may follow the closing frame
        retry = 5 if code in (BUSY, RESTART, SLOW) else None
        try:
            await self.send(frames.text({"t": "bye", "reason": reason, "retry": retry}))
            await self.close(code)
        finally:
            if self._seat is not None:
                self._seat.leave()


def _address(scope: dict[str, Any]) -> str:
    forwarded = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return caller_address((scope.get("client") or ("",))[0], ",".join(forwarded))
