"""`/mcp`: the Model Context Protocol over streamable HTTP, without sessions.

The protocol itself is the SDK's, which takes a second to import: that happens when the first assistant comes, in a
thread, so that installations without any do not carry it.
"""

import asyncio
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.http.request import validate_host

from pollweb.lib.errors import MethodNotAllowed, PollwebError


async def endpoint(request: HttpRequest) -> HttpResponseBase:
    """One message of a client, and its answer: JSON, or a stream where progress was asked for."""
    check_origin(request.headers.get("origin", ""))
    if request.method != "POST":
        # No stream of the server's own and no session to end: an SDK's client takes 405 for that.
        raise MethodNotAllowed(
            "This is the address for MCP clients, which POST to it (streamable HTTP, no sessions).",
            details={"allow": ["POST"]},
        )
    if request.content_type != "application/json":
        raise PollwebError(
            "An MCP client sends Content-Type: application/json.", code="unsupported_media_type", status=415
        )
    exchange = await asyncio.to_thread(_protocol)
    return await exchange.answer(request)


def check_origin(origin: str) -> None:
    """Refuse pages of other origins, as MCP's transport demands against DNS rebinding; the Host was looked at before.

    Allowed are this installation's own hosts and those of POLLWEB_MCP_ORIGINS. Programs send no Origin.
    """
    if not origin:
        return
    try:
        host = urlsplit(origin).hostname or ""
    except ValueError:
        host = ""
    if "*" in settings.MCP_ORIGINS or origin.lower() in settings.MCP_ORIGINS:
        return
    if not validate_host(f"[{host}]" if ":" in host else host, settings.ALLOWED_HOSTS):
        raise PollwebError(
            "Pages of this origin may not use the MCP endpoint; its operator can allow them by POLLWEB_MCP_ORIGINS.",
            code="origin_not_allowed",
            status=403,
        )


def _protocol() -> Any:
    from generation.mcp_server import exchange

    return exchange
