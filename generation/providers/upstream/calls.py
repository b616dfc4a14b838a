"""One upstream: where it is, what it is told of us, how many calls it bears, and how long it may take."""

import asyncio
import logging
import re
import time
import weakref
from collections import deque
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import httpx

from generation.errors import ProviderBusy, ProviderError
from generation.providers.upstream.answer import Answer, silent
from generation.providers.upstream.faults import RAISED, Refusal, error_of, retry_after
from generation.providers.upstream.transport import Channel, Files, Reply

log = logging.getLogger(__name__)

ERROR_BYTES = 64 * 1024
ERROR_SECONDS = 5.0
# A pool that says three times in ten seconds that it is full, behind a semaphore smaller than itself, is broken.
POOL_FAULTS, POOL_SECONDS = 3, 10.0
MOST_OMISSIONS = 4

_all: "weakref.WeakSet[Upstream]" = weakref.WeakSet()


class _Opened:
    """What belongs to one event loop."""

    def __init__(self, channel: Channel, places: int) -> None:
        self.channel = channel
        self.places = asyncio.Semaphore(places)
        self.pool_faults: deque[float] = deque(maxlen=POOL_FAULTS)


@dataclass(slots=True)
class _Call:
    """One request on its way, and its answer, closed at the end."""

    upstream: "Upstream"
    method: str
    path: str
    deadline: float
    streamed: bool
    json: Mapping[str, Any] | None
    params: Mapping[str, str] | None
    files: Files
    optional: frozenset[str]
    _opened: _Opened | None = None
    _reply: Reply | None = None

    async def __aenter__(self) -> Answer:
        upstream, opened = self.upstream, self.upstream.opened()
        await _take_place(opened.places, upstream.name, self.deadline)
        self._opened = opened
        try:
            return await upstream.answer(self)
        except BaseException:
            await self.__aexit__()
            raise

    async def exchange(self, json: Mapping[str, Any] | None, seconds: float) -> Answer:
        """Send it with this body. Raises ProviderError, or Refusal for an answer of another status than success."""
        await self._close()
        assert self._opened is not None
        name, channel = self.upstream.name, self._opened.channel
        left = self.deadline - time.monotonic()
        try:
            self._reply = await channel.send(
                self.method,
                self.path,
                json=json,
                params=self.params,
                files=self.files,
                seconds=max(0.0, min(seconds, left)),
            )
        except TimeoutError:
            raise silent(name, at_deadline=left <= seconds) from None
        except RAISED as exc:
            self.upstream.watch(self._opened, exc)
            raise error_of(name, exc) from exc
        answer = Answer(name, self._reply, idle=self.upstream.idle, deadline=self.deadline)
        if not 200 <= self._reply.status < 300:
            raise await _refusal(answer)
        return answer

    async def __aexit__(self, *exc: object) -> None:
        try:
            await self._close()
        finally:
            if self._opened is not None:
                self._opened.places.release()
                self._opened = None

    async def _close(self) -> None:
        reply, self._reply = self._reply, None
        if reply is not None:
            try:
                await reply.close()
            except Exception:
                log.debug("a response could not be closed in order", exc_info=True)


