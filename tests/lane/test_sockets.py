"""Who may open a web socket."""

from typing import Any

import pytest
from channels.testing import ApplicationCommunicator
from django.urls import path

from pollweb.sockets import Sockets


async def welcome(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})


async def opening(*origins: str, host: str = "localhost:8000", target: str = "/ws/x") -> dict[str, Any]:
    fields = [(b"host", host.encode()), *((b"origin", origin.encode()) for origin in origins)]
    scope = {"type": "websocket", "path": target, "headers": fields, "scheme": "ws", "client": ("10.0.0.1", 9)}
    socket = ApplicationCommunicator(Sockets([path("ws/x", welcome)]), scope)
    await socket.send_input({"type": "websocket.connect"})
    return await socket.receive_output()


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://localhost:8000", "localhost:8000"),
        ("HTTP://LOCALHOST:8000", "localhost:8000"),
        ("http://127.0.0.1:8000", "127.0.0.1:8000"),
        ("http://localhost:8000", "127.0.0.1:8000"),
    ],
)
async def test_it_opens_for_the_sites_own_pages(origin: str, host: str) -> None:
    assert (await opening(origin, host=host))["type"] == "websocket.accept"


@pytest.mark.parametrize(
    ("origins", "host"),
    [
        ([], "localhost:8000"),
        (["null"], "localhost:8000"),
        ([""], "localhost:8000"),
        (["*"], "localhost:8000"),
        (["http://evil.example"], "localhost:8000"),
        (["http://localhost:8000.evil.example"], "localhost:8000"),
        (["http://evil.example/http://localhost:8000"], "localhost:8000"),
        (["https://localhost:8000"], "localhost:8000"),
        (["http://localhost:8001"], "localhost:8000"),
        (["http://localhost"], "localhost:8000"),
        (["http://text.localhost:8000"], "text.localhost:8000"),
        (["http://evil.example"], "evil.example"),
        (["http://localhost:8000", "http://evil.example"], "localhost:8000"),
    ],
)
async def test_it_stays_closed_for_all_others(origins: list[str], host: str) -> None:
    assert (await opening(*origins, host=host))["type"] == "websocket.close"


async def test_it_closes_where_no_socket_is() -> None:
    assert (await opening("http://localhost:8000", target="/ws/nothing"))["type"] == "websocket.close"
