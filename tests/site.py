"""A whole installation for tests that need one: `manage.py up` with real processes, on a home and a port of its own."""

import http.client
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DRAIN = 2
PATIENCE = 60.0  # seconds; an idle machine needs 3


def free_port() -> int:
    """A port that nobody listens at, for an address that must be known before its server starts."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Site:
    """One `manage.py up` on its own POLLWEB_HOME and a free port."""

    def __init__(self, home: Path, *arguments: str, root: Path = ROOT, **environment: str) -> None:
        """`root` is the checkout that it is started from."""
        self.home = home
        self.lines: list[str] = []
        self._new: queue.Queue[str | None] = queue.Queue()
        outer = {name: value for name, value in os.environ.items() if not name.startswith("POLLWEB_")}
        self.process = subprocess.Popen(
            [sys.executable, str(root / "manage.py"), "up", *(arguments or ("--port", "0"))],
            env={
                **outer,
                "DJANGO_SETTINGS_MODULE": "pollweb.settings",
                "POLLWEB_HOME": str(home),
                "POLLWEB_MODELS": "none",
                "POLLWEB_SERVER": os.environ.get("POLLWEB_SERVER", "uvicorn"),
                "POLLWEB_DRAIN_SECONDS": str(DRAIN),
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._new.put(line.rstrip("\n"))
        self._new.put(None)

    def line(self, begins: str) -> str:
        """Wait for a line that begins so."""
        end = time.monotonic() + PATIENCE
        while True:
            line = self._new.get(timeout=max(end - time.monotonic(), 0.001))
            if line is None:
                raise AssertionError(f"it ended without saying {begins!r}: {self.lines} {self.said_last()}")
            self.lines.append(line)
            if line.startswith(begins):
                return line

    def ready(self) -> "Site":
        self.address = self.line("pollweb is ready: ").rpartition(" ")[2]
        return self

    def said_last(self) -> str:
        assert self.process.stderr
        self.process.wait(PATIENCE)
        return self.process.stderr.read()

    @property
    def run(self) -> dict[str, Any]:
        return json.loads((self.home / "run.json").read_text())

    def ask(self, path: str = "/healthz", method: str = "GET", body: Any = None, **headers: str) -> Answer:
        """One request on a connection of its own; `body` is sent as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.run["port"], timeout=PATIENCE)
        data = None if body is None else json.dumps(body).encode()
        connection.request(method, path, data, {"Host": f"localhost:{self.run['port']}", **headers})
        response = connection.getresponse()
        answer = Answer(
            response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
        )
        connection.close()
        return answer

    def listen(self, path: str) -> http.client.HTTPResponse:
        """An answer that has begun and goes on; its first line has been read."""
        connection = http.client.HTTPConnection("127.0.0.1", self.run["port"], timeout=PATIENCE)
        connection.request("GET", path)
        response = connection.getresponse()
        assert response.readline()
        return response

    def stop(self, signum: int = signal.SIGTERM) -> int:
        self.process.send_signal(signum)
        return self.process.wait(PATIENCE)


def processes_of(home: Path) -> list[int]:
    """Whatever runs with this POLLWEB_HOME, found by its environment, or by its arguments where it hides that."""
    mark = b"POLLWEB_HOME=" + os.fsencode(home) + b"\0"
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environ, arguments = (folder / "environ").read_bytes() + b"\0", (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if mark in environ or (b"valkey-server" in arguments and os.fsencode(home) in arguments):
            found.append(int(folder.name))
    return found


def eventually(true: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def end(site: Site) -> None:
    if site.process.poll() is None:
        site.process.kill()
        site.process.wait()