class Upstream:
    """Calls to one base address, at most `max_parallel` at once in an event loop.

    `first_byte` and `whole_first_byte` are the seconds until the head of an answer that is streamed, or made whole
    before it is sent; `idle` those between two pieces of a body.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        headers: Mapping[str, str],
        max_parallel: int = 16,
        first_byte: float = 10,
        whole_first_byte: float = 60,
        idle: float = 30,
    ) -> None:
        self.name = name
        self.base_url = base_url.rstrip("/")
        self.headers = dict(headers)
        self.max_parallel = max_parallel
        self.first_byte = first_byte
        self.whole_first_byte = whole_first_byte
        self.idle = idle
        self._opened: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Opened] = weakref.WeakKeyDictionary()
        # Fields that this server does not take, by path and model: found out once, then left out.
        self._omitted: dict[tuple[str, str], frozenset[str]] = {}
        _all.add(self)

    def call(
        self,
        method: str,
        path: str,
        *,
        deadline: float,
        streamed: bool = False,
        json: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
        files: Files = (),
        optional: frozenset[str] = frozenset(),
    ) -> AbstractAsyncContextManager[Answer]:
        """One request and its answer, closed at the end. Raises ProviderError, or InvalidRequest where it is to blame.

        With `files` the fields of `json` travel beside them as a form. `optional` fields of `json` are left out, one
        refusal after the other, when the server's 4xx names them.
        """
        return _Call(self, method, path, deadline, streamed, json, params, files, optional)

    async def answer(self, call: _Call) -> Answer:
        """The answer to the call, asked without what this server does not take."""
        known = (call.path, str((call.json or {}).get("model", "")))
        omitted = self._omitted.get(known, frozenset()) & call.optional
        for _ in range(MOST_OMISSIONS):
            body = call.json
            if body is not None and omitted:
                body = {k: v for k, v in body.items() if k not in omitted}
            wait = self.first_byte if call.streamed and (body is None or body.get("stream")) else self.whole_first_byte
            try:
                answer = await call.exchange(body, wait)
            except Refusal as refusal:
                named = _named(refusal, call.optional & frozenset(body or ()))
                if not named:
                    raise refusal.error() from None
                omitted |= named
                continue
            if omitted:
                self._omitted[known] = omitted
            return answer
        raise ProviderError("The provider takes none of our ways to ask.", details={"provider": self.name})

    def opened(self) -> _Opened:
        loop = asyncio.get_running_loop()
        found = self._opened.get(loop)
        if found is None:
            found = self._opened[loop] = _Opened(self._channel(), self.max_parallel)
        return found

    def _channel(self) -> Channel:
        return Channel(self.base_url, self.headers, self.max_parallel)

    def watch(self, opened: _Opened, exc: Exception) -> None:
        """Replace a client whose pool is broken; what still runs in it may end."""
        if not isinstance(exc, httpx.PoolTimeout):
            return
        now = time.monotonic()
        opened.pool_faults.append(now)
        if len(opened.pool_faults) == POOL_FAULTS and now - opened.pool_faults[0] < POOL_SECONDS:
            log.error("the connection pool of %s is broken and is replaced", self.name)
            opened.pool_faults.clear()
            opened.channel = self._channel()

    async def aclose(self) -> None:
        """Close what the running loop has opened."""
        opened = self._opened.pop(asyncio.get_running_loop(), None)
        if opened is not None:
            await opened.channel.close()


async def close() -> None:
    """Close the clients of the running loop, of all upstreams: before the loop ends."""
    for upstream in list(_all):
        await upstream.aclose()
    await asyncio.sleep(0)  # a transport closes in the next round of its loop


async def _take_place(places: asyncio.Semaphore, provider: str, deadline: float) -> None:
    """One of the places at an upstream; ProviderBusy when none is free before the deadline."""
    if not places.locked():
        await places.acquire()
        return
    try:
        async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
            await places.acquire()
    except TimeoutError:
        busy = ProviderBusy("All places at the provider were taken until the deadline.", retry_after=5)
        busy.details, busy.unwell = {"provider": provider}, False  # it is we who keep others out
        raise busy from None


async def _refusal(answer: Answer) -> Refusal:
    """The error an upstream answered with; its body is read as far as it comes within a few seconds."""
    body = b""
    answer.hurry(ERROR_SECONDS)
    try:
        while data := await answer.read(ERROR_BYTES):
            body += data
    except ProviderError:
        pass  # the status says enough
    reply = answer.reply
    text = body[:ERROR_BYTES].decode("utf-8", "replace")
    return Refusal(answer.provider, reply.status, text, retry_after(reply.headers))


def _named(refusal: Refusal, optional: frozenset[str]) -> frozenset[str]:
    """Which of the optional fields a refusal speaks of."""
    if refusal.status not in (400, 404, 405, 415, 422, 501):
        return frozenset()
    return frozenset(name for name in optional if re.search(rf"\b{name}\b", refusal.text))
