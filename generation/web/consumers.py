"""`/ws/jobs/{id}`: how a job stands, to whoever started it, until it has ended.

Server: `{"t":"queued|running|succeeded|failed|cancelled|expired", "title", "detail", "elapsed", "expected", "percent",
"is_final", "url"}` whenever that has changed, in the language that `?hl=` names; after the final one it closes with
1000. It is closed with 4404 when there is no such job for this visitor, with 1008 when the client says anything, with
1013 when this address holds too many.
"""

import asyncio
import logging
import time
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs

import orjson
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.http import parse_cookie
from django.utils import translation

from feeds.consumers import visitors
from generation import handoff
from generation.models import Generation
from generation.web import own, progress
from pollweb.lib import db
from pollweb.lib.errors import PollwebError
from pollweb.lib.http.addresses import caller_address

LOOK = 1.0  # seconds between two looks at a row, whatever was heard
ENDED, REFUSED, ERROR, BUSY, UNKNOWN = 1000, 1008, 1011, 1013, 4404

log = logging.getLogger(__name__)


class JobConsumer(AsyncWebsocketConsumer):
    _leave: Any = None
    _teller: asyncio.Task[None] | None = None
    _is_over = False

    async def connect(self) -> None:
        await self.accept()
        headers = self.scope["headers"]
        forwarded = ",".join(value.decode("latin-1") for name, value in headers if name == b"x-forwarded-for")
        address = caller_address((self.scope.get("client") or ("",))[0], forwarded)
        self._leave = visitors.enter(address, settings.DESIGN.limits.sockets_per_address)
        if self._leave is None:
            await self._end(BUSY)
            return
        cookies = parse_cookie("; ".join(value.decode("latin-1") for name, value in headers if name == b"cookie"))
        key, public_id = cookies.get(settings.SESSION_COOKIE_NAME, ""), self.scope["url_route"]["kwargs"]["public_id"]
        job = await db.run(_find, key if key.isalnum() else "", public_id)
        if job is None:
            await self._end(UNKNOWN)
            return
        asked = parse_qs(self.scope.get("query_string", b"").decode("latin-1")).get("hl", [""])[0].lower()
        language = asked if asked in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
        self._teller = asyncio.create_task(self._tell(job, language))

    async def disconnect(self, code: int) -> None:
        if self._teller is not None:
            self._teller.cancel()
        if self._leave is not None:
            self._leave()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self._end(REFUSED)  # there is nothing to say here

    async def _end(self, code: int) -> None:
        if not self._is_over:
            self._is_over = True
            await self.close(code)

    async def _tell(self, job: Generation, language: str) -> None:
        try:
            await self._tell_on(job, language)
            await self._end(ENDED)
        except OSError:
            pass  # the client is gone; the server says so to disconnect()
        except Exception:
            log.exception("a job's socket ends")
            await self._end(ERROR)

    async def _tell_on(self, job: Generation, language: str) -> None:
        heard = _Heard()
        said: dict[str, Any] | None = None
        async with handoff.Waiting(str(job.pk), time.monotonic() + job.seconds_left() + LOOK) as waiting:
            listening = asyncio.create_task(heard.listen(waiting))
            try:
                while True:
                    frame = await db.run(_frame, job.pk, language) | {"percent": heard.percent}
                    if frame != said:
                        await self.send(text_data=orjson.dumps(frame).decode())
                        said = frame
                    if frame["is_final"]:
                        return
                    heard.news.clear()
                    try:
                        async with asyncio.timeout(LOOK):
                            await heard.news.wait()
                    except TimeoutError:
                        continue
            finally:
                listening.cancel()


class _Heard:
    """What the worker says of a job: how far it is, and that it has ended."""

    def __init__(self) -> None:
        self.percent: int | None = None
        self.news = asyncio.Event()

    async def listen(self, waiting: handoff.Waiting) -> None:
        try:
            async for piece in waiting.pieces():
                if "progress" in piece and (percent := min(99, int(piece["progress"] * 100))) != self.percent:
                    self.percent = percent
                    self.news.set()
        except PollwebError:
            pass  # its deadline; the row says what became of it
        self.news.set()


def _find(key: str, public_id: str) -> Generation | None:
    """The job of the visitor with this web session; None for everybody else's, and where there is none."""
    session = import_module(settings.SESSION_ENGINE).SessionStore(key or None)
    if not own.is_in(session, public_id):
        return None
    return Generation.objects.filter(public_id=public_id).first()


def _frame(pk: Any, language: str) -> dict[str, Any]:
    with translation.override(language):
        told = progress.told(Generation.objects.select_related("token").get(pk=pk))
    return {"t": told.pop("state"), **told}
