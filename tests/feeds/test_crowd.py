"""Many listeners at once, some of which never read, under the real server. C17 and C18 of the reliability
specification; the full sizes are marked slow."""

import asyncio
import json
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from channels.routing import URLRouter

from bench.measure import memory_mib
from feeds.routing import websocket_urlpatterns
from pollweb import protocol
from pollweb.lib import redis
from tests.feeds.conftest import event
from tests.lane.servers import Served, in_process, in_thread

pytestmark = [pytest.mark.timeout(300)]
FULL = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    if os.environ.get("POLLWEB_SERVER", "uvicorn") != "uvicorn":
        pytest.skip("daphne has no bound for what a client does not take")
    with in_process("uvicorn") as served:
        yield served


@pytest.fixture
def url(server: Served, settings: Any) -> Iterator[str]:
    settings.REDIS_PREFIX = f"pollweb-test-{server.process.pid}"
    yield server.url
    client: Any = redis.sync_client()
    for key in client.scan_iter(redis.key("*")):
        client.delete(key)


def dial(url: str, head: str, buffer: int = 0) -> socket.socket:
    host, _, port = url.removeprefix("http://").partition(":")
    found = socket.socket()
    if buffer:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    found.connect((host, int(port)))
    found.sendall(head.format(host=f"{host}:{port}").encode())
    found.setblocking(False)
    return found


EVENTS = "GET /live/events HTTP/1.1\r\nHost: {host}\r\n\r\n"
UPGRADE = (
    "GET /ws/wall HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def masked(text: bytes) -> bytes:
    """A short message as a client sends it, with a mask that changes nothing."""
    return b"\x81" + bytes((0x80 | len(text),)) + b"\0\0\0\0" + text


SUBSCRIBE = masked(b'{"t":"sub"}')


@dataclass
class Reader:
    """One who reads: what came, in order, with how late it was; and what it was told that it missed."""

    ids: list[int] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    missed: int = 0
    closed: int = 0
    greeted: bool = False

    def hear(self, frame: dict[str, Any]) -> None:
        if frame["t"] == "hello":
            self.greeted = True  # what it holds of the past may be another test's
        elif frame["t"] == "item":
            self.ids.append(int(frame["id"].partition(".")[2]))
            self.late.append((time.time_ns() - frame["sent_ns"]) / 1e6)
        elif frame["t"] == "gap":
            self.missed += frame["count"]

    def check(self, told: int) -> None:
        assert self.ids == sorted(set(self.ids))
        assert len(self.ids) + self.missed == told


@asynccontextmanager
async def reading(url: str, count: int, sockets: bool) -> AsyncIterator[list[Reader]]:
    readers = [Reader() for _ in range(count)]

    async def read(reader: Reader) -> None:
        connection = dial(url, UPGRADE if sockets else EVENTS)
        stream, writer = await asyncio.open_connection(sock=connection, limit=2**22)
        await stream.readuntil(b"\r\n\r\n")
        if sockets:
            writer.write(SUBSCRIBE)
        try:
            while True:
                if sockets:
                    first, size = await stream.readexactly(2)
                    if size > 125:
                        size = int.from_bytes(await stream.readexactly(2 if size == 126 else 8))
                    data = await stream.readexactly(size)
                    if first == 0x88:
                        reader.closed = int.from_bytes(data[:2])
                        return
                    frame = json.loads(data)
                    reader.hear(frame)
                    if frame["t"] == "ping":
                        writer.write(masked(b'{"t":"pong"}'))
                else:
                    line = await stream.readline()
                    if line.startswith(b"data: "):
                        reader.hear(json.loads(line[6:]))
        finally:
            writer.close()

    tasks = [asyncio.ensure_future(read(reader)) for reader in readers]
    try:
        yield readers
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert [each for each in ended if isinstance(each, Exception)] == []


def all_cut(url: str, connections: list[socket.socket]) -> bool:
    """Whether the server has ended all of them. Asked of the kernel: its last words stay behind what nobody reads."""
    port, there = int(url.rpartition(":")[2]), set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        local, remote, state = (field.rpartition(":")[2] for field in line.split()[1:4])
        if int(local, 16) == port and state == "01":
            there.add(int(remote, 16))
    return not any(each.getsockname()[1] in there for each in connections)


def everything(connection: socket.socket) -> bytes:
    connection.setblocking(True)
    connection.settimeout(10)
    heard = b""
    while chunk := connection.recv(2**16):
        heard += chunk
    return heard


async def until(true: Callable[[], Any], seconds: float) -> float:
    """How long it took."""
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.05)
    return time.monotonic() - began


def kernel_holds() -> int:
    """Bytes that a connection may hold on the server's side before anybody notices that nobody reads."""
    return int(Path("/proc/sys/net/ipv4/tcp_wmem").read_text().split()[2])


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)]


