"""A scripted upstream: a real server on a loopback port that speaks OpenAI's and Pollinations' dialects, and fails as
it is told.

A test says what goes wrong with `upstream.faults = ["reset", ...]`, one word for each request in turn, or by
`fault:reset` in the prompt. What was asked is in `upstream.calls`; `upstream.open` counts the connections, and
`upstream.answering` those with an answer on its way; `upstream.plays` is a file of tests/wire that is the answer to
everything.
"""

import asyncio
import base64
import contextlib
import gzip
import io
import itertools
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from email.parser import BytesParser
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from PIL import Image

WIRE = Path(__file__).parent / "wire"


def picture(width: int = 64, height: int = 64, format: str = "JPEG", colour: str = "teal") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(file, format)
    return file.getvalue()


def sound(format: str = "mp3", seconds: float = 0.2) -> bytes:
    import numpy as np

    from generation import audio

    return audio.encode(np.sin(np.arange(int(audio.RATE * seconds)) / 10).astype(np.float32) * 0.3, format)


@dataclass
class Call:
    """One request as it arrived."""

    method: str
    path: str
    raw_path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: dict[str, Any]
    at: float = field(default_factory=time.monotonic)


class Hold(Exception):
    """End the connection without another word."""


class ScriptedUpstream:
    """Use as a context manager; the server has a thread and an event loop of its own."""

    def __init__(self) -> None:
        self.words = ["Hel", "lo ", "there"]
        self.faults: list[str] = []
        self.always = ""
        self.calls: list[Call] = []
        self.open = self.answering = 0
        self.pace = 0.0
        self.delay = 0.0  # seconds before each answer
        self.refuses: set[str] = set()
        self.elsewhere = ""
        self.plays: Path | None = None
        self.picture_size: tuple[int, int] | None = None
        self.chunks: list[Any] | None = None
        self.message: dict[str, Any] | None = None
        self.vectors: list[Any] = []
        self.lists: dict[str, Any] = {}
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scripted upstream", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "ScriptedUpstream":
        self._thread.start()
        self._ready.wait(5)
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def stop(self) -> None:
        """From now on nobody listens at its port."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(5)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._tasks: dict[asyncio.Task[Any], asyncio.StreamWriter] = {}
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        await asyncio.sleep(0.01)  # what was accepted just now becomes a connection first: a closed server leaks it
        server.close()
        for task, writer in self._tasks.items():
            writer.transport.abort()
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # a transport closes in the next round of its loop

    # --- HTTP/1.1, as little of it as is needed -----------------------------------------------------------------------

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._connection(reader, writer))
        self._tasks[task] = writer
        task.add_done_callback(lambda task: self._tasks.pop(task, None))

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            while call := await self._read(reader):
                self.answering += 1
                answering = asyncio.ensure_future(self._answer(call, writer))
                answering.add_done_callback(self._answered)
                # A client that leaves in the middle is noticed at once, as a real server notices it.
                leaving = asyncio.ensure_future(reader.read(1))
                await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
                if not answering.done():
                    answering.cancel()
                    await asyncio.gather(answering, leaving, return_exceptions=True)
                    return
                leaving.cancel()
                await asyncio.gather(leaving, return_exceptions=True)
                if not answering.result():
                    return
        except (ConnectionError, asyncio.IncompleteReadError, Hold):
            pass
        finally:
            self.open -= 1
            # What the other side will never read would keep the socket open for ever.
            (writer.transport.abort if writer.transport.get_write_buffer_size() else writer.close)()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def _answered(self, _: asyncio.Future[bool]) -> None:
        self.answering -= 1

    async def _read(self, reader: asyncio.StreamReader) -> Call | None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        method, target, _ = head[0].split(" ")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
        data = await reader.readexactly(int(headers.get("content-length", 0)))
        parts = urlsplit(target)
        query = {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
        body = form_of(headers, data) if "multipart" in headers.get("content-type", "") else json.loads(data or b"{}")
        call = Call(method, unquote(parts.path), parts.path, query, headers, body)
        self.calls.append(call)
        return call

    async def _answer(self, call: Call, writer: asyncio.StreamWriter) -> bool:
        """True when the connection may be used again."""
        fault = self._fault(call)
        if fault and not await self._fail(fault, call, writer):
            return False
        if fault and fault.split("=")[0] in WHOLE_FAULTS:
            return True
        await asyncio.sleep(self.delay)
        status, media_type, body = self._make(call)
        if isinstance(body, bytes):
            await send(writer, status, {"content-type": media_type, "content-length": str(len(body))}, body)
            return True
        await send(writer, status, {"content-type": media_type, "transfer-encoding": "chunked"})
        async for part in self._flowing(body, fault):
            await send_chunk(writer, part)
        if fault == "cut":
            abort(writer)
            return False
        if fault == "linger":
            await asyncio.sleep(3600)
        await send_chunk(writer, b"")
        return True

    async def _flowing(self, frames: list[bytes], fault: str) -> AsyncIterator[bytes]:
        """A stream's frames, as the faults of streams have them."""
        for number, frame in enumerate(frames):
            if fault in ("early", "cut") and number == 2:
                return  # two pieces, and neither finish_reason nor [DONE]
            if fault == "error_later" and number == 2:
                yield sse({"error": {"message": "sk-secret12345678 exploded", "type": "server_error", "code": 500}})
                return
            if fault == "garbage_later" and number == 2:
                yield b'data: {"choices": [{"delta"\n\n'
                return
            if fault == "stall_later" and number == 2:
                await asyncio.sleep(3600)
            if fault == "no_done" and frame == DONE:
                return
            if fault == "torn":  # byte by byte, with CR line ends
                for byte in frame.replace(b"\n", b"\r\n"):
                    yield bytes([byte])
                continue
            yield frame
            if self.pace:
                await asyncio.sleep(self.pace)

    # --- faults -------------------------------------------------------------------------------------------------------

    def _fault(self, call: Call) -> str:
        said = json.dumps(call.body, default=str) + call.path
        if "fault:" in said:
            return said.partition("fault:")[2].split('"')[0].split()[0].split("\\")[0]
        if self.faults:
            return self.faults.pop(0)
        return self.always

    async def _fail(self, fault: str, call: Call, writer: asyncio.StreamWriter) -> bool:
        """Do the fault; False when the connection is over by it."""
        name, _, value = fault.partition("=")
        streamed = bool(call.body.get("stream"))
        usual = usual_type(call)
        match name:
            case "stall":
                await asyncio.sleep(3600)
            case "drop":
                abort(writer)
                return False
            case "drip":
                await send(writer, 200, {"content-type": usual, "content-length": "100000"})
                while True:
                    writer.write(b" " if not streamed else b":")
                    await writer.drain()
                    await asyncio.sleep(0.05)
            case "reset":
                await send(writer, 200, {"content-type": usual, "content-length": "1000"}, b'{"choices": [')
                await asyncio.sleep(0.02)
                abort(writer)
                return False
            case "lie":  # fewer bytes than announced, then an orderly end
                await send(writer, 200, {"content-type": usual, "content-length": "1000"}, b'{"choices": []}')
                return False
            case "html":
                page = b"<html><body>Welcome to nginx!</body></html>"
                await send(writer, 200, {"content-type": "text/html", "content-length": str(len(page))}, page)
            case "empty":
                await send(writer, 200, {"content-type": usual, "content-length": "0"})
            case "garbage":
                page = b"data: {{{{ nothing\n\ndata: [DONE]\n\n" if streamed else b'{"choices": ['
                await send(writer, 200, {"content-type": usual, "content-length": str(len(page))}, page)
            case "latin1":
                frame = sse(chunk("caf\xe9")).replace(b"caf\\u00e9", b"caf\xe9") if streamed else b'{"x": "caf\xe9"}'
                await send(writer, 200, {"content-type": usual, "content-length": str(len(frame))}, frame)
            case "error_frame":
                frame = sse({"error": {"message": "Overloaded, sk-secret12345678", "code": int(value or 500)}})
                await send(writer, 200, {"content-type": usual, "content-length": str(len(frame))}, frame)
            case "status":
                status, _, after = value.partition("/")
                text = json.dumps({"error": {"message": "no: Bearer abcdef123 at http://10.0.0.1/x", "code": "x"}})
                more = {"retry-after": after} if after else {}
                body = text.encode()
                head = {"content-type": "application/json", "content-length": str(len(body)), **more}
                await send(writer, int(status), head, body)
            case "shout":  # a refusal that does not end
                await send(writer, int(value), {"content-type": "text/plain", "transfer-encoding": "chunked"})
                while True:
                    await send_chunk(writer, b"no! " * 16_384)
            case "mumble":  # one that hardly begins
                await send(writer, int(value), {"content-type": "text/plain", "content-length": "1000"}, b"no")
                await asyncio.sleep(3600)
            case "refused_content":
                body = b'{"error": {"message": "blocked", "code": "content_policy_violation"}}'
                await send(writer, 400, {"content-length": str(len(body))}, body)
            case "redirect":
                await send(writer, 302, {"location": "http://127.0.0.1:9/", "content-length": "0"})
            case "flood":
                await send(writer, 200, {"content-type": usual, "transfer-encoding": "chunked"})
                for _ in range(int(value or 500)):  # MiB, unless somebody stops listening
                    await send_chunk(writer, b"x" * 2**20)
            case "bomb":
                body = bomb(int(value or 2))
                head = {"content-type": usual, "content-encoding": "gzip", "content-length": str(len(body))}
                await send(writer, 200, head, body)
            case "truncated_jpeg":
                self._damaged = True
                status, media_type, made = self._make(call)
                assert isinstance(made, bytes)
                await send(writer, status, {"content-type": media_type, "content-length": str(len(made))}, made)
                self._damaged = False
        return True

    _damaged = False

    # --- answers ------------------------------------------------------------------------------------------------------

    def _make(self, call: Call) -> tuple[int, str, bytes | list[bytes]]:
        if self.plays is not None:
            return (
                200,
                "text/event-stream" if self.plays.suffix == ".sse" else "application/json",
                self.plays.read_bytes(),
            )
        for name in sorted(self.refuses & set(call.body)):
            said = {"error": {"message": f"Unknown parameter: '{name}'.", "type": "invalid_request_error"}}
            return 400, "application/json", json.dumps(said).encode()
        match call.method, call.path:
            case "POST", "/v1/chat/completions" | "/openai":
                return self._chat(call)
            case "POST", "/v1/audio/transcriptions":
                said = {"text": " Good morning.", "language": "english", "duration": 1.5, "segments": []}
                return 200, "application/json", json.dumps(said).encode()
            case "GET", path if path.endswith("/models"):
                return 200, "application/json", json.dumps(self.lists.get(path, [])).encode()
            case "POST", "/v1/embeddings":
                texts = call.body["input"]
                data = [{"index": n, "embedding": [float(n), 0.5, -1.0]} for n in reversed(range(len(texts)))]
                said = {"object": "list", "data": self.vectors or data, "usage": {"prompt_tokens": 2 * len(texts)}}
                return 200, "application/json", json.dumps(said).encode()
            case "POST", "/v1/images/generations" | "/v1/images/edits":
                width, height = self.picture_size or sides(call.body.get("size", "1024x1024"))
                data = self._picture(width, height)
                if call.body.get("response_format") == "b64_json":
                    item = {"b64_json": base64.b64encode(data).decode()}
                else:
                    item = {"url": f"{self.elsewhere or self.url}/files/{width}x{height}.jpg"}
                return 200, "application/json", json.dumps({"created": 1, "data": [item]}).encode()
            case "GET", path if path.startswith("/files/"):
                return 200, "image/jpeg", self._picture(*sides(path.rpartition("/")[2].removesuffix(".jpg")))
            case "POST", "/v1/audio/speech":
                format = call.body.get("response_format", "mp3")
                return 200, "audio/mpeg", sound(format)
            case "GET", path if path.startswith("/prompt/"):
                size = int(call.query.get("width", 1024)), int(call.query.get("height", 1024))
                return 200, "image/jpeg", self._picture(*(self.picture_size or size))
            case "GET", _ if call.query.get("model") == "openai-audio":
                return 200, "audio/mpeg", sound()
            case "POST", "/":
                return 200, "audio/mpeg", sound()
        return 404, "application/json", b'{"error": "there is nothing here"}'

    def _picture(self, width: int, height: int) -> bytes:
        data = picture(width, height)
        return data[: len(data) // 2] if self._damaged else data

    def _chat(self, call: Call) -> tuple[int, str, bytes | list[bytes]]:
        if call.body.get("stream"):
            if self.chunks is not None:
                frames = [sse(one) for one in self.chunks] + [DONE]
            else:
                frames = [sse(chunk("", role="assistant")), *(sse(chunk(word)) for word in self.words)]
                frames.append(sse(chunk("", finish="stop")))
                if (call.body.get("stream_options") or {}).get("include_usage"):
                    frames.append(sse({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 3}}))
                frames.append(DONE)
            return 200, "text/event-stream; charset=utf-8", frames
        message = self.message or {"role": "assistant", "content": "".join(self.words)}
        whole = {
            "id": "x",
            "object": "chat.completion",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8},
        }
        return 200, "application/json", json.dumps(whole).encode()


