"""An assistant: the SDK's own client, in both eras of its protocol, against the whole application."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult

from tests.generation.api.conftest import alice, client, served

__all__ = ["alice", "client", "served"]

Connect = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture(params=["legacy", "2026-07-28"])
def era(request: pytest.FixtureRequest) -> str:
    """How a client begins: with a handshake, or with none."""
    return request.param


@pytest.fixture
async def connect(client) -> Connect:
    """`async with connect(era, headers) as assistant`"""
    from pollweb.asgi import application

    @asynccontextmanager
    async def connected(era: str = "legacy", headers: dict[str, str] | None = None) -> AsyncIterator[Client]:
        transport = httpx2.ASGITransport(application)
        async with (
            httpx2.AsyncClient(transport=transport, headers=headers, timeout=20) as http,
            Client(streamable_http_client("http://localhost:8000/mcp", http_client=http), mode=era) as opened,
        ):
            yield opened

    return connected


@dataclass
class Assistant:
    """A client for each call: pytest sets a fixture up and down in different tasks, which a connection cannot bear."""

    connect: Connect

    async def call_tool(self, name: str, given: dict[str, Any] | None = None, **more: Any) -> CallToolResult:
        async with self.connect() as client:
            return await client.call_tool(name, given, **more)


@pytest.fixture
def assistant(connect) -> Assistant:
    return Assistant(connect)
