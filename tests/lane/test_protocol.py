"""What happens below the application, over real sockets: heads, deadlines, connection counts, slow readers."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from websockets.sync.client import connect

from pollweb import protocol
from pollweb.config import Limits
from tests.lane.servers import Connection, Endless, hello, in_thread, running, seen
from tests.site import eventually


@pytest.fixture
def port() -> Iterator[int]:
    with in_thread(hello) as port:
        yield port


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Callable[..., None]:
    """`limit(connections=1)` changes settings.DESIGN.limits; loopback counts like any other address."""
    monkeypatch.setattr(protocol, "is_loopback", lambda address: False)

    def change(**values: int) -> None:
        limits = Limits(**{**settings.DESIGN.limits.model_dump(), **values})
        settings.DESIGN = settings.DESIGN.model_copy(update={"limits": limits})

    return change


def answered(data: bytes) -> tuple[int, dict[str, Any]]:
    head, _, body = data.partition(b"\r\n\r\n")
    assert b"content-type: application/json" in head
    content = json.loads(body)
    assert f"x-request-id: {content['request_id']}".encode() in head
    return int(head.split()[1]), content


def ask(port: int, data: bytes) -> tuple[int, dict[str, Any]]:
    with Connection(port) as connection:
        return answered(connection.send(data).rest())


def test_it_takes_a_request_line_of_32_kib_and_one_more_byte_is_414(port: int) -> None:
    def line(size: int) -> bytes:
        return b"GET /" + b"a" * (size - 1) + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

    with Connection(port) as connection:
        assert b"200 OK" in connection.send(line(32 * 1024)).rest()
    assert ask(port, line(32 * 1024 + 1))[0] == 414
    assert ask(port, line(2**20))[0] == 414


@pytest.mark.parametrize(
    "fields",
    [
        b"".join(b"X-%d: 1\r\n" % number for number in range(101)),
        b"".join(b"X-%d: %s\r\n" % (number, b"a" * 10_000) for number in range(5)),
        b"X-Long: " + b"a" * 2**20 + b"\r\n",
    ],
    ids=["101 fields", "50,000 bytes", "a line without end"],
)
def test_it_refuses_headers_beyond_their_size_with_431(port: int, fields: bytes) -> None:
    status, content = ask(port, b"GET / HTTP/1.1\r\nHost: localhost\r\n" + fields + b"\r\n")
    assert (status, content["code"]) == (431, "headers_too_large")


def test_it_counts_each_head_of_a_connection_by_itself(port: int) -> None:
    request = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"a" * 30_000 + b"\r\n"
    with Connection(port) as connection:
        for _ in range(4):
            connection.send(request + b"\r\n")
            assert connection.read_until(b"200 OK")
        assert b"200 OK" in connection.send(request + b"Connection: close\r\n\r\n").rest()


def test_it_does_not_take_a_body_for_a_head(port: int) -> None:
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 1000000\r\n\r\n"
    with Connection(port) as connection:
        assert connection.send(head + b"x" * 1_000_000).rest().endswith(b"1000000")


@pytest.mark.parametrize(
    "data",
    [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"\x16\x03\x01\x02\x00", b"GET / HTTP/9.9\r\n\r\n"],
)
def test_it_answers_what_is_no_http_with_400(port: int, data: bytes) -> None:
    assert ask(port, data)[0] == 400


@pytest.mark.parametrize("pieces", [1, 40], ids=["at once", "byte by byte"])
def test_it_takes_an_address_that_was_sent_as_it_was_typed(pieces: int) -> None:
    typed = "GET /prompt/一只猫?system=猫 HTTP/1.1\r\nHost: localhost\r\nX-Sent: é\r\n\r\n".encode()
    with in_thread(seen) as port, Connection(port) as connection:
        for _ in range(2):
            for start in range(0, len(typed), len(typed) // pieces):
                connection.send(typed[start : start + len(typed) // pieces])
            told = connection.read_until(b"/prompt/%E4%B8%80%E5%8F%AA%E7%8C%AB system=%E7%8C%AB")
            assert "é".encode() in told


def test_it_answers_a_broken_body_with_400(port: int) -> None:
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert ask(port, head + b"zz\r\n")[0] == 400


def test_it_waits_for_a_head_only_so_long(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.1)
    assert ask(port, b"GET / HTTP/1.1\r\nHost: loc")[0] == 408
    with Connection(port) as silent:
        assert silent.rest() == b""
    with Connection(port) as second:
        second.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert second.read_until(b"200 OK")
        assert answered(second.send(b"GET /").rest())[0] == 408


def test_it_lets_a_slow_body_live_longer_than_the_heads_deadline(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.05)
    with Connection(port) as connection, Connection(port) as clock:
        connection.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 2\r\n\r\nx")
        assert clock.rest() == b""  # this silent one was closed by the deadline meanwhile
        assert connection.send(b"y").rest().endswith(b"2")


def test_it_refuses_one_connection_too_many_of_an_address_with_429(port: int, limit: Callable[..., None]) -> None:
    limit(connections_per_address=3)
    with ExitStack() as stack:
        for _ in range(3):
            connection = stack.enter_context(Connection(port))
            connection.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert connection.read_until(b"200 OK")
        with Connection(port) as fourth:
            status, content = answered(fourth.rest())
        assert (status, content["code"]) == (429, "too_many_connections")
    assert protocol.connections.by_network.keys() <= {"127.0.0.1"}


def test_it_refuses_one_connection_too_many_of_all_with_503(port: int, limit: Callable[..., None]) -> None:
    limit(connections=1)
    with Connection(port) as first:
        first.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert first.read_until(b"200 OK")
        with Connection(port) as second:
            assert answered(second.rest())[0] == 503


def test_it_counts_web_sockets_apart(port: int, limit: Callable[..., None]) -> None:
    limit(sockets_per_address=1)
    with connect(f"ws://127.0.0.1:{port}/") as socket:
        socket.send("hello")
        assert socket.recv() == "hello"
        upgrade = (
            b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert ask(port, upgrade)[0] == 429


def test_it_forgets_a_connection_that_ended(limit: Callable[..., None]) -> None:
    before = protocol.connections.total, protocol.sockets.total
    with in_thread(hello) as port:
        with connect(f"ws://127.0.0.1:{port}/") as socket:
            socket.send("x")
            socket.recv()
        with Connection(port) as connection:
            connection.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").rest()
    assert (protocol.connections.total, protocol.sockets.total) == before
    assert not protocol.connections.by_network


def test_it_drops_whoever_takes_nothing_and_does_not_buffer_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "STALL_SECONDS", 0.2)
    app = Endless()
    with in_thread(app) as port, Connection(port, buffer=4096) as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert app.ended.wait(10)
    assert app.sent < 16 * 2**20  # what the kernel's buffers and one high-water mark hold


def test_it_keeps_whoever_reads_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "STALL_SECONDS", 0.2)
    app = Endless()
    with in_thread(app) as port, Connection(port) as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        while app.sent < 32 * 2**20:
            assert connection.read(2**18)
        assert not app.ended.is_set()


ONCE = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi"


def test_whoever_asks_while_the_process_ends_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a connection that was opened a moment ago, and on one that was answered before; both end then."""
    monkeypatch.setattr(protocol, "LAST_SECONDS", 5.0)
    with running(hello) as (port, server), Connection(port) as young, Connection(port) as old:
        old.send(ONCE)
        assert old.read(4096).startswith(b"HTTP/1.1 200")
        assert eventually(lambda: len(server.server_state.connections) == 2, 10)
        open_now = list(server.server_state.connections)
        server.should_exit = True
        assert eventually(lambda: all(each.ends for each in open_now), 10)  # type: ignore[union-attr]
        for connection in (young, old):
            answer = connection.send(ONCE).rest()
            assert answer.startswith(b"HTTP/1.1 200")
            assert b"connection: close" in answer


def test_nobody_who_asks_nothing_keeps_a_process_from_ending(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "LAST_SECONDS", 0.1)
    with running(hello) as (port, server), Connection(port) as silent:
        assert eventually(lambda: len(server.server_state.connections) == 1, 10)
        server.should_exit = True
        assert silent.rest() == b""
