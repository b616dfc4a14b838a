"""The lane without a server: ASGI messages straight into the application."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import httpx
import pytest

from pollweb import lane
from pollweb.handler import LeanHandler


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """The whole application, at the site's host."""
    from pollweb.asgi import application

    transport = httpx.ASGITransport(application, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as opened:
        yield opened


@pytest.fixture
def serving() -> Callable[..., httpx.AsyncClient]:
    """A lane of one's own: `serving(text=[path(...)])`."""

    def make(**tables: Sequence[Any]) -> httpx.AsyncClient:
        from pollweb.hosts import Dispatch

        faces = {face: tables.get(face, []) for face in ("image", "text", "v1", "auth", "root")}
        app = Dispatch(LeanHandler(faces, [lane.answers], [lane.log]), None)
        return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost:8000")

    return make


class Wire:
    """One ASGI request, message by message."""

    def __init__(
        self, app: Any, method: str = "GET", path: str = "/", headers: dict[str, str] | None = None, **scope: Any
    ) -> None:
        fields = {"host": "localhost:8000", **(headers or {})}
        self.scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "client": ("127.0.0.1", 40000),
            "server": ("127.0.0.1", 8000),
            "headers": [(name.encode(), value.encode()) for name, value in fields.items()],
            **scope,
        }
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sent: list[dict[str, Any]] = []
        self.more = asyncio.Event()
        self.task = asyncio.ensure_future(app(self.scope, self.incoming.get, self.send))

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)
        self.more.set()

    def body(self, chunk: bytes = b"", more: bool = False) -> None:
        self.incoming.put_nowait({"type": "http.request", "body": chunk, "more_body": more})

    def leave(self) -> None:
        self.incoming.put_nowait({"type": "http.disconnect"})

    async def until(self, count: int) -> None:
        """Wait for so many messages."""
        while len(self.sent) < count:
            self.more.clear()
            await self.more.wait()

    @property
    def status(self) -> int:
        return self.sent[0]["status"]


@pytest.fixture
def wire() -> type[Wire]:
    return Wire
