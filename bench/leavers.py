"""Clients that leave in the middle of a stream: how soon the upstream hears of it, and what stays behind.

The upstream is here too: it speaks for ever, and notes when each of its connections ends.
"""

import asyncio
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

TOKENS_PER_SECOND = 20
NUMBER = re.compile(rb"number (\d+)\b")
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNK = b'data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,%b}]}\n\n'
TOKEN = CHUNK % b'"delta":{"content":" x"}'
END = CHUNK % b'"delta":{},"finish_reason":"stop"' + b"data: [DONE]\n\n"


class Endless:
    """An upstream whose answers have no end, but for those that ask for a `short` one."""

    def __init__(self) -> None:
        self.port = 0
        self.open = 0
        self.ended: dict[int, float] = {}  # number in the prompt → when its connection had ended

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        number = -1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: *(\d+)", head)
                body = await reader.readexactly(int(length[1]) if length else 0)
                found = NUMBER.search(body)
                number = int(found[1]) if found else -1
                writer.write(HEAD)
                if b"short" in body:
                    writer.write(_chunk(TOKEN) + _chunk(END) + b"0\r\n\r\n")
                    continue
                left = asyncio.ensure_future(reader.read(1))
                while not left.done():
                    writer.write(_chunk(TOKEN))
                    await asyncio.wait({left}, timeout=1 / TOKENS_PER_SECOND)
                left.exception()  # a reset, mostly
                return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open -= 1
            if number >= 0:
                self.ended[number] = time.monotonic()
            writer.close()


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@contextmanager
def upstream() -> Iterator[Endless]:
    """In a thread and a loop of its own, on a loopback port."""
    made, ready, stop = Endless(), threading.Event(), asyncio.Event()

    async def run() -> None:
        nonlocal loop
        loop = asyncio.get_running_loop()
        server = await asyncio.start_server(made.serve, "127.0.0.1", 0, backlog=1024)
        made.port = server.sockets[0].getsockname()[1]
        ready.set()
        await stop.wait()
        server.close()

    loop: asyncio.AbstractEventLoop
    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    ready.wait(10)
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)


@dataclass
class Found:
    """Seconds from each client's leaving to the end of its upstream connection; what was left two seconds later."""

    seconds: list[float] = field(default_factory=list)
    still_open: int = 0
    unheard: int = 0  # never got a first word
    in_flight: int = -1
    worked: int = 0  # of 20 requests afterwards

    @property
    def p95(self) -> float:
        return sorted(self.seconds)[int(len(self.seconds) * 0.95)] if self.seconds else float("inf")


async def leave(port: int, made: Endless, *, count: int, model: str, token: str = "") -> Found:
    """`count` clients read the first word of a stream, then all leave within a second."""
    found, left_at = Found(), {}
    everybody = asyncio.Barrier(count)
    starting = asyncio.Semaphore(50)

    async def client(number: int) -> None:
        writer = None
        try:
            async with starting:
                reader, writer = await _asked(port, f"number {number} of {time.time_ns()}", model, token)
                async with asyncio.timeout(60):
                    await reader.readuntil(b"data: ")
        except (TimeoutError, ConnectionError, asyncio.IncompleteReadError):
            found.unheard += 1
        await everybody.wait()
        await asyncio.sleep(number / count)
        if writer is not None:
            left_at[number] = time.monotonic()
            writer.close()

    await asyncio.gather(*(client(number) for number in range(count)))
    await asyncio.sleep(2)
    found.seconds = [made.ended[n] - at for n, at in left_at.items() if n in made.ended]
    found.still_open = len(left_at) - len(found.seconds)
    found.in_flight = await _in_flight(port)
    for number in range(20):
        with suppress(TimeoutError, ConnectionError):
            reader, writer = await _asked(port, f"a short one, the {number}th of {time.time_ns()}", model, token)
            async with asyncio.timeout(20):
                found.worked += (await reader.read()).endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
            writer.close()
    return found


async def _asked(port: int, text: str, model: str, token: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    body = json.dumps({"model": model, "stream": True, "messages": [{"role": "user", "content": text}]}).encode()
    known = f"Authorization: Bearer {token}\r\n" if token else ""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"POST /openai HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nConnection: close\r\n"
        f"{known}Content-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    return reader, writer


async def _in_flight(port: int) -> int:
    """Requests that the server still has, the one that asks left out."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
    told = re.search(rb"pollweb_requests_in_flight ([\d.]+)", await reader.read())
    writer.close()
    return int(float(told[1])) - 1 if told else -1
