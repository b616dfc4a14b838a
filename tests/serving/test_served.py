"""The application as a server serves it: uvicorn, or daphne with POLLWEB_SERVER=daphne.

What the handlers do is tested beside them; here stands what a server could spoil.
"""

import json
import os
import socket
from collections.abc import Iterator

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.site import PATIENCE, Site, end

UVICORN = os.environ.get("POLLWEB_SERVER", "uvicorn") == "uvicorn"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("home")
    (home / "pollweb.toml").write_text("[tiers.anonymous]\ninterval = 0\n")
    running = Site(home)
    yield running.ready()
    assert running.stop() == 0
    end(running)


def test_it_is_healthy_and_ready(site: Site) -> None:
    assert site.ask("/healthz").status == 200
    answer = site.ask("/readyz")
    assert (answer.status, answer.json()["status"]) == (200, "ready")


def test_a_picture_is_made_and_told_on_the_feed_and_on_the_wall(site: Site) -> None:
    feed = site.listen("/image/feed")
    with connect(site.address.replace("http", "ws") + "/ws/wall", origin=site.address) as wall:
        assert json.loads(wall.recv(PATIENCE))["t"] == "hello"
        answer = site.ask("/image/prompt/three%20red%20boats?width=256&height=256&seed=7")
        assert answer.status == 200
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["x-cache"] == "MISS"
        assert answer.body[:3] == b"\xff\xd8\xff"
        while (frame := json.loads(wall.recv(PATIENCE)))["t"] != "item":
            pass
    assert frame["prompt"] == "three red boats"
    while not (line := feed.readline()).startswith(b"data:"):
        assert line
    event = json.loads(line.removeprefix(b"data:"))
    assert (event["prompt"], event["seed"], event["width"]) == ("three red boats", 7, 256)
    assert site.ask("/image/prompt/three%20red%20boats?width=256&height=256&seed=7").headers["x-cache"] == "HIT"


def test_a_socket_of_another_page_is_refused(site: Site) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        connect(site.address.replace("http", "ws") + "/ws/wall", origin="https://elsewhere.example")  # type: ignore[arg-type]


def test_a_prompt_keeps_every_byte_on_its_way(site: Site) -> None:
    answer = site.ask("/image/prompt/a%2Fb%20%E8%88%B9%3F%25?width=64&height=64")
    assert answer.status == 200


def test_a_long_prompt_in_the_address_arrives(site: Site) -> None:
    """Stock daphne answers nothing at all above about 16 KiB; 8 KiB must work everywhere."""
    answer = site.ask(f"/image/prompt/{'boat%20' * 1100}?width=64&height=64")
    assert answer.status == 200


def test_every_answer_carries_its_request_id(site: Site) -> None:
    ids = {
        site.ask(path).headers["x-request-id"] for path in ("/healthz", "/image/models", "/text/models", "/v1/models")
    }
    assert len(ids) == 4


def test_malformed_json_is_answered_as_json(site: Site) -> None:
    answer = site.ask("/v1/chat/completions", "POST", **{"Content-Type": "application/json"})
    assert answer.status == 400
    assert answer.json()["error"]


def test_what_is_no_http_does_not_disturb_it(site: Site) -> None:
    with socket.create_connection(("127.0.0.1", site.run["port"]), timeout=PATIENCE) as raw:
        raw.sendall(b"\x16\x03\x01\x00 this is no HTTP\r\n\r\n")
        raw.recv(4096)
    assert site.ask().status == 200
