"""C42: whatever process is killed, and however often, an accepted job ends once, with all that it brings about."""

import base64
import http.client
import json
import os
import random
import re
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import jpeg
from tests.site import Site, end, eventually, free_port, processes_of
from tests.test_recovery import token_of

FULL = os.environ.get("FULL") == "1"
JOBS, KILLS = (1000, 40) if FULL else (40, 4)
EVERY = 5.0 if FULL else 3.0  # seconds from one kill to the next
RESTART = 2.0  # seconds, as RestartSec= of deploy/systemd
FINAL = 60.0  # seconds after the last kill
CLIENTS = 8
STANDING = (
    "select slot, state, attempts, start_after is not null, count(*) from generation_generation "
    "where finished_at is null group by 1, 2, 3, 4"
)
SEED = int(os.environ.get("STORM_SEED") or time.time())
# In the reduced form each of these dies once; in the full one, any of all.
OFTEN = ["worker-1", "web-1", "valkey", "up"]
ALL = ["worker-1", "worker-2", "web-1", "web-2", "relay", "beat", "valkey", "up"]

TOML = """
[providers.behind]
kind = "openai"
base_url = "http://127.0.0.1:{port}/v1"
max_parallel = 8
[deadlines]
image = 900
text = 900
[models.image.turbo]
from = [{{ provider = "behind", model = "m" }}]
[models.text.openai]
from = [{{ provider = "behind", model = "m" }}]
"""


class Behind(BaseHTTPRequestHandler):
    """An upstream that takes two seconds for a picture or an answer, and a feed on which nothing happens."""

    protocol_version = "HTTP/1.1"
    asked: Counter[str] = Counter()

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        prompt = body["prompt"] if "prompt" in body else body["messages"][-1]["content"]
        self.asked[prompt] += 1
        time.sleep(2)
        if "prompt" in body:
            number = int(prompt.rpartition(" ")[2])
            picture = jpeg(64, 64, f"#{number * 97 % 0xFFFFFF:06x}")
            said: dict[str, Any] = {"created": 1, "data": [{"b64_json": base64.b64encode(picture).decode()}]}
        else:
            message = {"role": "assistant", "content": f"an answer to {prompt}"}
            said = {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "usage": {}}
            said["choices"] = [{"index": 0, "message": message, "finish_reason": "stop"}]
        data = json.dumps(said).encode()
        try:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except OSError:
            pass  # its asker was killed

    def do_GET(self) -> None:
        try:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            while True:
                self.wfile.write(b": quiet\n\n")
                time.sleep(1)
        except OSError:
            pass

    def log_message(self, *arguments: Any) -> None: ...


@contextmanager
def upstream() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Behind)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


class Unit:
    """An installation as a service that is started again when it ends, on the same home and port."""

    def __init__(self, home: Path, feed: str) -> None:
        self.home, self.port = home, free_port()
        self.arguments = ("--port", str(self.port), "--web", "2", "--workers", "2", "--follow", feed)
        self.environment = {"POLLWEB_FETCH_ALLOW": feed.split("/")[2]}
        self.site = self._begun()
        self.starts = 1
        self.stopped = threading.Event()
        self.keeper = threading.Thread(target=self._keep, daemon=True)
        self.keeper.start()

    def _begun(self) -> Site:
        return Site(self.home, *self.arguments, **self.environment)

    def _keep(self) -> None:
        while not self.stopped.wait(0.1):
            if self.site.process.poll() is not None and not self.stopped.wait(RESTART):
                self.site = self._begun()
                self.starts += 1

    def stop(self) -> None:
        self.stopped.set()
        self.keeper.join()
        end(self.site)

    def pid(self, name: str) -> int | None:
        """Of a process that runs at this moment. None while the whole is away: nothing is killed as it starts."""
        try:
            pids = self.site.run["pids"]
        except (OSError, ValueError):
            return None
        running = processes_of(self.home)
        return pids.get(name) if {self.site.process.pid, pids.get(name)} <= set(running) else None

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(
            sqlite3.connect(f"file:{self.home / 'pollweb.sqlite3'}?mode=ro", uri=True, timeout=5)
        ) as connection:
            return connection.execute(query).fetchall()

    def count(self, query: str) -> int:
        return int(self.rows(query)[0][0])


class Client:
    """Asks for jobs over HTTP, and asks again under the same key when it got no answer."""

    def __init__(self, port: int) -> None:
        self.port, self.token = port, ""
        self.until = time.monotonic() + KILLS * EVERY + 3 * FINAL  # nobody asks for ever
        self.again: Counter[str] = Counter()
        self.jobs: dict[int, set[str]] = {}

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            data = None if body is None else json.dumps(body).encode()
            own = {"Host": f"localhost:{self.port}", "Authorization": f"Bearer {self.token}", **headers}
            connection.request(method, path, data, own)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def ask(self, number: int) -> None:
        """Until the job is accepted. A seed of -1 draws another each time: only the key says that it is the same."""
        wish = f"storm {number}"
        kind = number % 3
        if kind == 2:
            path, body = "/v1/chat/completions", {"model": "openai", "messages": [{"role": "user", "content": wish}]}
        else:
            path = f"/image/prompt/{wish.replace(' ', '%20')}"
            body = {"model": ("flux", "turbo")[kind], "width": 64, "height": 64, "seed": -1}
        headers = {"Prefer": "respond-async", "Idempotency-Key": f"storm-{number}", "Content-Type": "application/json"}
        while time.monotonic() < self.until:
            try:
                status, data = self.request("POST", path, body, **headers)
            except (OSError, http.client.HTTPException) as error:
                self.again[type(error).__name__] += 1
            else:
                if status in (200, 202):
                    self.jobs.setdefault(number, set()).add(json.loads(data)["id"])
                    return
                assert status in (409, 429, 503), (status, data)
                self.again[str(status)] += 1
            time.sleep(0.2)
        raise AssertionError(f"{wish} was not accepted: {dict(self.again)}")


