"""The one place that opens HTTP clients for outgoing calls."""

import ssl
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy

import aiohttp
import httpx
from django.conf import settings
from httpx_aiohttp import AiohttpTransport

from generation.providers.upstream.stock import StockTransport

CONNECT_SECONDS = 3.0
# More than the callers' own semaphore lets through, so that nobody ever waits inside the pool.
SPARE_CONNECTIONS = 8


@cache
def _certificates() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


def client(base_url: str, headers: dict[str, str], connections: int) -> httpx.AsyncClient:
    """A client of the running event loop. It keeps no cookies, follows no redirect and reads no environment.

    Only connecting is limited here: all other times are limited by our own clock, since httpx measures each read.
    """
    return httpx.AsyncClient(
        base_url=base_url,
        headers={"User-Agent": "pollweb", "Accept-Encoding": "identity", **headers},
        transport=transport(connections + SPARE_CONNECTIONS),
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(None, connect=CONNECT_SECONDS, pool=CONNECT_SECONDS),
        # One caller's cookie must not travel with the next one's request.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    )


def transport(connections: int) -> httpx.AsyncBaseTransport:
    """aiohttp's engine below httpx's interface; `POLLWEB_HTTP_TRANSPORT=httpcore` takes the stock one."""
    if settings.HTTP_TRANSPORT == "httpcore":
        return StockTransport(_certificates(), connections)

    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(ssl=_certificates(), limit=connections, keepalive_timeout=15)
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)

    return AiohttpTransport(verify=_certificates(), trust_env=False, client=session)
