"""The feeds and the wall over real connections, under the servers that pollweb is started with."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from pollweb.lib import redis
from tests.feeds.conftest import event
from tests.lane.servers import Served, in_process


@pytest.fixture(scope="module", params=["uvicorn", "daphne"])
def server(request: pytest.FixtureRequest) -> Iterator[Served]:
    with in_process(request.param) as served:
        yield served


@pytest.fixture
def url(server: Served, settings: Any) -> Iterator[str]:
    """Of a server whose part of Redis, named after its process, is ours for the test."""
    settings.REDIS_PREFIX = f"pollweb-test-{server.process.pid}"
    yield server.url
    client: Any = redis.sync_client()
    for key in client.scan_iter(redis.key("*")):
        client.delete(key)


def test_a_feed_says_on_the_wire_that_it_stays(url: str, tell: Callable) -> None:
    (one,) = tell(event())
    with httpx.stream("GET", f"{url}/image/feed") as response:
        assert response.headers["content-type"] == "text/event-stream"
        assert response.headers["connection"] == "keep-alive"
        assert response.headers["access-control-allow-origin"] == "*"
        lines = response.iter_lines()
        told = [line for line in (next(lines) for _ in range(3)) if line.startswith("data: ")]
    assert json.loads(told[0].removeprefix("data: "))["imageURL"] == one.image_url
    assert httpx.head(f"{url}/text/feed").headers["content-type"] == "text/event-stream; charset=utf-8"


def test_the_wall_hears_everything_in_order(url: str, tell: Callable) -> None:
    with connect(f"ws{url.removeprefix('http')}/ws/wall", origin=url) as wall:  # type: ignore[arg-type]
        wall.send('{"t":"sub"}')
        assert json.loads(wall.recv(10))["t"] == "hello"
        told = tell(*[event("text", response="r" * size) for size in (1, 200, 100_000)])
        heard = [json.loads(wall.recv(10)) for _ in range(3)]
        assert [each["href"] for each in heard] == [f"/p/{each.public_id}" for each in told]
        wall.send("no JSON")
        assert json.loads(wall.recv(10))["t"] == "bye"


def test_the_wall_opens_for_pages_of_the_site_only(url: str) -> None:
    with pytest.raises(Exception, match="403"):
        connect(f"ws{url.removeprefix('http')}/ws/wall", origin="https://evil.example").close()  # type: ignore[arg-type]
