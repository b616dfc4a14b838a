"""An upstream's answer, read within limits: the whole of it, or event by event."""

import time

from generation.errors import ProviderError, ProviderTimeout
from generation.providers.upstream.faults import RAISED, error_of, garbled
from generation.providers.upstream.transport import Reply

EVENT_BYTES = 2**20
STREAM_BYTES = 64 * 2**20  # on the wire, where each word has some 300 bytes around it; nobody keeps them


def silent(provider: str, *, at_deadline: bool) -> ProviderTimeout:
    """What is said when the time is up: ours for all of it, or the upstream's for its next word."""
    details = {"provider": provider}
    if at_deadline:
        return ProviderTimeout("The provider did not answer before the deadline.", details=details)
    return ProviderTimeout("The provider fell silent. Try again.", code="provider_silent", details=details)


class Answer:
    """A response of success whose body is still to be read."""

    def __init__(self, provider: str, reply: Reply, *, idle: float, deadline: float) -> None:
        self.provider = provider
        self.reply = reply
        self.idle = idle
        self.deadline = deadline
        self._size = 0
        self._packed = reply.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity")

    @property
    def media_type(self) -> str:
        return self.reply.headers.get("content-type", "").partition(";")[0].strip().lower()

    def hurry(self, seconds: float) -> None:
        """From now on it has so much time, in all and for each piece."""
        self.idle, self.deadline = seconds, min(self.deadline, time.monotonic() + seconds)

    async def read(self, limit: int) -> bytes:
        """What has come since; b"" at the end. ProviderError when the body is larger than `limit` bytes, breaks off or
        is compressed."""
        if self._packed:  # we asked for none; unpacking 300 KB may fill the memory
            raise garbled(self.provider, "it is compressed")
        left = self.deadline - time.monotonic()
        try:
            data = await self.reply.read(max(0.0, min(self.idle, left)))
        except TimeoutError:
            raise silent(self.provider, at_deadline=left <= self.idle) from None
        except RAISED as exc:
            raise error_of(self.provider, exc) from exc
        self._size += len(data)
        if self._size > limit:
            raise garbled(self.provider, f"it is larger than {limit} bytes")
        return data

    async def whole(self, limit: int) -> bytes:
        """The whole body. ProviderError as in `read`, and when it is empty or shorter than announced."""
        # One piece of memory that grows, and is given back at once when something is wrong: the traceback of an error
        # would hold it while the next source is asked.
        gathered = bytearray()
        try:
            while data := await self.read(limit):
                gathered += data
            body = bytes(gathered)
        finally:
            gathered.clear()
        announced = self.reply.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) != len(body):
            raise ProviderError(
                "The provider broke off. Try again.", code="provider_broke_off", details={"provider": self.provider}
            )
        if not body:
            raise garbled(self.provider, "it is empty")
        return body


class Events:
    """The events of a stream (WHATWG HTML, 9.2), from its bytes: the data of each, whatever pieces they come in.

    Lines end at CR, LF and CRLF only: JSON may hold U+2028. Names, ids and comments say nothing to us.
    """

    def __init__(self, provider: str) -> None:
        self.provider = provider
        self._rest = b""
        self._after_cr = self._began = False

    def feed(self, data: bytes) -> list[bytes]:
        """The data of the events that end in `data`. ProviderError for one that is too large."""
        if b"\r" in data or self._after_cr:
            data = self._with_line_feeds(data)
        if self._rest:
            data = self._rest + data
        if not self._began and data:
            if b"\xef\xbb\xbf".startswith(data[:3]) and len(data) < 3:
                self._rest = data
                return []
            self._began, data = True, data.removeprefix(b"\xef\xbb\xbf")
        *blocks, self._rest = data.split(b"\n\n")
        if len(self._rest) > EVENT_BYTES or any(len(block) > EVENT_BYTES for block in blocks):
            raise garbled(self.provider, f"one event is larger than {EVENT_BYTES} bytes")
        return [found for block in blocks if (found := _data_of(block))]

    def _with_line_feeds(self, data: bytes) -> bytes:
        if self._after_cr:
            data = data.removeprefix(b"\n")
        self._after_cr = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _data_of(block: bytes) -> bytes:
    if block.startswith(b"data: ") and b"\n" not in block:
        return block[6:]  # nearly always
    lines = (line.partition(b":") for line in block.split(b"\n"))
    return b"\n".join(value.removeprefix(b" ") for name, _, value in lines if name == b"data")