# After these the answer has been given; the other faults change the usual answer on its way.
WHOLE_FAULTS = frozenset(
    {"html", "empty", "garbage", "latin1", "error_frame", "status", "refused_content", "redirect", "flood", "bomb"}
    | {"truncated_jpeg"}
)
DONE = b"data: [DONE]\n\n"
_ids = itertools.count()


@cache
def bomb(mib: int) -> bytes:
    """So many MiB of nothing, compressed a thousand times."""
    file = io.BytesIO()
    with gzip.GzipFile(fileobj=file, mode="wb") as packed:
        for _ in range(mib):
            packed.write(bytes(2**20))
    return file.getvalue()


def form_of(headers: dict[str, str], data: bytes) -> dict[str, Any]:
    """A multipart form: texts, and files as (name, bytes)."""
    whole = BytesParser().parsebytes(f"Content-Type: {headers['content-type']}\r\n\r\n".encode() + data)
    form: dict[str, Any] = {}
    for part in whole.get_payload():
        name = part.get_param("name", header="content-disposition")
        value = part.get_payload(decode=True)
        form[name] = (part.get_filename(), value) if part.get_filename() else value.decode()
    return form


def usual_type(call: Call) -> str:
    """What an answer would be, if all went well."""
    if call.path.startswith(("/prompt/", "/files/")):
        return "image/jpeg"
    if call.method == "GET" or call.path in ("/", "/v1/audio/speech"):
        return "audio/mpeg"
    return "text/event-stream" if call.body.get("stream") else "application/json"


def sides(size: str) -> tuple[int, int]:
    width, _, height = size.partition("x")
    return int(width), int(height)


def chunk(content: str, *, role: str = "", finish: str | None = None) -> dict[str, Any]:
    delta = {**({"role": role} if role else {}), **({"content": content} if content or role else {})}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": f"c{next(_ids)}", "object": "chat.completion.chunk", "choices": [choice]}


def sse(payload: Any) -> bytes:
    return f"data: {json.dumps(payload)}\n\n".encode()


async def send(writer: asyncio.StreamWriter, status: int, headers: dict[str, str], body: bytes = b"") -> None:
    head = f"HTTP/1.1 {status} X\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n"
    writer.write(head.encode("latin-1") + body)
    await writer.drain()


async def send_chunk(writer: asyncio.StreamWriter, part: bytes) -> None:
    writer.write(b"%x\r\n%s\r\n" % (len(part), part))
    await writer.drain()


def abort(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


def serving() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as upstream:
        yield upstream
