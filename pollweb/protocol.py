"""uvicorn's protocols with what a server on the open internet needs beside them.

Heads have a size and a deadline, connections are counted, whoever takes nothing for a while is dropped, and whatever is
refused before the application sees it is refused in JSON. `uvicorn --http pollweb.protocol:HTTP --ws
pollweb.protocol:WebSocket`; the counts are each process's own.
"""

import asyncio
import logging
import math
import re
import socket
import struct
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import orjson
from django.conf import settings
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from pollweb.lib import ids
from pollweb.lib.http.addresses import is_loopback, is_trusted_proxy, network_of, shortened

access = logging.getLogger("pollweb.access")

REQUEST_LINE = 32 * 2**10
HEADERS = 48 * 2**10
FIELDS = 100
HEAD_SECONDS = 15.0
STALL_SECONDS = 15.0
LINGER_SECONDS = 2.0
# Between the wish to end and the end of connections on which nobody asks: a request that is on its way arrives within.
LAST_SECONDS = 0.5
TAKES_NOTHING = b"\x88\x02" + (4008).to_bytes(2)  # the frame that closes a web socket (RFC 6455, section 5.5.1)
BEYOND_ASCII = re.compile(rb"[\x80-\xff]")


class Refused(Exception):
    """A request that ends in the protocol."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.id = ids.request_id()

    def response(self) -> bytes:
        body = orjson.dumps({"error": self.message, "status": self.status, "code": self.code, "request_id": self.id})
        lines = [
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}",
            "content-type: application/json",
            f"content-length: {len(body)}",
            f"x-request-id: {self.id}",
            "access-control-allow-origin: *",
            "connection: close",
        ]
        if self.status in (429, 503):
            lines.append("retry-after: 5")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Census:
    """How many connections there are, and from where. This machine and trusted proxies speak for many."""

    def __init__(self) -> None:
        self.total = 0
        self.by_network: Counter[str] = Counter()

    def enter(self, address: str | None) -> str:
        """The network to `leave` later; "" for one that is counted in the total only."""
        self.total += 1
        if not address or is_loopback(address) or is_trusted_proxy(address):
            return ""
        network = network_of(address)
        self.by_network[network] += 1
        return network

    def leave(self, network: str) -> None:
        self.total -= 1
        if network:
            self.by_network[network] -= 1
            if not self.by_network[network]:
                del self.by_network[network]


connections, sockets = Census(), Census()


class StallGuard:
    """Drops a connection that took nothing of what waits for it for STALL_SECONDS in a row."""

    transport: asyncio.Transport
    loop: asyncio.AbstractEventLoop
    stall_timer: asyncio.TimerHandle | None = None
    unsent: float = math.inf

    def pause_writing(self) -> None:
        super().pause_writing()  # type: ignore[misc]
        self.watch_writing()

    def watch_writing(self) -> None:
        if self.stall_timer is None:
            self.unsent = self.transport.get_write_buffer_size()
            self.stall_timer = self.loop.call_later(STALL_SECONDS, self.look_at_writing)

    def look_at_writing(self) -> None:
        self.stall_timer = None
        unsent = self.transport.get_write_buffer_size()
        if not unsent:
            return
        if unsent >= self.unsent:
            self.cut()
        else:
            self.watch_writing()

    def cut(self) -> None:
        self.break_off()

    def break_off(self) -> None:
        """With a reset: otherwise the kernel keeps megabytes for a client that takes nothing, long after we let go."""
        if not self.transport.is_closing() or self.transport.get_write_buffer_size():
            connection = self.transport.get_extra_info("socket")
            if connection is not None:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def stop_watching(self) -> None:
        if self.stall_timer is not None:
            self.stall_timer.cancel()
            self.stall_timer = None


class HTTP(StallGuard, HttpToolsProtocol):
    network: str | None = None
    in_line = in_head = True
    head_bytes = 0
    field_bytes = 0
    head_timer: asyncio.TimerHandle | None = None
    refused = False
    refusal: Refused | None = None
    left: Callable[[], None] | None = None
    gone = False
    ends = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.network = connections.enter(self.client[0] if self.client else None)
        limits = settings.DESIGN.limits
        if connections.total > limits.connections:
            if connections.total > 2 * limits.connections:
                transport.abort()
                return
            self.refuse(Refused(503, "too_many_connections", "This server has no connection left; try again soon."))
        elif connections.by_network[self.network] > limits.connections_per_address:
            self.refuse(Refused(429, "too_many_connections", "Too many connections from your address."))
        else:
            self.await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.forget()
        self.tell_left()

    def forget(self) -> None:
        """End what runs for this connection: at its end, or when it becomes a web socket."""
        self.stop_watching()
        self.head_came()
        if self.network is not None:
            connections.leave(self.network)
            self.network = None

    def watch(self, left: Callable[[], None] | None) -> None:
        """Call `left` when the client leaves before its answer is whole; None when it may go. For the application, whom
        a task that waits for "http.disconnect" would cost as much as many an answer."""
        self.left = left
        if left is None:
            return
        if self.gone:
            self.tell_left()
        else:
            self.flow.resume_reading()  # as `receive` does: who does not read does not notice

    def tell_left(self) -> None:
        self.gone = True
        left, self.left = self.left, None
        if left is not None:
            left()

    @property
    def body_is_here(self) -> bool:
        """Whether the whole body of the request that began last has come."""
        return not self.cycle.more_body

    def shutdown(self) -> None:
        """The process is to end. What is under way is finished, and so is what somebody asks who has connected or been
        answered a moment ago: a connection that is closed over unread words is reset, and its client knows nothing."""
        self.ends = True
        if self.is_idle:
            self.loop.call_later(LAST_SECONDS, self.end_if_idle)
        else:
            self.cycle.keep_alive = False

    def end_if_idle(self) -> None:
        if self.is_idle and not self.head_bytes:
            self.transport.close()

    @property
    def is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    # --- the head -----------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self.refused:
            return
        if self.in_line:
            data = self.escaped(data)
        if self.in_head:
            self.head_bytes += len(data)
        super().data_received(data)
        if not self.in_head or self.refused:
            return
        if self.head_bytes > REQUEST_LINE + HEADERS:
            # Longer than a whole head may be, and its line has not even ended: httptools holds it back.
            self.refuse(_long_head() if self.headers else _long_line())
        elif self.head_bytes and self.head_timer is None:
            self.await_head()

    def escaped(self, data: bytes) -> bytes:
        """Percent-encode what is not ASCII in a request line: browsers do so, curl sends it as it was typed."""
        line, end, _ = data.partition(b"\n")
        self.in_line = not end
        if line.isascii():
            return data
        return BEYOND_ASCII.sub(lambda found: b"%%%02X" % found[0][0], line) + data[len(line) :]

    def on_message_begin(self) -> None:
        self.head_bytes, self.field_bytes = self.head_bytes or 1, 0
        super().on_message_begin()
        self.scope["pollweb.connection"] = self  # type: ignore[typeddict-unknown-key]

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > REQUEST_LINE:
            self.refusal = _long_line()
            raise self.refusal

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self.field_bytes += len(name) + len(value) + 4
        if self.field_bytes > HEADERS or len(self.headers) > FIELDS:
            self.refusal = _long_head()
            raise self.refusal

    def on_headers_complete(self) -> None:
        self.in_head, self.head_bytes = False, 0
        self.head_came()
        super().on_headers_complete()
        if self.cycle is not None and self.cycle.scope is self.scope:  # not for a web socket
            self.scope["pollweb.cycle"] = self.cycle  # type: ignore[typeddict-unknown-key]
            if self.ends:
                self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self.in_line = self.in_head = True

    def await_head(self) -> None:
        self.head_timer = self.loop.call_later(HEAD_SECONDS, self.head_is_late)

    def head_came(self) -> None:
        if self.head_timer is not None:
            self.head_timer.cancel()
            self.head_timer = None

    def head_is_late(self) -> None:
        self.head_timer = None
        if self.cycle is not None and not self.cycle.response_complete:
            self.await_head()  # a pipelined head: we are not reading while the answer before it is under way
        elif self.head_bytes:
            self.refuse(Refused(408, "request_timeout", "The head of the request took too long."))
        else:
            self.transport.close()

    # --- refusing -----------------------------------------------------------------------------------------------------

    def send_400_response(self, msg: str) -> None:
        """uvicorn's answer when the parser stopped, for its own reasons or ours."""
        self.refuse(self.refusal or Refused(400, "invalid_request", "This is no valid HTTP request."))

    def refuse(self, refusal: Refused) -> None:
        """Answer and close; read on for a moment, since a connection closed over unread bytes loses its answer."""
        self.refused = True
        self.head_came()
        if self.cycle is not None and not self.cycle.response_complete:
            if self.cycle.response_started:
                self.transport.close()  # an answer is under way: there is no place for another
                return
            # The application waits for a body that broke off: to it the client has left.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            self.tell_left()
        self.transport.write(refusal.response())
        self._log(refusal)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    def _log(self, refusal: Refused) -> None:
        """As the lane logs its answers; what was sent is not repeated."""
        peer = shortened(self.client[0]) if self.client else ""
        fields = {"request_id": refusal.id, "status": refusal.status, "code": refusal.code, "peer": peer}
        access.info("refused %d", refusal.status, extra={"fields": fields})

    def handle_websocket_upgrade(self) -> None:
        network = self.network
        if network and sockets.by_network[network] >= settings.DESIGN.limits.sockets_per_address:
            self.refuse(Refused(429, "too_many_sockets", "Too many web sockets from your address."))
            return
        self.forget()
        super().handle_websocket_upgrade()
        self.parser = None  # type: ignore[assignment]  # it refers back to this protocol: both would stay until the collector comes by

    # --- the answer ---------------------------------------------------------------------------------------------------

    async def send_whole(self, cycle: RequestResponseCycle, status: int, head: bytes, body: bytes) -> None:
        """One answer in one write, as `cycle.send` would make it of two messages. `head` are its header lines, its
        length among them."""
        if self.flow.write_paused and not cycle.disconnected:
            await self.flow.drain()
        if cycle.disconnected:
            return
        if cycle.response_started:
            raise RuntimeError("This request was answered before.")
        cycle.response_started = cycle.response_complete = True
        dated = b"".join([b"%b: %b\r\n" % field for field in cycle.default_headers])
        end = b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n"
        self.transport.writelines((STATUS_LINE[status] + dated + head + end, body))
        cycle.message_event.set()
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.get_write_buffer_size():
            self.watch_writing()  # a connection that is closing waits for its last bytes without limit


