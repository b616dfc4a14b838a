"""A machine that vanishes says nothing: no answer, no refusal, no end. Whoever asks it is told so in time."""

import asyncio
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pollweb import config
from pollweb.lib import postgresql, redis
from tests import databases, redis_server
from tests.redis_server import RedisServer
from tests.site import Site, end, eventually


class Between:
    """Passes TCP on, until it is told to swallow all of it: connections stay open, and new ones open, for nothing."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._passes = threading.Event()
        self._passes.set()
        self._server = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.port = int(self._server.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def swallow(self) -> None:
        self._passes.clear()

    def come_back(self) -> None:
        """As a machine that was started again: what was open is gone, and new connections pass."""
        opened, self._open = self._open, []
        for one in opened:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._passes.set()

    def close(self) -> None:
        self._server.close()
        self.come_back()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                caller, _ = self._server.accept()
                self._open.append(caller)
                threading.Thread(target=self._serve, args=(caller,), daemon=True).start()

    def _serve(self, caller: socket.socket) -> None:
        self._passes.wait()
        with suppress(OSError), socket.create_connection(self._target) as server:
            self._open.append(server)
            back = threading.Thread(target=self._pump, args=(server, caller), daemon=True)
            back.start()
            self._pump(caller, server)
            back.join()
        caller.close()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._passes.wait()
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)


@pytest.fixture
def between() -> Iterator[Any]:
    opened: list[Between] = []

    def open_to(host: str, port: int) -> Between:
        opened.append(Between(host, port))
        return opened[-1]

    yield open_to
    for one in opened:
        one.close()


@pytest.mark.slow
def test_a_database_that_falls_silent_is_noticed_and_found_again(
    between: Any, tmp_path: Path, record_property: Any
) -> None:
    with databases.fresh("silent") as url:
        parts = urlsplit(url)
        proxy = between(parts.hostname, parts.port or 5432)
        through = parts._replace(netloc=f"{parts.username}:{parts.password or ''}@127.0.0.1:{proxy.port}").geturl()
        site = Site(tmp_path / "home", POLLWEB_DATABASE_URL=through)
        try:
            site.ready()
            assert site.ask("/prompt/before?width=64&height=64").status == 200
            proxy.swallow()
            began = time.monotonic()
            refused = site.ask("/prompt/meanwhile?width=64&height=64")
            took = time.monotonic() - began
            assert (refused.status, "The database is away" in refused.body.decode()) == (503, True), refused
            assert took < 30, "a quarter of a picture's deadline"
            assert site.ask("/healthz").status == 200
            assert site.ask("/readyz").status == 503
            proxy.come_back()
            assert eventually(lambda: site.ask("/readyz").status == 200, 30)
            again = time.monotonic()
            assert eventually(lambda: site.ask(f"/prompt/{time.time_ns()}?width=64&height=64").status == 200, 60)
            record_property("figures", f"503 after {took:.1f} s, a picture {time.monotonic() - again:.1f} s after it")
        finally:
            end(site)


def test_addresses_of_databases_say_how_long_to_wait() -> None:
    usual = config.database("postgresql://db/poll", pool=4)["OPTIONS"]
    assert {name: usual[name] for name in postgresql.KEPT_ALIVE} == postgresql.KEPT_ALIVE
    assert usual["pool"]["connection_class"].silence == 10 + postgresql.GRACE
    own = "connect_timeout=9&keepalives_idle=60&options=-c%20statement_timeout%3D5s"
    told = config.database(f"postgresql://db/poll?{own}", pool=4)["OPTIONS"]
    assert (told["connect_timeout"], told["keepalives_idle"], told["keepalives_count"]) == ("9", "60", "2")
    assert told["pool"]["connection_class"].silence == 5 + postgresql.GRACE


@pytest.mark.parametrize("options", ["", "-c lock_timeout=2000", "-c statement_timeout=0"])
def test_without_a_limit_of_the_server_nobody_is_hurried(options: str) -> None:
    assert postgresql.patient(options).silence is None


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server.serving(tmp_path) as found:
        assert eventually(lambda: _answers(found.port), 10)
        yield found


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


async def test_a_subscriber_notices_that_redis_fell_silent(
    between: Any, server: RedisServer, settings: Any, monkeypatch: Any
) -> None:
    proxy = between("127.0.0.1", server.port)
    monkeypatch.setattr(redis, "QUIET_SECONDS", 0.2)
    settings.REDIS_URL = f"redis://127.0.0.1:{proxy.port}/0"
    listener = redis.listener()
    pubsub = listener.pubsub()
    channel = redis.key("silence", os.getpid())
    await pubsub.subscribe(channel)
    heard = redis.heard(pubsub)
    assert (await anext(heard))["type"] == "subscribe"
    waiting = asyncio.ensure_future(anext(heard))
    await asyncio.sleep(1)  # asked for several times whether it is still there
    await redis.client().publish(channel, "hello")
    assert (await waiting)["data"] == b"hello"
    proxy.swallow()
    with pytest.raises(redis.RedisError, match="does not answer any more"):
        async with asyncio.timeout(10):
            await anext(heard)
    proxy.come_back()
    await listener.aclose()
    await redis.close()
