"""One upstream: where it is, what it is told of us, how many calls it bears, and how long it may take."""

import asyncio
import logging
import re
import time
import weakref
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import orjson

from generation.errors import ProviderBusy, ProviderError
from generation.providers.upstream import transport
from generation.providers.upstream.answer import Answer, within
from generation.providers.upstream.faults import Refusal, retry_after, translated

log = logging.getLogger(__name__)

ERROR_BYTES = 64 * 1024
ERROR_SECONDS = 5.0
CLOSE_SECONDS = 1.0
# A pool that says three times in ten seconds that it is full, behind a semaphore smaller than itself, is broken.
POOL_FAULTS, POOL_SECONDS = 3, 10.0
MOST_OMISSIONS = 4

# A field's name, and its file's name, bytes and media type.
Files = Sequence[tuple[str, tuple[str, bytes, str]]]

_all: "weakref.WeakSet[Upstream]" = weakref.WeakSet()


class _Opened:
    """What belongs to one event loop."""

    def __init__(self, client: httpx.AsyncClient, places: int) -> None:
        self.client = client
        self.places = asyncio.Semaphore(places)
        self.pool_faults: deque[float] = deque(maxlen=POOL_FAULTS)


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

    @asynccontextmanager
    async def call(
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
    ) -> AsyncIterator[Answer]:
        """One request and its answer, closed at the end. Raises ProviderError, or InvalidRequest where it is to blame.

        With `files` the fields of `json` travel beside them as a form. `optional` fields of `json` are left out, one
        refusal after the other, when the server's 4xx names them.
        """
        known = (path, str((json or {}).get("model", "")))
        omitted = self._omitted.get(known, frozenset()) & optional
        async with AsyncExitStack() as stack:
            for _ in range(MOST_OMISSIONS):
                body = {k: v for k, v in json.items() if k not in omitted} if json is not None else None
                wait = self.first_byte if streamed and (body is None or body.get("stream")) else self.whole_first_byte
                try:
                    answer = await stack.enter_async_context(
                        self._exchange(
                            method, path, deadline=deadline, wait=wait, json=body, params=params, files=files
                        )
                    )
                    break
                except Refusal as refusal:
                    named = _named(refusal, optional & frozenset(body or ()))
                    if not named:
                        raise refusal.error() from None
                    omitted |= named
            else:
                raise ProviderError("The provider takes none of our ways to ask.", details={"provider": self.name})
            if omitted:
                self._omitted[known] = omitted
            yield answer

    @asynccontextmanager
    async def _exchange(
        self,
        method: str,
        path: str,
        *,
        deadline: float,
        wait: float,
        json: Mapping[str, Any] | None,
        params: Mapping[str, str] | None,
        files: Files,
    ) -> AsyncIterator[Answer]:
        opened = self._open()
        async with _place(opened.places, self.name, deadline):
            request = await _request(opened.client, method, path, json, params, files)
            try:
                with translated(self.name):
                    async with within(self.name, wait, deadline):
                        response = await opened.client.send(request, stream=True)
            except ProviderError as exc:
                self._watch(opened, exc)
                raise
            try:
                answer = Answer(self.name, response, idle=self.idle, deadline=deadline)
                if not response.is_success:
                    raise await self._refusal(answer)
                yield answer
            finally:
                await _close(response)

    def _open(self) -> _Opened:
        loop = asyncio.get_running_loop()
        if loop not in self._opened:
            client = transport.client(self.base_url, self.headers, self.max_parallel)
            self._opened[loop] = _Opened(client, self.max_parallel)
        return self._opened[loop]

    def _watch(self, opened: _Opened, exc: ProviderError) -> None:
        """Replace a client whose pool is broken; what still runs in it may end."""
        if not isinstance(exc.__cause__, httpx.PoolTimeout):
            return
        now = time.monotonic()
        opened.pool_faults.append(now)
        if len(opened.pool_faults) == POOL_FAULTS and now - opened.pool_faults[0] < POOL_SECONDS:
            log.error("the connection pool of %s is broken and is replaced", self.name)
            opened.pool_faults.clear()
            opened.client = transport.client(self.base_url, self.headers, self.max_parallel)

    async def _refusal(self, answer: Answer) -> Refusal:
        """The error an upstream answered with; its body is read as far as it comes within a few seconds."""
        body = b""
        answer.idle, answer.deadline = ERROR_SECONDS, min(answer.deadline, time.monotonic() + ERROR_SECONDS)
        try:
            async for chunk in answer.chunks(ERROR_BYTES):
                body += chunk
        except ProviderError:
            pass  # the status says enough
        response = answer.response
        text = body[:ERROR_BYTES].decode("utf-8", "replace")
        return Refusal(self.name, response.status_code, text, retry_after(response.headers))

    async def aclose(self) -> None:
        """Close what the running loop has opened."""
        opened = self._opened.pop(asyncio.get_running_loop(), None)
        if opened is not None:
            await opened.client.aclose()


async def close() -> None:
    """Close the clients of the running loop, of all upstreams: before the loop ends."""
    for upstream in list(_all):
        await upstream.aclose()
    await asyncio.sleep(0)  # a transport closes in the next round of its loop


async def _request(
    client: httpx.AsyncClient,
    method: str,
    path: str,
    json: Mapping[str, Any] | None,
    params: Mapping[str, str] | None,
    files: Files,
) -> httpx.Request:
    if files:
        form = {name: value if isinstance(value, list) else str(value) for name, value in (json or {}).items()}
        request = client.build_request(method, path, data=form, files=list(files), params=params or None)
        await request.aread()  # one piece of a known length, as every server takes it
        return request
    if json is None:
        return client.build_request(method, path, params=params or None)
    headers = {"Content-Type": "application/json"}
    return client.build_request(method, path, content=orjson.dumps(json), params=params or None, headers=headers)


@asynccontextmanager
async def _place(places: asyncio.Semaphore, provider: str, deadline: float) -> AsyncIterator[None]:
    """One of the places at an upstream; ProviderBusy when none is free before the deadline."""
    try:
        async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
            await places.acquire()
    except TimeoutError:
        busy = ProviderBusy("All places at the provider were taken until the deadline.", retry_after=5)
        busy.details, busy.unwell = {"provider": provider}, False  # it is we who keep others out
        raise busy from None
    try:
        yield
    finally:
        places.release()


async def _close(response: httpx.Response) -> None:
    """Give the connection back, or close it when the body was not read to its end."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await response.aclose()
    except Exception:
        log.debug("a response could not be closed in order", exc_info=True)


def _named(refusal: Refusal, optional: frozenset[str]) -> frozenset[str]:
    """Which of the optional fields a refusal speaks of."""
    if refusal.status not in (400, 404, 405, 415, 422, 501):
        return frozenset()
    return frozenset(name for name in optional if re.search(rf"\b{name}\b", refusal.text))