class Listener:
    """Hears a feed, and comes back to where it was when the feed ends."""

    def __init__(self, port: int, path: str) -> None:
        self.port, self.path = port, path
        self.heard: Counter[str] = Counter()
        self.gaps = self.returned = 0
        self.last = ""
        self.stopped = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while not self.stopped.is_set():
            try:
                self._once()
            except (OSError, http.client.HTTPException):
                pass
            self.returned += 1
            self.stopped.wait(0.3)

    def _once(self) -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            connection.request("GET", f"{self.path}?last_event_id={self.last}")
            response = connection.getresponse()
            while line := response.readline():
                if line.startswith(b"id: "):
                    self.last = line[4:].decode().strip()
                elif line.startswith(b"event: gap"):
                    self.gaps += 1
                elif found := re.search(rb'"storm \d+"', line):
                    self.heard[found[0].decode().strip('"')] += 1


@pytest.mark.slow
@pytest.mark.hold
@pytest.mark.timeout(900 if FULL else 240)
def test_no_job_is_lost_or_doubled_while_processes_are_killed(tmp_path: Path, record_property: Any) -> None:
    chance = random.Random(SEED)
    home = tmp_path / "home"
    home.mkdir()
    with upstream() as port:
        (home / "pollweb.toml").write_text(TOML.format(port=port))
        unit = Unit(home, f"http://127.0.0.1:{port}/feed")
        client = Client(unit.port)
        try:
            unit.site.ready()
            client.token = token_of(unit.site)
            listeners = [Listener(unit.port, "/image/feed"), Listener(unit.port, "/text/feed")]
            killed, last = storm(unit, client, chance)
            figures = after_the_storm(unit, client, listeners, last)
            again = dict(client.again)
            record_property(
                "figures",
                f"{JOBS} jobs, killed {dict(killed)}, seed {SEED}; asked again {again}; {figures}",
            )
        finally:
            client.until = 0.0
            unit.stop()


def storm(unit: Unit, client: Client, chance: random.Random) -> tuple[Counter[str], float]:
    """Jobs arrive evenly while processes are killed; what was killed, and when the last was."""
    killed: Counter[str] = Counter()
    targets = [] if FULL else chance.sample(OFTEN, KILLS)
    began = last = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as threads:
        asked = []
        while len(asked) < JOBS or killed.total() < KILLS:
            now = time.monotonic() - began
            if len(asked) < JOBS * now / ((KILLS + 1) * EVERY):
                asked += [threads.submit(client.ask, n) for n in range(len(asked), min(JOBS, len(asked) + 5))]
            if killed.total() < KILLS and time.monotonic() >= last + EVERY:
                name = targets[killed.total()] if targets else chance.choice(ALL)
                if pid := unit.pid(name):
                    os.kill(pid, signal.SIGKILL)
                    killed[name] += 1
                    last = time.monotonic()
            time.sleep(0.1)
        while not all(one.done() for one in asked):
            assert time.monotonic() < last + FINAL, f"not accepted: {sum(not one.done() for one in asked)}"
            time.sleep(0.1)
        for one in asked:
            one.result()
    return killed, last


def after_the_storm(unit: Unit, client: Client, listeners: list[Listener], last: float) -> str:
    active = "select count(*) from generation_generation where state in ('queued', 'running')"
    while left := unit.count(active):
        assert time.monotonic() < last + FINAL, f"{left} jobs are not final, seed {SEED}: {unit.rows(STANDING)}"
        time.sleep(0.1)
    took = max(0.0, time.monotonic() - last)
    assert unit.rows("select state, count(*) from generation_generation group by state") == [("succeeded", JOBS)]
    ids = {id for (id,) in unit.rows("select public_id from generation_generation")}
    # Asked again under its key, each leads to the job that was accepted then.
    for number in range(0, JOBS, max(1, JOBS // 50)):
        client.ask(number)
    assert {number: len(known) for number, known in client.jobs.items()} == dict.fromkeys(range(JOBS), 1)
    assert {id for known in client.jobs.values() for id in known} == ids
    assert unit.count("select count(*) from generation_generation") == JOBS
    # Counted, stored and announced once.
    assert unit.rows("select sum(succeeded), sum(failed) from accounts_usagehour") == [(JOBS, 0)]
    for id in ids:
        status, data = client.request("GET", f"/v1/jobs/{id}/result")
        assert (status, bool(data)) == (200, True)
    told = "select count(*), count(distinct event_id), count(published_at) from feeds_outbox"
    assert eventually(lambda: unit.rows(told) == [(JOBS, JOBS, JOBS)], 20), unit.rows(told)
    assert eventually(lambda: sum(len(listener.heard) for listener in listeners) == JOBS, 20)
    for listener in listeners:
        listener.stopped.set()
        assert set(listener.heard.values()) == {1}, [wish for wish, times in listener.heard.items() if times > 1]
        assert not listener.gaps
    (attempts,) = unit.rows("select max(attempts), sum(attempts > 1) from generation_generation")
    calls = Behind.asked
    return (
        f"all final {took:.1f} s after the last kill, {unit.starts} starts of the whole, {attempts[1] or 0} jobs made "
        f"again (at most {attempts[0]} attempts), {calls.total() - len(calls)} calls repeated, "
        f"feeds joined again {sum(listener.returned for listener in listeners)} times"
    )
