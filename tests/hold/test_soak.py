"""C43: after half an hour of everything at once, with clients who leave in the middle, an installation is as it was.

The load comes twice: a warm-up for a sixth of the time, and the rest. After each everybody leaves, and what an
installation at rest holds is written down. What it holds the second time it holds for ever: nothing may have grown but
what is bounded, and nothing of anybody may have stayed.
"""

import asyncio
import json
import os
import random
import re
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis
from websockets.asyncio.client import connect

from tests.site import Site, end, eventually
from tests.test_recovery import token_of
from tests.upstream import ScriptedUpstream

FULL = os.environ.get("FULL") == "1"
SECONDS = 1800.0 if FULL else 72.0
CLIENTS = 16
LEAVE = 0.1  # of all requests
LONG = 60.0  # seconds that a client waits for its answer
# By so much a process may grow after the warm-up. A short run ends while what is kept of each thing for the first time
# still comes: caches, threads, their database connections.
GROWTH = 0.05 if FULL else None  # of its memory
GROWTH_MIB = 24.0
# The store's memory is what it is given to keep: the feed of the last hours, copies, figures. All of it is bounded by
# length or time, and little of that has passed after half an hour.
STORE_MIB = 48.0
# Each connection keeps so much of the database (pollweb.config.database); a new one is smaller for a while.
PAGES_MIB = 16.0
# Connections of one more thread or two, tasks that a process begins when they are first needed. One for each client who
# left would be some hundreds.
FILES, TASKS = 24, 4
SETTLING = 120.0 + SECONDS / 6  # seconds: the smaller forms of pictures are made when there is nothing better to do
SEED = int(os.environ.get("SOAK_SEED") or time.time())

TOML = """
[providers.behind]
kind = "openai"
base_url = "{url}/v1"
max_parallel = 16
[models.image.turbo]
from = [{{ provider = "behind", model = "m" }}]
[models.text.openai]
from = [{{ provider = "behind", model = "m" }}]
[tiers.anonymous]
interval = 0
concurrency = 2
[limits]
connections_per_address = 200
sockets_per_address = 100
streams_per_address = 100
# What is kept of everybody, full soon: later nothing comes to it, and whatever grows does not stop.
remembered_bytes = 524288
[feeds]
history = 1000
"""

PAGES = ("/", "/search?q=soak", "/live", "/chat", "/create", "/docs", "/about", "/status", "/models", "/feed.json")
FEEDS = ("/image/feed", "/text/feed", "/live/events")
# What is asked for: how often, and the seconds within which whoever leaves has left. An idle machine needs little more.
WANTED = {
    "page": (4, 0.05),
    "picture": (1, 0.2),
    "chat": (4, 0.02),
    "stream": (5, 0.4),
    "feed": (1, 1.0),
    "socket": (1, 1.0),
}


class Left(Exception):
    """The client did not wait for the end."""


