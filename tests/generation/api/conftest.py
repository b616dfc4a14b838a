"""The whole application without a server, and its clients."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx
import pytest
import uvicorn
from asgiref.sync import sync_to_async


@pytest.fixture
async def client(working) -> AsyncIterator[httpx.AsyncClient]:
    """Anonymous, at the site's host; jobs are made by the scripted provider."""
    from generation import handoff
    from pollweb.accounts import sightings
    from pollweb.asgi import application
    from pollweb.lib import redis

    transport = httpx.ASGITransport(application, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000", timeout=20) as opened:
        yield opened
    await sightings.settle()
    await handoff.close()
    await redis.close()


@pytest.fixture
async def alice(client: httpx.AsyncClient) -> dict[str, str]:
    """The headers of alice's team: nectar, public by default."""
    from pollweb.accounts import tokens
    from pollweb.accounts.models import Team

    team = await sync_to_async(Team.objects.create)(name="alice", tier="nectar", visibility="public")
    new = await sync_to_async(tokens.create)(team)
    return {"Authorization": f"Bearer {new.secret}"}


@pytest.fixture
async def served(client) -> AsyncIterator[str]:
    """The application behind a real socket; its base address."""
    from pollweb.asgi import application

    server = uvicorn.Server(uvicorn.Config(application, port=0, lifespan="off", log_config=None))
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await task
