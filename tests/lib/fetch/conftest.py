"""Servers on this machine: one that may be reached, and one that must never be."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from pollweb.lib.fetch import targets

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


def reply(body: bytes = b"picture", *, status: str = "200 OK", **headers: str) -> bytes:
    lines = {"Content-Type": "image/png", "Content-Length": str(len(body))}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


@dataclass
class Origin:
    """Answers each path as `pages` says: bytes, or a coroutine that writes what it likes."""

    port: int = 0
    pages: dict[str, bytes | Answer] = field(default_factory=dict)
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(request)
            page = self.pages.get(request.split()[1].decode(), reply(status="404 Not Found"))
            if isinstance(page, bytes):
                writer.write(page)
            else:
                await page(writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            self.closed.set()


async def _started() -> tuple[Origin, asyncio.Server]:
    origin = Origin()
    server = await asyncio.start_server(origin.serve, "127.0.0.1", 0)
    origin.port = server.sockets[0].getsockname()[1]
    return origin, server


@pytest.fixture
async def origin(settings) -> AsyncIterator[Origin]:
    """May be reached by its address and as pictures.example, because the operator said so."""
    made, server = await _started()
    settings.FETCH_ALLOW = [f"127.0.0.1:{made.port}", f"pictures.example:{made.port}"]
    yield made
    server.close()


@pytest.fixture
async def canary(monkeypatch) -> AsyncIterator[Origin]:
    """Listens on what is taken for the usual port of http, so that only the judging keeps anybody from it."""
    made, server = await _started()
    monkeypatch.setattr(targets, "PORTS", {"http": made.port, "https": made.port})
    yield made
    server.close()
    assert made.connections == 0
