"""The feeds and the wall over real connections, under the servers that pollweb is started with."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from feeds.events import FeedEvent
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


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_in_two_idle_minutes_a_comment_comes_at_least_every_fifteen_seconds(url: str) -> None:
    """C19, with what a client that was away is told: exactly what it missed, or a gap."""
    with ThreadPoolExecutor() as pool:
        quiet = [pool.submit(pauses, f"{url}{path}", 120) for path in ("/image/feed", "/text/feed")]
        assert [max(each.result()) <= 15 for each in quiet] == [True, True]


def pauses(address: str, seconds: float) -> list[float]:
    """Between one sign of life and the next."""
    found, began = [], time.monotonic()
    with httpx.stream("GET", address, timeout=60) as response:
        last = began
        for line in response.iter_lines():
            if line:
                assert line.startswith(":")
                now = time.monotonic()
                found.append(now - last)
                last = now
            if last - began > seconds:
                return found
    raise AssertionError("the stream has ended")


def place_of(url: str, told: FeedEvent) -> str:
    """Its id, once this server has heard of it."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        for item in httpx.get(f"{url}/live/items.json").json()["items"]:
            if item["href"] == f"/p/{told.public_id}":
                return str(item["id"])
    raise AssertionError("the server has not heard of it")


def test_who_was_away_hears_exactly_what_was_missed_and_with_an_old_id_a_gap_first(url: str, tell: Callable) -> None:
    _, seen = tell(event(), event())
    last = place_of(url, seen)
    missed = tell(*[event(prompt=f"missed {number}") for number in range(3)])
    for header, first in ((last, "id: "), ("1.1", "event: gap")):
        with httpx.stream("GET", f"{url}/image/feed", headers={"Last-Event-ID": header}) as response:
            lines = (line for line in response.iter_lines() if line and not line.startswith(":"))
            assert next(lines).startswith(first)
            if first == "id: ":
                heard = [json.loads(line[6:])["prompt"] for line in islice(lines, 5) if line.startswith("data: ")]
                assert heard == [each.prompt for each in missed]
