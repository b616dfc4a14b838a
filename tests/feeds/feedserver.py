"""An upstream whose every word is scripted, on a real socket."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
PICTURE: dict[str, Any] = {
    "width": 1024,
    "height": 768,
    "seed": 42,
    "model": "flux",
    "imageURL": "https://image.example.org/prompt/boats?seed=42",
    "prompt": "three red boats",
    "status": "end_generating",
    "concurrentRequests": 3,
    "timingInfo": [{"step": "Image returned", "timestamp": 812}],
    "isChild": False,
    "isMature": False,
    "nsfw": False,
    "private": False,
    "token": None,
}


def picture(number: int = 0, **values: Any) -> dict[str, Any]:
    """An event as the guide's image server sends it."""
    return {**PICTURE, "seed": number, "prompt": f"boat {number}", **values}


def frame(said: dict[str, Any], id: str = "") -> bytes:
    return (f"id: {id}\n" if id else "").encode() + b"data: " + json.dumps(said).encode() + b"\n\n"


@dataclass
class FeedServer:
    """`script(server, number, write)` plays the connection of that number, counted from 0; it closes afterwards."""

    script: Callable[..., Awaitable[None]]
    url: str = ""
    requests: list[dict[str, str]] = field(default_factory=list)
    askers: list[str] = field(default_factory=list)  # the address of each
    open: int = 0
    most_open: int = 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
        self.requests.append({"": head[0], **headers})
        self.askers.append(writer.get_extra_info("peername")[0])
        self.open += 1
        self.most_open = max(self.most_open, self.open)

        async def write(data: bytes) -> None:
            writer.write(data)
            await writer.drain()

        playing = asyncio.ensure_future(self.script(self, len(self.requests) - 1, write))
        gone = asyncio.ensure_future(reader.read())
        try:
            await asyncio.wait([playing, gone], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (playing, gone):
                task.cancel()
            await asyncio.gather(playing, gone, return_exceptions=True)
            self.open -= 1
            writer.close()


@asynccontextmanager
async def serving(script: Callable[..., Awaitable[None]], host: str = "127.0.0.1") -> AsyncIterator[FeedServer]:
    feed = FeedServer(script)
    server = await asyncio.start_server(feed._serve, host, 0)
    feed.url = f"http://{host}:{server.sockets[0].getsockname()[1]}/feed"
    try:
        yield feed
    finally:
        server.close()
        server.close_clients()
        await server.wait_closed()
