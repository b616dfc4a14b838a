"""One connection to a feed, bounded in time and bytes, read as server-sent events (WHATWG HTML, section 9.2)."""

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport
from httpx_sse import ServerSentEvent
from httpx_sse._decoders import SSEDecoder

MOST_BYTES = 64 * 1024
CONNECT_SECONDS = 10.0
LONGEST_WAIT = 600.0  # that a Retry-After may ask for
ID = re.compile(r"[\x21-\x7e]{1,200}")


class Away(Exception):
    """No connection, or one that ended in disorder. `wait`: the seconds that the other side asks for, or 0."""

    def __init__(self, why: str, wait: float = 0.0) -> None:
        super().__init__(why)
        self.wait = wait


def client() -> httpx.AsyncClient:
    """Of the running event loop. No cookies, no redirects, nothing from the environment."""
    certificates = httpx.create_ssl_context(trust_env=False)

    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(ssl=certificates, force_close=True)
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)

    return httpx.AsyncClient(
        transport=AiohttpTransport(verify=certificates, trust_env=False, client=session),
        headers={"User-Agent": "pollweb", "Accept": "text/event-stream", "Accept-Encoding": "identity"},
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(None, connect=CONNECT_SECONDS, pool=CONNECT_SECONDS),
    )


async def connect(client: httpx.AsyncClient, url: str, last_id: str, idle: float) -> httpx.Response:
    """An open feed; whoever asks for it closes it. `idle` is the time to wait for its headers, which some servers send
    with their first event only. Away when there is none."""
    # A feed of pollweb numbers its events for those who say that they resume, be it from nowhere.
    address = httpx.URL(url).copy_merge_params({"last_event_id": ""})
    request = client.build_request("GET", address, headers={"Last-Event-ID": last_id} if last_id else None)
    try:
        async with asyncio.timeout(idle):
            response = await client.send(request, stream=True)
    except (httpx.HTTPError, aiohttp.ClientError, OSError) as exc:
        raise Away(f"no connection ({type(exc).__name__})") from exc
    why = _refusal(response)
    if why:
        asked = response.headers.get("retry-after", "")
        wait = min(float(asked), LONGEST_WAIT) if asked.isascii() and asked.isdigit() else 0.0
        await response.aclose()
        raise Away(why, wait)
    return response


async def events(response: httpx.Response, last_id: str, idle: float) -> AsyncGenerator[ServerSentEvent | None]:
    """Each event; None for one of more than 64 KiB. Ends when the other side does; Away after `idle` silent seconds."""
    reader = Reader(last_id)
    chunks = response.aiter_raw()
    while True:
        try:
            async with asyncio.timeout(idle):
                chunk = await anext(chunks, None)
        except TimeoutError as exc:
            raise Away(f"silent for {idle:g} s") from exc
        except (httpx.HTTPError, aiohttp.ClientError, OSError) as exc:
            raise Away(f"broken off ({type(exc).__name__})") from exc
        if chunk is None:
            return
        for event in reader.read(chunk):
            yield event


def _refusal(response: httpx.Response) -> str:
    if response.status_code != 200:
        return f"answers {response.status_code}"
    if response.headers.get("content-type", "").partition(";")[0].strip().lower() != "text/event-stream":
        return "answers 200, but with no event stream"
    if response.headers.get("content-encoding", "identity") != "identity":
        return "answers in an encoding that was not asked for"
    return ""


class Reader:
    """Bytes in, events out. Never holds more than one event of 64 KiB, however long a line or an event gets."""

    def __init__(self, last_id: str) -> None:
        self._rest = b""
        self._size = 0
        self._too_long = False
        self._begin(last_id)

    def _begin(self, last_id: str) -> None:
        self._last_id = last_id
        self._decoder = SSEDecoder()
        self._decoder.decode(f"id:{last_id}")

    def read(self, chunk: bytes) -> Iterator[ServerSentEvent | None]:
        data = self._rest + chunk
        half = data.endswith(b"\r")  # perhaps of CR LF
        lines = data[: len(data) - half].replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest = lines.pop() + b"\r" * half
        for line in lines:
            if line:
                self._add(line)
                continue
            if self._too_long:
                self._begin(self._last_id)
                yield None
            elif (event := self._decoder.decode("")) is not None:
                self._last_id = event.id
                if event.data:
                    yield event
            self._size, self._too_long = 0, False
        if len(self._rest) > MOST_BYTES:
            self._too_long = True
            self._rest = b":"  # what comes of this line is read as a comment

    def _add(self, line: bytes) -> None:
        if not line.startswith(b":"):
            self._size += len(line)
            self._too_long = self._too_long or self._size > MOST_BYTES
            if not self._too_long:
                self._decoder.decode(line.decode("utf-8", "replace"))
