"""An upstream that judges: it answers after a while, and remembers when each prompt came, from where, and how many ran
at once. It speaks OpenAI's chat completions and images."""

import base64
import json
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from itertools import pairwise
from typing import Any

from tests.upstream import picture


@dataclass
class Judge:
    seconds: float = 1.0
    starts: list[tuple[str, float]] = field(default_factory=list)
    askers: list[str] = field(default_factory=list)  # the address of each, in the same order
    fails: set[str] = field(default_factory=set)  # models that are answered 500
    running: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, prompt: str, asker: str) -> None:
        with self.lock:
            self.starts.append((prompt, time.monotonic()))
            self.askers.append(asker)
            self.running += 1
            self.most = max(self.most, self.running)

    def end(self) -> None:
        with self.lock:
            self.running -= 1

    def fresh(self, seconds: float) -> None:
        self.seconds, self.starts, self.askers, self.most = seconds, [], [], 0

    @property
    def gaps(self) -> list[float]:
        return [later - earlier for (_, earlier), (_, later) in pairwise(self.starts)]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        judge: Judge = self.server.judge  # type: ignore[attr-defined]
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        is_picture = self.path.endswith("/images/generations")
        judge.begin(body["prompt"] if is_picture else body["messages"][-1]["content"], self.client_address[0])
        fails = body["model"] in judge.fails
        if not fails:
            time.sleep(judge.seconds)
        judge.end()
        self._answer(500 if fails else 200, {"error": {}} if fails else _picture() if is_picture else _words())

    def _answer(self, status: int, said: dict[str, Any]) -> None:
        data = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        try:
            self.wfile.write(data)
        except OSError:
            pass  # its asker has left

    def log_message(self, *arguments: Any) -> None: ...


def _words() -> dict[str, Any]:
    message = {"role": "assistant", "content": "done"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": {}}


def _picture() -> dict[str, Any]:
    return {"created": 1, "data": [{"b64_json": base64.b64encode(picture()).decode()}]}


class _Server(socketserver.ThreadingTCPServer):
    """Not http.server's own, which looks up its host's name."""

    daemon_threads = allow_reuse_address = True
    request_queue_size = 200


@contextmanager
def serving(judge: Judge, host: str = "127.0.0.1") -> Iterator[str]:
    """Yields `host:port`."""
    with _Server((host, 0), _Handler) as server:
        server.judge = judge  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"{host}:{server.server_address[1]}"
        server.shutdown()
