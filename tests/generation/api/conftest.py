"""The whole application without a server, and its clients."""

from collections.abc import AsyncIterator

import httpx
import pytest
from asgiref.sync import sync_to_async


@pytest.fixture
async def client(working) -> AsyncIterator[httpx.AsyncClient]:
    """Anonymous, at the site's host; jobs are made by the scripted provider."""
    from generation import handoff
    from pollweb.asgi import application
    from pollweb.lib import redis

    transport = httpx.ASGITransport(application, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000", timeout=20) as opened:
        yield opened
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