@dataclass
class Crowd:
    """Clients who ask for one thing after the other; what they were answered, by kind and status."""

    port: int
    token: str
    until: float
    round: int
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    heard: Counter[str] = field(default_factory=Counter)  # bytes of feeds, frames of sockets

    async def come(self) -> None:
        await asyncio.gather(*(self._client(number) for number in range(CLIENTS)))

    async def _client(self, number: int) -> None:
        chance = random.Random(f"{SEED} {self.round} {number}")
        kinds, weights = list(WANTED), [often for often, _ in WANTED.values()]
        asked = 0
        while time.monotonic() < self.until:
            asked += 1
            (kind,) = chance.choices(kinds, weights)
            patience = chance.uniform(0, WANTED[kind][1]) if chance.random() < LEAVE else LONG
            wish = f"soak {self.round} {number} {asked}"
            try:
                await getattr(self, f"_{kind}")(wish, chance, patience)
            except Left:
                self.left[kind] += 1
            await asyncio.sleep(chance.uniform(0, 0.05))

    async def _page(self, wish: str, chance: random.Random, patience: float) -> None:
        await self._ask("page", "GET", chance.choice(PAGES), patience)

    async def _picture(self, wish: str, chance: random.Random, patience: float) -> None:
        path = f"/image/prompt/{wish.replace(' ', '%20')}?width={chance.randint(64, 128)}&height=64"
        await self._ask("picture", "GET", f"{path}&model={chance.choice(('flux', 'turbo'))}", patience, known=True)

    async def _chat(self, wish: str, chance: random.Random, patience: float) -> None:
        """Some of them by people without a token, who stand in one line."""
        await self._ask("chat", "POST", "/v1/chat/completions", patience, said(wish), known=chance.random() < 0.7)

    async def _stream(self, wish: str, chance: random.Random, patience: float) -> None:
        await self._ask("stream", "POST", "/openai", patience, said(wish, stream=True), known=True)

    async def _feed(self, wish: str, chance: random.Random, patience: float) -> None:
        """A feed has no end: everybody leaves it."""
        reader, writer = await self._sent("GET", chance.choice(FEEDS))
        try:
            async with asyncio.timeout(min(patience, chance.uniform(1, 3))):
                while data := await reader.read(65536):
                    self.heard["bytes of feeds"] += len(data)
        except TimeoutError:
            self.answers["feed", 200] += 1
        finally:
            writer.transport.abort()

    async def _socket(self, wish: str, chance: random.Random, patience: float) -> None:
        host = f"localhost:{self.port}"
        async with connect(f"ws://{host}/ws/wall", origin=f"http://{host}", open_timeout=LONG) as socket:  # type: ignore[arg-type]
            await socket.send('{"t":"sub"}')
            try:
                async with asyncio.timeout(min(patience, chance.uniform(1, 3))):
                    while True:
                        await socket.recv()
                        self.heard["frames of sockets"] += 1
            except TimeoutError:
                if patience < LONG:
                    socket.transport.abort()
                    raise Left from None
        self.answers["socket", 200] += 1

    async def _sent(
        self, method: str, path: str, body: bytes = b"", *, known: bool = False
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        token = f"Authorization: Bearer {self.token}\r\n" if known else ""
        writer.write(
            f"{method} {path} HTTP/1.1\r\nHost: localhost:{self.port}\r\nContent-Type: application/json\r\n"
            f"Connection: close\r\n{token}Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        return reader, writer

    async def _ask(
        self, kind: str, method: str, path: str, patience: float, body: bytes = b"", *, known: bool = False
    ) -> None:
        reader, writer = await self._sent(method, path, body, known=known)
        try:
            async with asyncio.timeout(patience):
                answer = await reader.read()
        except TimeoutError:
            # Half of them say goodbye, the others are gone.
            (writer.transport.abort if len(path) % 2 else writer.close)()
            if patience < LONG:
                raise Left from None
            raise
        writer.close()
        self.answers[kind, int(answer.split(b" ", 2)[1])] += 1
        if kind == "stream":
            assert answer.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n"), answer[-200:]


def said(wish: str, *, stream: bool = False) -> bytes:
    return json.dumps({"model": "openai", "stream": stream, "messages": [{"role": "user", "content": wish}]}).encode()


# --- what an installation holds ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rest:
    """What is there when nobody is: by process MiB of memory of its own and open files, and tasks of the web loops."""

    memory: dict[str, float]
    pages: dict[str, float]  # of that, what SQLite may keep of the database
    files: dict[str, int]
    tasks: int
    temporary: int

    @classmethod
    def of(cls, site: Site, folder: Path) -> "Rest":
        """The least of several looks: every second something small happens even now."""
        looks = []
        for _ in range(10):
            time.sleep(1)
            pids = site.run["pids"] | {"up": site.process.pid}
            looks.append(
                (
                    {name: memory(pid) for name, pid in pids.items()},
                    {name: pages(pid, site.home) for name, pid in pids.items()},
                    {name: len(open_files(pid)) for name, pid in pids.items()},
                    int(told(site, "pollweb_loop_tasks")),
                    len([*folder.rglob("*.part"), *(folder / "tmp").rglob("*")]),
                )
            )
        *by_process, tasks, temporary = zip(*looks, strict=True)
        memories, cached, files = ({name: min(one[name] for one in seen) for name in seen[0]} for seen in by_process)
        return cls(memories, cached, files, min(tasks), min(temporary))

    def outgrows(self, before: "Rest") -> list[str]:
        """What is more than it may be."""
        found = []
        for name, mib in before.memory.items():
            grown = max(0.0, self.pages[name] - before.pages[name])
            allowed = STORE_MIB if name == "valkey" else GROWTH_MIB if GROWTH is None else mib * GROWTH + grown
            if self.memory[name] > mib + allowed:
                found.append(f"memory of {name}")
            if self.files[name] > before.files[name] + FILES:
                found.append(f"open files of {name}")
        if self.tasks > before.tasks + TASKS:
            found.append("tasks")
        if self.temporary > before.temporary:
            found.append("temporary files")
        return found


def memory(pid: int) -> float:
    """MiB that the process has asked for and written to: neither files that it maps, nor what it shares with them."""
    kib = re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert kib
    return int(kib[1]) / 1024


def open_files(pid: int) -> list[str]:
    found = []
    for file in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.append(os.readlink(file))
        except OSError:
            pass  # closed meanwhile
    return found


def pages(pid: int, home: Path) -> float:
    """MiB of the database that its connections in this process may keep; each has the log open."""
    connections = sum(file.endswith("pollweb.sqlite3-wal") for file in open_files(pid))
    return connections * min(PAGES_MIB, (home / "pollweb.sqlite3").stat().st_size / 2**20)


def told(site: Site, gauge: str) -> float:
    found = re.search(rf"^{gauge} ([\d.e+]+)$", site.ask("/metrics").body.decode(), re.MULTILINE)
    assert found, gauge
    return float(found[1])


def under_way(site: Site, upstream: ScriptedUpstream) -> dict[str, int]:
    """What belongs to somebody, and is nobody's when all have left; only what is not 0."""
    with closing(sqlite3.connect(f"file:{site.home / 'pollweb.sqlite3'}?mode=ro", uri=True, timeout=5)) as database:
        active = "select count(*) from generation_generation where finished_at is null"
        untold = "select count(*) from feeds_outbox where published_at is null"
        counts = {"jobs": database.execute(active), "events": database.execute(untold)}
        found = {name: cursor.fetchone()[0] for name, cursor in counts.items()}
    found["calls"] = upstream.answering
    found["requests"] = int(told(site, "pollweb_requests_in_flight")) - 1  # the one that asks
    store: Any = redis.Redis(unix_socket_path=str(site.home / "run" / "valkey.sock"))
    with closing(store):
        now = time.time()
        # A place ends by itself where nobody could give it back; whoever is past its time is no more than a name.
        for part, least in (("running", now * 1000), ("expiry", now * 1000), ("order", 0)):
            places = [store.zcount(key, least, "+inf") for key in store.scan_iter(f"pollweb:line:*:{part}")]
            found[f"places ({part})"] = sum(places)
        waiters = [store.zcount(key, now, "+inf") for key in store.scan_iter("pollweb:job:*:waiters")]
        found["who wait for a job"] = sum(waiters)
        makers = [store.get(key) or b"{" for key in store.scan_iter("pollweb:made:*")]
        found["makers"] = sum(not maker.startswith(b"{") for maker in makers)
        found["messages"] = sum(store.llen(f"pollweb:celery:{name}") for name in ("engine", "remote", "light"))
        found["messages taken"] = store.hlen("pollweb:celery:unacked")
    return {name: count for name, count in found.items() if count}


@contextmanager
def installation() -> Iterator[tuple[Site, ScriptedUpstream, Path]]:
    # In a short folder: the store's socket lies in it.
    with tempfile.TemporaryDirectory(prefix="soak-") as name, ScriptedUpstream() as upstream:
        folder = Path(name)
        upstream.words, upstream.pace = [f"word{number} " for number in range(10)], 0.03
        for part in ("home", "tmp"):
            (folder / part).mkdir()
        (folder / "home" / "pollweb.toml").write_text(TOML.format(url=upstream.url))
        site = Site(folder / "home", "--port", "0", "--web", "2", "--workers", "1", TMPDIR=str(folder / "tmp"))
        try:
            yield site.ready(), upstream, folder
            site.stop()
        finally:
            end(site)


def soak(
    site: Site, upstream: ScriptedUpstream, folder: Path, token: str, seconds: float, number: int
) -> tuple[Crowd, Rest]:
    """A crowd for so many seconds, and what it leaves behind."""
    crowd = Crowd(site.run["port"], token, time.monotonic() + seconds, number)
    asyncio.run(crowd.come())
    assert eventually(lambda: not under_way(site, upstream), SETTLING), under_way(site, upstream)
    upstream.calls.clear()
    time.sleep(6)  # each process has written its figures
    return crowd, Rest.of(site, folder)


@pytest.mark.slow
@pytest.mark.hold
@pytest.mark.timeout(SECONDS + 2 * SETTLING + 120)
def test_after_everything_at_once_an_installation_is_as_it_was(record_property: Any) -> None:
    with installation() as (site, upstream, folder):
        pids = site.run["pids"]
        token = token_of(site)
        run = partial(soak, site, upstream, folder, token)
        first, before = run(SECONDS / 6, 1)
        crowd, after = run(SECONDS * 5 / 6, 2)
        assert site.run["pids"] == pids, "a process was started again"
    total, left = crowd.answers.total() + crowd.left.total(), crowd.left.total()
    grown = ", ".join(f"{name} {mib:.0f} → {after.memory[name]:.0f}" for name, mib in before.memory.items())
    record_property(
        "figures",
        f"{total} requests in {SECONDS * 5 / 6:.0f} s, after {first.answers.total()} in {SECONDS / 6:.0f} s; {left} "
        f"left in the middle; MiB: {grown}; open files {sum(before.files.values())} → {sum(after.files.values())}, "
        f"tasks {before.tasks} → {after.tasks}; seed {SEED}",
    )
    assert {kind for kind, status in crowd.answers if status == 200} == set(WANTED)
    assert {key for key in crowd.answers if key[1] != 200} <= {("chat", 429)}, crowd.answers
    assert left > total * LEAVE / 4
    assert set(crowd.heard) == {"bytes of feeds", "frames of sockets"}
    assert not after.outgrows(before), (before, after)
