"""Web sockets: who may open one, and where it leads."""

from typing import Any
from urllib.parse import urlsplit

from channels.routing import URLRouter
from django.conf import settings
from django.urls import re_path

from pollweb import hosts, lifespan


def allowed_origin(scope: dict[str, Any]) -> bool:
    """Whether a page of the site opens this socket.

    A page is the site's when its origin is that of the configured site URL, or of the very host that the socket is
    opened at, if that host is the site's and not an API's. No Origin, `null` or two of them: refused. Scripts read the
    feeds over HTTP and need no socket.
    """
    face, refused = hosts.host_of(scope)
    origins = [value for name, value in scope["headers"] if name == b"origin"]
    if refused is not None or len(origins) != 1:
        return False
    site = urlsplit(settings.SITE_URL)
    origin = origins[0].decode("latin-1").lower()
    if origin == f"{site.scheme}://{site.netloc}":
        return True
    host = next(value for name, value in scope["headers"] if name == b"host").decode("latin-1").lower()
    scheme = "https" if scope.get("scheme") in ("wss", "https") else "http"
    return face == "site" and origin == f"{scheme}://{host}"


class Sockets:
    """The ASGI application for web sockets: origin first, then the routes; anything else is refused before it opens."""

    def __init__(self, routes: list[Any]) -> None:
        self.router = URLRouter([*routes, re_path(r"", refuse)])  # type: ignore[arg-type]

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        await lifespan.start()
        if allowed_origin(scope):
            await self.router(scope, receive, send)
        else:
            await refuse(scope, receive, send)


async def refuse(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Closed before it was accepted: the client sees HTTP 403."""
    await receive()
    await send({"type": "websocket.close", "code": 4403})
