"""Real servers on loopback ports."""

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn
from django.conf import settings

from pollweb.protocol import HTTP, WebSocket


def listening() -> socket.socket:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener


@contextmanager
def in_thread(app: Any) -> Iterator[int]:
    """uvicorn with our protocols over `app`, in this process, so that tests can change its limits. Yields the port."""
    with running(app) as (port, _):
        yield port


@contextmanager
def running(app: Any) -> Iterator[tuple[int, uvicorn.Server]]:
    """The same, and the server, which a test may ask to end."""
    listener = listening()
    config = uvicorn.Config(
        app, http=HTTP, ws=WebSocket, loop="uvloop", lifespan="off", log_config=None, access_log=False
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield listener.getsockname()[1], server
    finally:
        server.force_exit = server.should_exit = True
        thread.join(10)
        listener.close()


@dataclass
class Served:
    url: str
    process: subprocess.Popen[bytes]


@contextmanager
def in_process(server: str, behind: int | None = None) -> Iterator[Served]:
    """The whole application as `manage.py up` starts it. Where it waits behind a pipe it does not answer yet."""
    listener = listening()
    waits = [] if behind is None else ["--behind", str(behind)]
    process = subprocess.Popen(
        [sys.executable, "-m", "pollweb.serve", "--fd", str(listener.fileno()), "--server", server, *waits],
        pass_fds=[listener.fileno(), *([] if behind is None else [behind])],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "POLLWEB_REDIS_URL": settings.REDIS_URL},
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        if behind is None:
            _wait_for(url, process)
        yield Served(url, process)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        listener.close()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    # The socket listens before the server does: the first request waits in its queue until there is one.
    deadline = time.monotonic() + 30
    while True:
        try:
            httpx.get(f"{url}/healthz", timeout=30).raise_for_status()
            return
        except httpx.TransportError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise


class Connection:
    """A plain socket, for requests that no client library would send."""

    def __init__(self, port: int, buffer: int = 0) -> None:
        self.socket = socket.socket()
        if buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.settimeout(10)
        self.socket.connect(("127.0.0.1", port))

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *exc: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> "Connection":
        self.socket.sendall(data)
        return self

    def read(self, count: int = 1) -> bytes:
        return self.socket.recv(count)

    def read_until(self, sought: bytes) -> bytes:
        """What comes, until this is in it: an answer may come in several pieces."""
        found = b""
        while sought not in found:
            chunk = self.socket.recv(2**16)
            assert chunk, found
            found += chunk
        return found

    def rest(self) -> bytes:
        """Everything until the server closes."""
        found = b""
        while chunk := self.socket.recv(2**16):
            found += chunk
        return found


async def hello(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """A plain ASGI application: reads the body, answers its length; on a web socket, echoes."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})
        return
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    body = b"%d" % size
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


async def seen(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """A plain ASGI application that answers what it was asked: the raw path, the query string, and X-Sent."""
    sent = dict(scope["headers"]).get(b"x-sent", b"")
    body = scope["raw_path"] + b" " + scope["query_string"] + b" " + sent
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


class Endless:
    """An ASGI application that sends for ever; `ended` is set when it was stopped."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.sent = 0

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        await receive()
        gone = asyncio.ensure_future(receive())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while not gone.done():
            await send({"type": "http.response.body", "body": b"x" * 2**16, "more_body": True})
            self.sent += 2**16
            await asyncio.sleep(0)
        self.ended.set()
