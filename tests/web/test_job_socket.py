"""A job's socket: how it stands, to whoever started it."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.routing import URLRouter
from django.test import Client

from generation import handoff, tasks
from generation.models import Generation, State
from generation.web import consumers
from generation.web.routing import websocket_urlpatterns
from tests.sockets import Socket
from tests.web.test_create import PICTURE

pytestmark = pytest.mark.django_db(transaction=True)


class JobSocket(Socket):
    async def until(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        while not holds(heard := await self.hear()):
            pass
        return heard


@pytest.fixture
async def exchange() -> AsyncIterator[None]:
    yield
    await handoff.close()


@pytest.fixture
async def opened(client: Client, exchange: None) -> AsyncIterator[Callable]:
    """`opened(job, visitor, hl=…)`: the socket of a job, as this visitor's browser opens it."""
    sockets: list[JobSocket] = []

    async def open(job: Generation, visitor: Client | None = None, query: str = "") -> JobSocket:
        cookies = "; ".join(f"{name}={each.value}" for name, each in (visitor or client).cookies.items())
        headers = [(b"cookie", cookies.encode())]
        socket = JobSocket(URLRouter(websocket_urlpatterns), f"/ws/jobs/{job.public_id}{query}", headers=headers)
        sockets.append(socket)
        assert (await socket.connect(10))[0]
        return socket

    yield open
    for socket in sockets:
        await socket.disconnect()


@pytest.fixture
async def job(client: Client, monkeypatch: pytest.MonkeyPatch) -> Generation:
    """A private picture that this client asked for, and that no worker is told of."""
    monkeypatch.setattr(tasks, "send", lambda row: True)
    await sync_to_async(client.post)("/create", {name: value for name, value in PICTURE.items() if name != "public"})
    return await Generation.objects.aget()


async def test_it_tells_where_a_job_stands_and_how_far_it_is(opened, job) -> None:
    socket = await opened(job)
    heard = await socket.hear()
    assert (heard["t"], heard["title"], heard["detail"], heard["percent"]) == (
        "queued",
        "In line",
        "You are next.",
        None,
    )
    await Generation.objects.filter(pk=job.pk).aupdate(state=State.RUNNING, fence=1)
    await handoff.Sender(str(job.pk), 1).send({"progress": 0.42})
    heard = await socket.until(lambda frame: frame["percent"] is not None and frame["t"] == "running")
    assert heard["percent"] == 42


async def test_it_ends_with_the_job(working, client, opened) -> None:
    working.held = True
    await sync_to_async(client.post)("/create", PICTURE)
    job = await Generation.objects.aget()
    socket = await opened(job)
    await socket.until(lambda frame: frame["t"] == "running")
    working.held = False
    heard = await socket.until(lambda frame: frame["is_final"])
    assert (heard["t"], heard["url"]) == ("succeeded", f"/p/{job.public_id}")
    assert await socket.closed_with() == consumers.ENDED


async def test_it_tells_that_a_job_was_cancelled(opened, client, job) -> None:
    socket = await opened(job)
    await socket.hear()
    await sync_to_async(client.post)(f"/jobs/{job.public_id}/cancel")
    heard = await socket.until(lambda frame: frame["is_final"])
    assert (heard["t"], heard["url"]) == ("cancelled", f"/jobs/{job.public_id}")


async def test_it_speaks_the_language_of_the_page(opened, job) -> None:
    assert (await (await opened(job, query="?hl=zh-hans")).hear())["title"] == "排队中"
    assert (await (await opened(job, query="?hl=<x>&hl=%00")).hear())["title"] == "In line"


@pytest.mark.parametrize("cookie", ["", "sessionid=x", "sessionid=../../etc", "sessionid=%00", 'sessionid="'])
async def test_it_is_closed_to_everybody_else(exchange, job, cookie) -> None:
    path = f"/ws/jobs/{job.public_id}"
    socket = JobSocket(URLRouter(websocket_urlpatterns), path, headers=[(b"cookie", cookie.encode())])
    await socket.connect(10)
    assert await socket.closed_with() == consumers.UNKNOWN
    await socket.disconnect()


async def test_whoever_says_something_is_closed(opened, job) -> None:
    socket = await opened(job)
    await socket.send_to(text_data="{}")
    assert await socket.closed_with() == consumers.REFUSED


async def test_an_address_has_so_many_and_no_more(opened, job, monkeypatch) -> None:
    monkeypatch.setattr(consumers.visitors, "enter", lambda address, most: None)
    assert await (await opened(job)).closed_with() == consumers.BUSY
