"""Asks the site whether it answers, without waiting for it.

The listening socket is open before any web process runs, so one connection simply waits in its queue until a web
process takes it: the answer arrives the moment there is one.
"""

import selectors
import socket
import time

PATIENCE = 5.0  # seconds for one attempt
PAUSE = 0.1


class Probe:
    def __init__(self, listener: socket.socket, selector: selectors.BaseSelector) -> None:
        self.answered = False
        self._address = _reachable(listener)
        self._family = listener.family
        self._selector = selector
        self._socket: socket.socket | None = None
        self._head = b""
        self._next = 0.0

    def tend(self) -> float:
        """Begin an attempt when one is due; the seconds until the next look."""
        now = time.monotonic()
        if now >= self._next:
            self.close()
            self._next = now + PATIENCE
            self._socket = socket.socket(self._family, socket.SOCK_STREAM)
            self._socket.setblocking(False)
            self._socket.connect_ex(self._address)
            self._selector.register(self._socket, selectors.EVENT_WRITE, self._ask)
        return self._next - now

    def _ask(self) -> None:
        assert self._socket is not None
        try:
            self._socket.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        except OSError:
            self._again()
        else:
            self._selector.modify(self._socket, selectors.EVENT_READ, self._hear)

    def _hear(self) -> None:
        """Any answer counts but one that says the server itself has failed."""
        assert self._socket is not None
        try:
            data = self._socket.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._head += data
        if not data:
            self._again()
        elif len(self._head) >= 12:
            self.answered = self._head.startswith(b"HTTP/1.") and self._head[9:10] in b"234"
            self.close() if self.answered else self._again()

    def _again(self) -> None:
        self.close()
        self._next = time.monotonic() + PAUSE

    def close(self) -> None:
        if self._socket is not None:
            self._selector.unregister(self._socket)
            self._socket.close()
        self._socket, self._head = None, b""


def _reachable(listener: socket.socket) -> tuple[str, int]:
    """The socket's own address; for one that listens everywhere, the loopback address."""
    host, port = listener.getsockname()[:2]
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port  # noqa: S104
