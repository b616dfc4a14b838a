"""C24: an installation that is asked to end while requests, streams and sockets are open, and jobs wait."""

import asyncio
import contextlib
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.hold.pace import FULL
from tests.site import Site, end, eventually
from tests.test_recovery import rows, token_of
from tests.upstream import ScriptedUpstream

pytestmark = [pytest.mark.slow, pytest.mark.hold, pytest.mark.timeout(240)]
REQUESTS, LISTENERS, JOBS = (20, 50, 10) if FULL else (8, 10, 4)
DELAY = 5.0 if FULL else 3.0
TOML = """
[tiers.anonymous]
interval = 0
concurrency = 50
[providers.behind]
kind = "openai"
base_url = "{url}/v1"
max_parallel = 2
[providers.beside]
kind = "openai"
base_url = "{url}/v1"
max_parallel = 50
[models.text.openai]
from = [{{ provider = "beside", model = "m" }}]
[models.image.turbo]
from = [{{ provider = "behind", model = "m" }}]
[limits]
sockets_per_address = 100
streams_per_address = 100
connections_per_address = 200
"""


class Clients:
    """Everybody who is there when it ends, and what became of them."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.answers: list[bytes] = []
        self.streams: list[bytes] = []
        self.closed: list[int | None] = []
        self.there = 0

    async def come(self) -> None:
        asked = [self._ask(number) for number in range(REQUESTS)]
        listening = [self._listen() for _ in range(LISTENERS)]
        await asyncio.gather(*asked, *listening, *(self._watch() for _ in range(LISTENERS)))

    async def _get(self, path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost:{self.port}\r\nConnection: close\r\n\r\n".encode())
        return reader, writer

    async def _ask(self, number: int) -> None:
        reader, writer = await self._get(f"/text/number%20{number}")
        self.there += 1
        self.answers.append(await reader.read())
        writer.close()

    async def _listen(self) -> None:
        reader, writer = await self._get("/image/feed")
        self.there += 1
        self.streams.append(await reader.read())
        writer.close()

    async def _watch(self) -> None:
        host = f"localhost:{self.port}"
        async with connect(f"ws://{host}/ws/wall", origin=f"http://{host}", open_timeout=30) as socket:  # type: ignore[arg-type]
            await socket.send('{"t":"sub"}')
            self.there += 1
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await socket.recv()
        self.closed.append(socket.close_code)


def test_it_ends_in_order_with_everybody_there_and_no_job_is_lost(tmp_path: Path, record_property: Any) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with ScriptedUpstream() as upstream:
        upstream.delay = DELAY
        (home / "pollweb.toml").write_text(TOML.format(url=upstream.url))
        site = Site(home, "--port", "0", POLLWEB_DRAIN_SECONDS="20")
        again = None
        try:
            token = f"Bearer {token_of(site.ready())}"
            body = {"model": "turbo", "prompt": "a boat", "width": 64, "height": 64}
            for seed in range(JOBS):
                headers = {"Prefer": "respond-async", "Content-Type": "application/json", "Authorization": token}
                assert site.ask("/image/prompt/boat", "POST", {**body, "seed": seed}, **headers).status == 202
            clients = Clients(site.run["port"])
            thread = threading.Thread(target=lambda: asyncio.run(clients.come()))
            thread.start()
            assert eventually(lambda: clients.there == REQUESTS + 2 * LISTENERS, 20)
            assert eventually(lambda: sum(call.path.endswith("completions") for call in upstream.calls) == REQUESTS, 10)
            port = site.run["port"]
            began = time.monotonic()
            site.process.send_signal(signal.SIGTERM)
            time.sleep(1)
            taken = asyncio.run(is_taken(port))
            code = site.process.wait(40)
            took = time.monotonic() - began
            thread.join(20)
            upstream.delay = 0.0
            made = "select count(*) from generation_generation where kind = 'image' and state = 'succeeded'"
            done = rows(site, made)[0][0]
            again = Site(home).ready()
            assert eventually(lambda: rows(site, made)[0][0] == JOBS, 60), rows(
                site, "select state, error_code, count(*) from generation_generation group by 1, 2"
            )
        finally:
            end(site)
            if again is not None:
                end(again)
    good = sum(b" 200 " in answer.split(b"\r\n", 1)[0] and b"Hello there" in answer for answer in clients.answers)
    whole = sum(stream.endswith(b"0\r\n\r\n") for stream in clients.streams)
    record_property(
        "figures",
        f"gone after {took:.1f} s with {code}: {good} of {REQUESTS} answered, {whole} of {LISTENERS} streams ended "
        f"whole, sockets closed {sorted(set(clients.closed), key=str)}; {done} of {JOBS} jobs done by then, the "
        "others after the next start",
    )
    assert not taken
    assert (code, good, whole) == (0, REQUESTS, LISTENERS)
    assert clients.closed == [1012] * LISTENERS
    assert took <= 30


async def is_taken(port: int) -> bool:
    """Whether a new request is answered with anything but 503."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET /models HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n".encode())
        async with asyncio.timeout(5):
            answer = await reader.read()
        writer.close()
    except (OSError, TimeoutError):
        return False
    return bool(answer) and b" 503 " not in answer.split(b"\r\n", 1)[0]
