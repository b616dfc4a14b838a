"""What the supervisor and its children say, on one terminal: whole lines, each with its speaker, no secrets.

A terminal that has been paused, or a pipe that nobody reads, must not stop the site: lines wait in a bounded queue, and
those that find it full are counted and left out.
"""

import os
import select
import time
from collections import deque
from collections.abc import Iterable

from pollweb.lib.log import clean

PIECE = 4096  # bytes: PIPE_BUF; that much a pipe takes without blocking once it is writable
QUEUE = 1024 * 1024  # bytes


class Terminal:
    def __init__(self, descriptor: int, secrets: Iterable[str], width: int) -> None:
        self.descriptor = descriptor
        self.secrets = sorted({secret for secret in secrets if len(secret) >= 6}, key=len, reverse=True)
        self.width = width
        self.left_out = 0
        self._queue: deque[bytes] = deque()
        self._bytes = 0

    def say(self, line: str) -> None:
        """A line of the supervisor itself."""
        self._put(line)

    def pass_on(self, name: str, line: bytes) -> None:
        """A line of the child `name`."""
        self._put(f"{name:<{self.width}} | {line.decode('utf-8', 'replace').rstrip()}")

    def _put(self, line: str) -> None:
        for secret in self.secrets:
            line = line.replace(secret, "[secret]")
        data = clean(line).encode() + b"\n"
        if self._bytes + len(data) > QUEUE:
            self.left_out += 1
            return
        if self.left_out:
            data = f"… {self.left_out} lines left out, nobody was reading\n".encode() + data
            self.left_out = 0
        self._queue.append(data)
        self._bytes += len(data)
        self.write()

    @property
    def waiting(self) -> bool:
        return bool(self._queue)

    def write(self) -> None:
        """Write what the terminal takes at the moment."""
        while self._queue and select.select([], [self.descriptor], [], 0)[1]:
            data = self._queue.popleft()
            try:
                written = os.write(self.descriptor, data[:PIECE])
            except BlockingIOError:
                written = 0
            except OSError:  # the reader is gone; the site goes on
                written = len(data)
            self._bytes -= written
            if written < len(data):
                self._queue.appendleft(data[written:])
            if not written:
                return

    def flush(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while self._queue and (left := end - time.monotonic()) > 0:
            select.select([], [self.descriptor], [], left)
            self.write()
