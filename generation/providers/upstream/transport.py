"""The one place that opens HTTP clients for outgoing calls."""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Protocol

import aiohttp
import httpx
import orjson
from django.conf import settings
from httpx_aiohttp import AiohttpTransport

from generation.providers.upstream.engine import Engine, Origin, head_of, origin_of
from generation.providers.upstream.stock import StockTransport
from pollweb.lib import traces

CONNECT_SECONDS = 3.0
CLOSE_SECONDS = 1.0
# More than the callers' own semaphore lets through, so that nobody ever waits inside the pool.
SPARE_CONNECTIONS = 8

# A field's name, and its file's name, bytes and media type.
Files = Sequence[tuple[str, tuple[str, bytes, str]]]


@cache
def _certificates() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


def client(base_url: str, headers: dict[str, str], below: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
    """A client of the running event loop. It keeps no cookies, follows no redirect and reads no environment.

    Only connecting is limited here: all other times are limited by our own clock, since httpx measures each read.
    """
    return httpx.AsyncClient(
        base_url=base_url,
        headers={"User-Agent": "pollweb", "Accept-Encoding": "identity", **headers},
        transport=below,
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(None, connect=CONNECT_SECONDS, pool=CONNECT_SECONDS),
        # One caller's cookie must not travel with the next one's request.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    )


def transport(connections: int) -> httpx.AsyncBaseTransport:
    """What lies below httpx: our engine, or with `POLLWEB_HTTP_TRANSPORT` aiohttp's or httpx's own."""
    if settings.HTTP_TRANSPORT == "httpcore":
        return StockTransport(_certificates(), connections)
    if settings.HTTP_TRANSPORT == "direct":
        return Engine(_certificates(), connections, CONNECT_SECONDS)

    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(ssl=_certificates(), limit=connections, keepalive_timeout=15)
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)

    return AiohttpTransport(verify=_certificates(), trust_env=False, client=session)


class Reply(Protocol):
    """An answer whose head is here; `headers` are known by their lower-case names."""

    status: int
    headers: Mapping[str, str]

    async def read(self, seconds: float) -> bytes:
        """What has come since; b"" at the end. TimeoutError after so many seconds without anything."""

    async def close(self) -> None:
        """Give the connection back, or close it when the body was not read to its end."""


class _Response:
    """httpx's response as a Reply."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self._response = response
        self._raw = response.aiter_raw()

    async def read(self, seconds: float) -> bytes:
        async with asyncio.timeout(seconds):
            while (data := await anext(self._raw, None)) == b"":
                pass
        return data or b""

    async def close(self) -> None:
        async with asyncio.timeout(CLOSE_SECONDS):
            await self._response.aclose()


class Channel:
    """The calls of one event loop to one base address."""

    def __init__(self, base_url: str, headers: dict[str, str], connections: int) -> None:
        self._below = transport(connections + SPARE_CONNECTIONS)
        self.client = client(base_url, headers, self._below)
        self._heads: dict[str, tuple[Origin, bytes]] = {}

    async def send(
        self,
        method: str,
        path: str,
        *,
        seconds: float,
        json: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
        files: Files = (),
    ) -> Reply:
        """One request, and its answer once the head is here. TimeoutError when it is not here in so many seconds."""
        if method == "POST" and json is not None and not params and not files and isinstance(self._below, Engine):
            origin, head = self._heads.get(path) or self._prepare(path)
            body = orjson.dumps(json)
            if trace := traces.carried():
                head = b"%btraceparent: %b\r\n" % (head, trace.encode())
            return await self._below.send(origin, b"%bContent-Length: %d\r\n\r\n" % (head, len(body)), body, seconds)
        async with asyncio.timeout(seconds):
            request = await self._request(method, path, json, params, files)
            if trace := traces.carried():
                request.headers["traceparent"] = trace
            return _Response(await self.client.send(request, stream=True))

    def _prepare(self, path: str) -> tuple[Origin, bytes]:
        """Where JSON is posted to, and the head that it has each time, without its length."""
        request = self.client.build_request("POST", path, headers={"Content-Type": "application/json"})
        request.headers.pop("Content-Length", None)
        self._heads[path] = found = origin_of(request), head_of(request).removesuffix(b"\r\n")
        return found

    async def _request(
        self,
        method: str,
        path: str,
        json: Mapping[str, Any] | None,
        params: Mapping[str, str] | None,
        files: Files,
    ) -> httpx.Request:
        build = self.client.build_request
        if files:
            form = {name: value if isinstance(value, list) else str(value) for name, value in (json or {}).items()}
            request = build(method, path, data=form, files=list(files), params=params or None)
            await request.aread()  # one piece of a known length, as every server takes it
            return request
        if json is None:
            return build(method, path, params=params or None)
        headers = {"Content-Type": "application/json"}
        return build(method, path, content=orjson.dumps(json), params=params or None, headers=headers)

    async def close(self) -> None:
        await self.client.aclose()
