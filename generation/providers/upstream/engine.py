"""HTTP/1.1 as a client, as much of it as an upstream needs: one request, and its answer's bytes as they come.

llhttp parses (by httptools, as in the server); here are a pool and clocks. It is a transport for httpx, and for the
relay, which asks the same again and again, a way past the objects that httpx builds for each request: these were the
larger part of what a relayed answer cost (docs/decisions/0008).
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohappyeyeballs
import httptools
import httpx

IDLE_SECONDS = 15.0
NEXT_ADDRESS_SECONDS = 0.25  # RFC 8305, 8
# What may wait to be read before the upstream is held back.
HIGH_WATER = 256 * 2**10
MOST_FIELDS, HEAD_BYTES = 200, 64 * 2**10


class BrokenOff(httpx.RemoteProtocolError):
    """The connection ended, or said something that is not HTTP, before the answer was whole."""


class Connection(asyncio.Protocol):
    """One connection: an exchange after the other, as long as both sides keep it."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.transport: Any = None
        self.lost = False
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._reset()

    def _reset(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.fields: list[tuple[bytes, bytes]] = []
        self.status = 0  # known when the head has come
        self.body: list[bytes] = []
        self.held = 0
        self.ended = self.broken = self.keeps = self.paused = False
        self.idle = True
        self._field_bytes = 0

    def ask(self, head: bytes, body: bytes) -> None:
        self._reset()
        self.idle = False
        self.transport.write(head + body)

    # --- what the socket says -----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.idle or self.ended:
            self.broken = True  # an answer that nobody asked for
            self.transport.abort()
            return
        try:
            self.parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.broken = True
            self.transport.abort()
        if self.held > HIGH_WATER and not self.ended:
            self.transport.pause_reading()
            self.paused = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if self.status and not self.broken and exc is None and not self._is_delimited():
            self.ended = True  # a body without a length ends with its connection
        self._wake()

    def _is_delimited(self) -> bool:
        return any(name in (b"content-length", b"transfer-encoding") for name, _ in self.fields)

    # --- what the parser says -----------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self.ended:
            self.broken = True

    def on_header(self, name: bytes, value: bytes) -> None:
        self._field_bytes += len(name) + len(value)
        if self._field_bytes > HEAD_BYTES or len(self.fields) >= MOST_FIELDS:
            raise httptools.HttpParserError("the head is too large")
        self.fields.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        status = self.parser.get_status_code()
        if status >= 200:
            self.status = status

    def on_body(self, data: bytes) -> None:
        if self.broken:
            return  # a second answer, which nobody asked for
        self.body.append(data)
        self.held += len(data)

    def on_message_complete(self) -> None:
        if self.status:
            self.ended, self.keeps = True, self.parser.should_keep_alive()
        else:
            self.fields.clear()  # 100, 103: the answer is still to come

    # --- waiting ------------------------------------------------------------------------------------------------------

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _news(self, seconds: float) -> None:
        """Until something happens; TimeoutError. One timer serves all waits: it looks at what is due when it rings."""
        self._due = self.loop.time() + seconds
        if self._timer is None or self._timer.when() > self._due:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self.loop.call_at(self._due, self._ring)
        self._waiter = self.loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _ring(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        if self.loop.time() < self._due:
            self._timer = self.loop.call_at(self._due, self._ring)
        else:
            self._waiter.set_exception(TimeoutError())

    async def head(self, seconds: float) -> None:
        while not self.status:
            if self.broken or self.lost:
                raise BrokenOff("no answer came")
            await self._news(seconds)

    async def read(self, seconds: float) -> bytes:
        """All that has come since; b"" at the end. TimeoutError after so many silent seconds, BrokenOff."""
        while not self.body:
            if self.ended:
                return b""
            if self.broken:
                raise BrokenOff("this is not HTTP")
            if self.lost:
                raise BrokenOff("the answer is not whole")
            await self._news(seconds)
        data = self.body[0] if len(self.body) == 1 else b"".join(self.body)
        self.body = []
        self.held = 0
        if self.paused and not self.lost:
            self.paused = False
            self.transport.resume_reading()
        return data

    def release(self) -> bool:
        """The exchange is over. True when the connection may be used again; otherwise it is closed."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.ended and self.keeps and not self.broken and not self.lost:
            self.idle = True
            return True
        self.transport.abort()
        return False


class Reply:
    """An answer whose head is here: `status`, `headers` by lower-case name, and its body to be read."""

    def __init__(self, engine: "Engine", origin: "Origin", connection: Connection) -> None:
        self._engine, self._origin = engine, origin
        self.connection: Connection | None = connection
        self.status = connection.status
        self.read = connection.read
        self.headers: Mapping[str, str] = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in connection.fields
        }

    async def close(self) -> None:
        connection, self.connection = self.connection, None
        if connection is not None:
            self._engine.give_back(self._origin, connection)


Origin = tuple[str, str, int]  # scheme, host, port


class Engine(httpx.AsyncBaseTransport):
    """The connections to upstreams in one event loop. Who calls it sees to it that not too many calls run at once."""

    def __init__(self, certificates: ssl.SSLContext, connections: int, connect_seconds: float) -> None:
        self._certificates = certificates
        self._connections = connections
        self._connect_seconds = connect_seconds
        self._free: dict[Origin, list[tuple[float, Connection]]] = {}

    async def send(self, origin: Origin, head: bytes, body: bytes, seconds: float) -> Reply:
        """One request, and its answer once the head is here, at most `seconds` later, connecting included.

        TimeoutError; BrokenOff; httpx.ConnectError when nobody answers at this address.
        """
        ends = asyncio.get_running_loop().time() + seconds
        connection = self._idle(origin) or await self._connect(origin, min(self._connect_seconds, seconds))
        connection.ask(head, body)
        try:
            await connection.head(max(0.0, ends - connection.loop.time()))
        except BaseException:
            connection.release()
            raise
        return Reply(self, origin, connection)

    def _idle(self, origin: Origin) -> Connection | None:
        free = self._free.get(origin)
        while free:
            since, connection = free.pop()  # the one used last: the others may become too old
            if connection.lost or connection.broken:
                continue
            if connection.loop.time() - since < IDLE_SECONDS:
                return connection
            connection.transport.abort()
        return None

    async def _connect(self, origin: Origin, seconds: float) -> Connection:
        scheme, host, port = origin
        loop = asyncio.get_running_loop()
        secured: dict[str, Any] = {"ssl": self._certificates, "server_hostname": host} if scheme == "https" else {}
        try:
            async with asyncio.timeout(seconds):
                found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                # A family of addresses that leads nowhere must not use up the time: the next is tried beside it.
                opened = await aiohappyeyeballs.start_connection(
                    found, happy_eyeballs_delay=NEXT_ADDRESS_SECONDS, interleave=1, loop=loop
                )
                try:
                    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    _, connection = await loop.create_connection(Connection, sock=opened, **secured)
                except BaseException:
                    opened.close()
                    raise
        except OSError as exc:  # TimeoutError is one too
            raise httpx.ConnectError("nobody answers there") from exc
        return connection

    def give_back(self, origin: Origin, connection: Connection) -> None:
        if connection.release():
            free = self._free.setdefault(origin, [])
            free.append((connection.loop.time(), connection))
            if len(free) > self._connections:
                free.pop(0)[1].transport.abort()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        patience = request.extensions.get("timeout", {}).get("read") or 24 * 3600.0
        reply = await self.send(origin_of(request), head_of(request), body, patience)
        connection = reply.connection
        assert connection is not None
        return httpx.Response(reply.status, headers=connection.fields, stream=_Body(reply, patience))

    async def aclose(self) -> None:
        for free in self._free.values():
            for _, connection in free:
                connection.transport.abort()
        self._free.clear()


class _Body(httpx.AsyncByteStream):
    def __init__(self, reply: Reply, patience: float) -> None:
        self._reply, self._patience = reply, patience

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while data := await self._reply.read(self._patience):
            yield data

    async def aclose(self) -> None:
        await self._reply.close()


def origin_of(request: httpx.Request) -> Origin:
    """httpx.UnsupportedProtocol for an address that is not http or https."""
    url = request.url
    if url.scheme not in ("http", "https") or not url.host:
        raise httpx.UnsupportedProtocol(f"no http or https address: {url.scheme}")
    return url.scheme, url.raw_host.decode("ascii"), url.port or (443 if url.scheme == "https" else 80)


def head_of(request: httpx.Request) -> bytes:
    """The head as it travels, `Content-Length` included where httpx has set it."""
    lines = [request.method.encode("ascii") + b" " + request.url.raw_path + b" HTTP/1.1"]
    for name, value in request.headers.raw:
        if b"\r" in value or b"\n" in value or b"\0" in value:
            raise httpx.LocalProtocolError("a header holds a line end")
        lines.append(name + b": " + value)
    return b"\r\n".join(lines) + b"\r\n\r\n"
