"""The whole application under the servers that it is started with."""

import os
import time
from collections.abc import Iterator

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.lane.servers import Connection, in_process


@pytest.fixture(scope="module", params=["uvicorn", "daphne"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    with in_process(request.param) as served:
        yield served.url


@pytest.mark.parametrize("server", ["uvicorn", "daphne"])
def test_it_answers_nobody_before_the_pipe_ends_that_it_waits_behind(server: str) -> None:
    hear, shut = os.pipe()
    with in_process(server, hear) as served:
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{served.url}/healthz", timeout=5)
        assert served.process.poll() is None
        os.close(shut)
        assert httpx.get(f"{served.url}/healthz", timeout=30).json() == {"status": "ok"}
    os.close(hear)


def port(url: str) -> int:
    return int(url.rpartition(":")[2])


def test_it_serves_each_face(url: str) -> None:
    assert httpx.get(f"{url}/healthz").json() == {"status": "ok"}
    image = httpx.get(f"{url}/nowhere", headers={"host": "image.localhost"})
    assert (image.status_code, image.json()["error"], image.json()["path"]) == (404, "Not Found", "/nowhere")
    assert image.headers["x-request-id"] == image.json()["request_id"]
    assert httpx.get(f"{url}/v1/nowhere").json()["error"]["code"] == "not_found"
    assert httpx.get(f"{url}/healthz", headers={"Host": "evil.example"}).status_code == 400
    assert httpx.options(f"{url}/text/anything").status_code == 204


def test_it_keeps_a_connection_for_further_requests(url: str) -> None:
    with httpx.Client() as client:
        for _ in range(3):
            assert client.get(f"{url}/text/crossdomain.xml").status_code == 200
        assert client.head(f"{url}/text/crossdomain.xml").content == b""


def test_it_sees_dot_segments_and_escapes_in_a_path_as_they_were_sent(url: str) -> None:
    with Connection(port(url)) as connection:
        request = b"GET /a/../b%2Fc// HTTP/1.1\r\nHost: image.localhost\r\nConnection: close\r\n\r\n"
        assert b'"path":"/a/../b/c//"' in connection.send(request).rest()


def test_it_refuses_two_hosts(url: str) -> None:
    with Connection(port(url)) as connection:
        request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        assert b" 400 " in connection.send(request).rest().split(b"\r\n")[0]


def test_it_refuses_a_body_that_is_too_large_and_the_answer_arrives(url: str) -> None:
    with Connection(port(url)) as connection:
        head = b"POST /image/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 2000000\r\n\r\n"
        answer = connection.send(head + b"x" * 2_000_000).rest()
    assert b" 413 " in answer.split(b"\r\n")[0]
    assert b'"code":"request_too_large"' in answer


def test_it_opens_the_wall_for_the_sites_pages_only(url: str) -> None:
    address = f"{url.replace('http', 'ws')}/ws/wall"
    with connect(address, origin=url) as socket:
        socket.send('{"t":"sub"}')
        assert '"hello"' in str(socket.recv(timeout=10))
    with pytest.raises(InvalidStatus) as refused:
        connect(address, origin="http://evil.example")
    assert refused.value.response.status_code == 403


def test_it_ends_its_streams_and_leaves_with_0_when_it_is_asked_to() -> None:
    with in_process("uvicorn") as served, httpx.stream("GET", f"{served.url}/live/events", timeout=10) as stream:
        pieces = stream.iter_bytes()
        while b"hello" not in next(pieces):  # its seat is taken
            pass
        served.process.terminate()
        began = time.monotonic()
        list(pieces)  # to a clean end: httpx raises when one is missing
        assert served.process.wait(10) == 0
        assert time.monotonic() - began < 5  # sooner than POLLWEB_DRAIN_SECONDS
