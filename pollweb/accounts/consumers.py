"""`/ws/me`: one socket for each tab of somebody who is signed in, which hears what has changed in their teams.

Server: `{"t":"hint","team":"<slug>","on":["request",…]}` (pollweb.accounts.hints says which), `{"t":"ping"}` each 25 s.
Client: `{"t":"pong"}`, nothing else. It is closed with 4401 when nobody is signed in (any more), with 4008 when two
pings have no answer, with 1008 for anything else said, with 1013 when this person has too many, with 1012 when the
server ends.
"""

import asyncio
import time
from collections import Counter
from importlib import import_module
from typing import Any

import orjson
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest, parse_cookie

from pollweb.accounts import hints
from pollweb.accounts.models import Team
from pollweb.lib import db

MOST_OF_PERSON = 20  # in one process
MOST_TEAMS = 50
PING = 25.0
UNANSWERED = 2
CHECK = 30.0  # the session and the memberships are looked at again
MOST_FRAMES = 10  # a minute; a pong is due twice in it
SIGNED_OUT, SLOW, REFUSED, RESTART, BUSY = 4401, 4008, 1008, 1012, 1013

_open: Counter[int] = Counter()


def _person(key: str) -> tuple[int, dict[int, str]] | None:
    """Who is signed in by this web session, and the names of their teams; None for nobody."""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    found = get_user(request)
    if not found.is_authenticated:
        return None
    return found.pk, dict(Team.objects.of(found).values_list("pk", "slug")[:MOST_TEAMS])


class MeConsumer(AsyncWebsocketConsumer):
    _seat: hints.Seat | None = None
    _teller: asyncio.Task[None] | None = None
    _person: int | None = None
    _names: dict[int, str]
    _unanswered = 0
    _is_over = False

    async def connect(self) -> None:
        cookies = [value.decode("latin-1") for name, value in self.scope["headers"] if name == b"cookie"]
        self._key = parse_cookie("; ".join(cookies)).get(settings.SESSION_COOKIE_NAME, "")
        self._heard: list[float] = []
        found = await db.run(_person, self._key) if self._key.isalnum() else None
        await self.accept()  # also to be closed with a code; from then on nothing is missed
        if found is None:
            await self._end(SIGNED_OUT)
            return
        if _open[found[0]] >= MOST_OF_PERSON:
            await self._end(BUSY)
            return
        self._person, self._names = found
        _open[self._person] += 1
        self._seat = hints.Seat(hints.digest(self._key), set(self._names))
        hints.hub.sit(self._seat)
        self._teller = asyncio.create_task(self._tell(self._seat))

    async def disconnect(self, code: int) -> None:
        if self._teller is not None:
            self._teller.cancel()
        if self._seat is not None:
            hints.hub.leave(self._seat)
        if self._person is not None:
            _open[self._person] -= 1
            if not _open[self._person]:
                del _open[self._person]
            self._person = None

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        now = time.monotonic()
        self._heard = [*(at for at in self._heard if now - at < 60), now]
        if text_data != '{"t":"pong"}' or len(self._heard) > MOST_FRAMES:
            await self._end(REFUSED)
        self._unanswered = 0

    async def _end(self, code: int) -> None:
        if not self._is_over:
            self._is_over = True
            await self.close(code)

    async def _tell(self, seat: hints.Seat) -> None:
        checked = time.monotonic()
        while True:
            try:
                async with asyncio.timeout(PING):
                    await seat.woken.wait()
                if not (seat.is_over or seat.is_closing):
                    await asyncio.sleep(hints.SETTLE)
            except TimeoutError:
                self._unanswered += 1
                if self._unanswered > UNANSWERED:
                    await self._end(SLOW)
                    return
                await self._say({"t": "ping"})
            if time.monotonic() - checked >= CHECK:
                checked = time.monotonic()
                found = await db.run(_person, self._key)
                seat.is_over |= found is None
                self._names = found[1] if found else {}
                seat.teams = set(self._names)
            if seat.is_over or seat.is_closing:
                await self._end(SIGNED_OUT if seat.is_over else RESTART)
                return
            await self._pass_on(seat.take())

    async def _pass_on(self, news: set[tuple[int, str]]) -> None:
        for team_id, name in self._names.items():
            if topics := sorted(topic for about, topic in news if about == team_id):
                await self._say({"t": "hint", "team": name, "on": topics})

    async def _say(self, frame: dict[str, Any]) -> None:
        await self.send(text_data=orjson.dumps(frame).decode())