class Inbox:
    """What asyncio.Queue is to uvicorn, for one reader: without the four deques of which each takes 760 bytes."""

    __slots__ = ("messages", "reader")

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.reader: asyncio.Future[None] | None = None

    def put_nowait(self, message: Any) -> None:
        self.messages.append(message)
        if self.reader is not None and not self.reader.done():
            self.reader.set_result(None)

    def empty(self) -> bool:
        return not self.messages

    async def get(self) -> Any:
        while not self.messages:
            self.reader = asyncio.get_running_loop().create_future()
            try:
                await self.reader
            finally:
                self.reader = None
        return self.messages.pop(0)


class WebSocket(StallGuard, WebSocketsSansIOProtocol):
    network: str | None = None
    inside = False

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.queue = Inbox()  # type: ignore[assignment]
        self.close_timeout = 5.0  # for the answer to a closing frame: one that takes nothing is gone in a minute

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        address = self.client[0] if self.client else None
        self.networks = connections.enter(address), sockets.enter(address)
        self.inside = True

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:
            # For the wall, which writes frames that were made once for everybody (feeds.audience).
            self.scope["extensions"]["pollweb.transport"] = self.transport  # type: ignore[assignment]
            self.scope["extensions"]["pollweb.cut"] = self.cut  # type: ignore[assignment]

    def cut(self) -> None:
        """Close with 4008, for one that reads on within the next moment; for all others it ends without a word."""
        if not self.transport.is_closing():
            self.transport.write(TAKES_NOTHING)
            self.transport.close()
            self.disconnected = True  # nothing may follow: whoever sends is told that the client has left
            self.loop.call_later(LINGER_SECONDS, self.break_off)

    def start_keepalive(self) -> None:
        """The handshake is done: of its head nothing is needed any more, for thousands who stay for hours."""
        super().start_keepalive()
        self.request = self.response = None  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.stop_watching()
        if self.inside:
            self.inside = False
            connections.leave(self.networks[0])
            sockets.leave(self.networks[1])


def _long_line() -> Refused:
    return Refused(414, "uri_too_long", f"The request line is longer than {REQUEST_LINE // 1024} KiB; use POST.")


def _long_head() -> Refused:
    return Refused(
        431, "headers_too_large", f"The headers are more than {FIELDS} fields or {HEADERS // 1024} KiB together."
    )
