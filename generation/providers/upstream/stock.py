"""httpx's stock engine, httpcore, made safe to leave.

A task that is cancelled inside httpcore leaves a dead connection in its pool, until every request fails
(https://github.com/encode/httpcore/issues/1093). So nothing here is ever cancelled: each step runs in a task of its
own, and whoever leaves closes the socket under it, which httpcore takes as the ordinary loss of a connection.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextvars import ContextVar
from typing import Any

import httpcore
import httpx


class _Call:
    """One request; `socket` is what it talks through, once it is known."""

    def __init__(self) -> None:
        self.socket: httpcore.AsyncNetworkStream | None = None
        self.left = False
        self.tasks: set[asyncio.Task[Any]] = set()

    async def step[T](self, work: Coroutine[Any, Any, T]) -> T:
        """Await `work` in a task of its own; when we are cancelled, it is made to end by itself."""
        token = _call.set(self)
        task = asyncio.ensure_future(work)
        _call.reset(token)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_heard)
            await self.leave()
            raise

    async def leave(self) -> None:
        self.left = True
        if self.socket is not None:
            await self.socket.aclose()


_call: ContextVar[_Call] = ContextVar("call")


def _heard(task: "asyncio.Task[Any]") -> None:
    """Take the result nobody waits for: an exception is expected, a response is closed."""
    if not task.cancelled() and task.exception() is None and isinstance(task.result(), httpx.Response):
        closing = asyncio.ensure_future(task.result().aclose())
        _closing.add(closing)
        closing.add_done_callback(_closing.discard)


_closing: set["asyncio.Task[None]"] = set()


class _Socket(httpcore.AsyncNetworkStream):
    """Tells the call that uses it what to close."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner

    def _used(self) -> None:
        call = _call.get(None)
        if call is not None:
            call.socket = self._inner
            if call.left:
                raise httpcore.ReadError("nobody waits for this any more")

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._used()
        return await self._inner.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._used()
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        return _Socket(await self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.AsyncNetworkBackend):
    def __init__(self) -> None:
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return _Socket(await self._inner.connect_tcp(host, port, timeout, local_address, socket_options))

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


class _Body(httpx.AsyncByteStream):
    def __init__(self, call: _Call, inner: httpx.AsyncByteStream) -> None:
        self._call, self._inner, self._ended = call, inner, False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = aiter(self._inner)

        async def following() -> bytes | None:
            return await anext(chunks, None)

        while (chunk := await self._call.step(following())) is not None:
            yield chunk
        self._ended = True

    async def aclose(self) -> None:
        if not self._ended:
            await self._call.leave()
        if self._call.tasks:
            await asyncio.wait(self._call.tasks)
        await self._inner.aclose()


class StockTransport(httpx.AsyncHTTPTransport):
    """httpx.AsyncHTTPTransport whose requests may be cancelled."""

    def __init__(self, certificates: ssl.SSLContext, connections: int) -> None:
        super().__init__(verify=certificates, trust_env=False)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=certificates, max_connections=connections, keepalive_expiry=15, network_backend=_Backend()
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        call = _Call()
        response = await call.step(super().handle_async_request(request))
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _Body(call, response.stream)
        return response