@pytest.mark.parametrize(("idlers", "seconds"), [(5, 20), pytest.param(20, 60, marks=FULL)])
async def test_streams_that_nobody_reads_are_cut_and_cost_others_nothing(
    server: Served, url: str, tell: Callable, idlers: int, seconds: int
) -> None:
    async with reading(url, 10, sockets=False) as readers:
        await until(lambda: all(reader.greeted for reader in readers), 30)
        before = memory_mib(server.process.pid)
        idle = [dial(url, EVENTS, buffer=4096) for _ in range(idlers)]
        began, told, most, cut_after, full_after = time.monotonic(), 0, before, 0.0, 0.0
        while time.monotonic() - began < seconds:
            await asyncio.to_thread(tell, *[event("text", response="r" * 20_000) for _ in range(40)])
            told += 40
            if not full_after and told * 2000 > kernel_holds():  # of each answer the wall shows 2,000 characters
                full_after = time.monotonic() - began
            most = max(most, memory_mib(server.process.pid))
            if not cut_after and all_cut(url, idle):
                cut_after = time.monotonic() - began
            await asyncio.sleep(0.1)
        cut_after = cut_after or seconds + await until(lambda: all_cut(url, idle), 30)
        await until(lambda: all(len(reader.ids) + reader.missed == told for reader in readers), 60)
    for reader in readers:
        reader.check(told)
    late = [each for reader in readers for each in reader.late]
    print(f"full after {full_after:.1f} s, cut after {cut_after:.1f} s, memory +{most - before:.1f} MiB")
    print(f"p99 {percentile(late, 0.99):.0f} ms")
    assert cut_after - full_after <= 30  # a busy machine is slow to fill them
    assert most - before <= 32
    for each in idle:
        each.close()


@pytest.mark.parametrize(("count", "seconds"), [(60, 20), pytest.param(1000, 120, marks=FULL)])
async def test_of_many_sockets_those_who_read_miss_nothing_and_the_others_are_closed(
    server: Served, url: str, tell: Callable, count: int, seconds: int
) -> None:
    reads = count * 9 // 10
    async with reading(url, reads, sockets=True) as readers:
        idle = []
        for number in range(count - reads):
            idle.append(dial(url, UPGRADE, buffer=4096))
            if number % 50 == 49:
                await asyncio.sleep(0.1)
        await asyncio.sleep(1 + count / 200)
        for each in idle:
            each.sendall(SUBSCRIBE)
        await until(lambda: all(reader.greeted for reader in readers), 60)
        began, told, cut_after = time.monotonic(), 0, 0.0
        while time.monotonic() - began < seconds:
            await asyncio.to_thread(tell, event("text", response="r" * 40_000))  # 2,000 characters of it on the wall
            told += 1
            if not cut_after and all_cut(url, idle):
                cut_after = time.monotonic() - began
            await asyncio.sleep(0.2)
        try:
            await until(lambda: all(len(reader.ids) + reader.missed == told for reader in readers), 60)
        except TimeoutError:
            short = [reader for reader in readers if len(reader.ids) + reader.missed != told]
            pytest.fail(f"{len(short)} of {reads} did not hear of all {told}: {short[0].missed, short[0].closed}")
        memory = memory_mib(server.process.pid)
    for reader in readers:
        reader.check(told)
    late = [each for reader in readers for each in reader.late]
    print(f"p95 {percentile(late, 0.95):.0f} ms, {memory:.0f} MiB, idlers cut after {cut_after:.0f} s")
    assert memory <= 400
    if seconds > 60:  # it takes two unanswered pings
        assert 0 < cut_after <= 60
        assert percentile(late, 0.95) <= 1000
    for each in idle:
        assert seconds <= 60 or everything(each).endswith(protocol.TAKES_NOTHING)
        each.close()


async def test_a_socket_that_takes_nothing_hears_4008_when_it_reads_again(
    ears: None, tell: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "STALL_SECONDS", 0.3)
    monkeypatch.setattr(protocol, "LINGER_SECONDS", 10.0)
    cuts: list[float] = []
    cut = protocol.WebSocket.cut

    def note(self: Any) -> None:
        cuts.append(time.monotonic())
        cut(self)

    monkeypatch.setattr(protocol.WebSocket, "cut", note)
    with in_thread(URLRouter(websocket_urlpatterns)) as port:
        connection = dial(f"http://127.0.0.1:{port}", UPGRADE, buffer=4096)
        await asyncio.sleep(0.3)
        connection.sendall(SUBSCRIBE)
        began = time.monotonic()
        while not cuts:
            assert time.monotonic() - began < 60
            await asyncio.to_thread(tell, *[event("text", response="r" * 2000, prompt="p" * 1000) for _ in range(40)])
            await asyncio.sleep(0.05)
        heard = await asyncio.to_thread(everything, connection)
        assert heard.endswith(protocol.TAKES_NOTHING)
        connection.close()
