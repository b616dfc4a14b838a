"""An upstream's answer, read within limits: the whole of it, or event by event."""

import asyncio
import codecs
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

import httpx
from httpx_sse._decoders import SSEDecoder, SSELineDecoder

from generation.errors import ProviderError, ProviderTimeout
from generation.providers.upstream.faults import garbled, translated

EVENT_BYTES = 2**20
STREAM_BYTES = 8 * 2**20


@asynccontextmanager
async def within(provider: str, seconds: float, deadline: float) -> AsyncIterator[None]:
    """At most `seconds`, and not past `deadline`, by our own clock. Never around a `yield` to the caller."""
    left = deadline - time.monotonic()
    try:
        async with asyncio.timeout(max(0.0, min(seconds, left))) as clock:
            yield
    except TimeoutError:
        if not clock.expired():
            raise
        details = {"provider": provider}
        if left <= seconds:
            raise ProviderTimeout("The provider did not answer before the deadline.", details=details) from None
        raise ProviderTimeout("The provider fell silent. Try again.", code="provider_silent", details=details) from None


class Answer:
    """A response of success whose body is still to be read."""

    def __init__(self, provider: str, response: httpx.Response, *, idle: float, deadline: float) -> None:
        self.provider = provider
        self.response = response
        self.idle = idle
        self.deadline = deadline

    @property
    def media_type(self) -> str:
        return self.response.headers.get("content-type", "").partition(";")[0].strip().lower()

    async def chunks(self, limit: int) -> AsyncGenerator[bytes]:
        """The body as it comes. ProviderError when it is larger than `limit` bytes, breaks off or is compressed."""
        if self.response.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
            # We asked for none; unpacking 300 KB may fill the memory.
            raise garbled(self.provider, "it is compressed")
        size = 0
        raw = aiter(self.response.aiter_raw())
        while True:
            with translated(self.provider):
                async with within(self.provider, self.idle, self.deadline):
                    chunk = await anext(raw, None)
            if chunk is None:
                return
            size += len(chunk)
            if size > limit:
                raise garbled(self.provider, f"it is larger than {limit} bytes")
            yield chunk

    async def whole(self, limit: int) -> bytes:
        """The whole body. ProviderError as in `chunks`, and when it is empty or shorter than announced."""
        body = b"".join([chunk async for chunk in self.chunks(limit)])
        announced = self.response.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) != len(body):
            raise ProviderError(
                "The provider broke off. Try again.", code="provider_broke_off", details={"provider": self.provider}
            )
        if not body:
            raise garbled(self.provider, "it is empty")
        return body

    async def events(self) -> AsyncGenerator[str]:
        """The data of each server-sent event. Lines end at CR, LF and CRLF only: JSON may hold U+2028."""
        text, lines, decoder = codecs.getincrementaldecoder("utf-8")("strict"), SSELineDecoder(), SSEDecoder()
        size = 0
        async with aclosing(self.chunks(STREAM_BYTES)) as chunks:
            async for chunk in chunks:
                size += len(chunk)
                try:
                    words = text.decode(chunk)
                except UnicodeDecodeError:
                    raise garbled(self.provider, "it is not UTF-8") from None
                for line in lines.decode(words) if words else ():
                    event = decoder.decode(line)
                    if event is not None and event.data:
                        self._check(len(event.data))
                        size = 0
                        yield event.data
                self._check(size)

    def _check(self, size: int) -> None:
        if size > EVENT_BYTES:
            raise garbled(self.provider, f"one event is larger than {EVENT_BYTES} bytes")
