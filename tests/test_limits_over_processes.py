"""Limits hold exactly over four web processes: what an upstream behind them sees is the judge.

C35 and C36 of the reliability specification: starts, order and running requests of one token, the same for anonymous
callers by their address behind a trusted proxy.
"""

import http.client
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path

import pytest
import redis

from tests.judge import Judge, serving
from tests.site import ROOT, Answer, Site

pytestmark = [pytest.mark.slow, pytest.mark.hold, pytest.mark.timeout(180)]

CONFIG = """
[providers.behind]
kind = "openai"
base_url = "{url}/v1"
max_parallel = 200
[models.text.openai]
from = [{{ provider = "behind", model = "m" }}]
[limits]
connections_per_address = 2000
[tiers]
anonymous = {{ interval = 0.5, concurrency = 1, models = "basic" }}
seed = {{ interval = 0.5, concurrency = 1, models = "standard" }}
flower = {{ interval = 0.4, concurrency = 3, models = "advanced" }}
nectar = {{ interval = 0, concurrency = 4, models = "advanced" }}
"""


JUDGE = Judge()


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    # In a short folder: the store's socket lies in it.
    with tempfile.TemporaryDirectory(prefix="limits-") as name, serving(JUDGE) as behind:
        folder = Path(name)
        config = folder / "pollweb.toml"
        config.write_text(CONFIG.format(url=f"http://{behind}"))
        running = Site(
            folder / "home",
            "--port",
            "0",
            "--web",
            "4",
            POLLWEB_CONFIG=str(config),
            POLLWEB_TRUSTED_PROXIES="127.0.0.0/8",
            POLLWEB_FETCH_ALLOW=behind,
        ).ready()
        # The first answer of a process takes longer, and its start would reach the judge late.
        JUDGE.fresh(0.1)
        together(running, 24, [{"X-Forwarded-For": f"192.0.2.{n}"} for n in range(24)], apart=0.0)
        yield running
        running.stop()


def token_of(home: Path, team: str, tier: str) -> str:
    made = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "createtoken", "--team", team, "--tier", tier],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "pollweb.settings", "POLLWEB_HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    return made.stdout.strip()


def together(site: Site, clients: int, headers: list[dict[str, str]], *, apart: float) -> list[tuple[int, Answer]]:
    """So many clients, each beginning `apart` seconds after the one before.

    The first begins a little sooner: its start would reach the judge late, were all others read at the same time.
    """
    began = time.monotonic()

    def one(number: int) -> tuple[int, Answer]:
        time.sleep(max(0.0, began + number * apart + 0.1 * bool(number) - time.monotonic()))
        own = headers[number % len(headers)]
        return number, site.ask(f"/text/question%20{number}%20of%20{began}", **own)

    with ThreadPoolExecutor(min(clients, 60)) as threads:
        return list(threads.map(one, range(clients)))


@contextmanager
def granting(site: Site) -> Iterator[list[float]]:
    """With each start that it grants the line says before when there is no next one: by the clock of time.time()."""
    nexts: list[float] = []
    store: redis.Redis = redis.Redis(unix_socket_path=str(site.home / "run" / "valkey.sock"))

    def listen(monitor: redis.client.Monitor) -> None:
        with suppress(redis.RedisError, OSError, ValueError):  # until the connection is closed
            for said in monitor.listen():
                if told := re.match(r"HSET \S+:state next (\d+) last ", said["command"]):
                    nexts.append(int(told[1]) / 1000)

    with store.monitor() as monitor:
        listener = threading.Thread(target=listen, args=[monitor], daemon=True)
        listener.start()
        yield nexts
        time.sleep(0.2)
    store.close()


def judged(
    answers: list[tuple[int, Answer]], nexts: list[float], *, interval: float, concurrency: int
) -> tuple[int, int]:
    """How many were answered and how many refused; fails on what must not be."""
    statuses = [answer.status for _, answer in answers]
    assert set(statuses) <= {200, 429}, statuses
    for _, answer in answers:
        if answer.status == 429:
            assert int(answer.headers["retry-after"]) >= 1
            assert answer.json()["code"] == "queue_full"
    refused = statuses.count(429)
    print(f"gaps {min(JUDGE.gaps):.3f} to {max(JUDGE.gaps):.3f} s, at most {JUDGE.most} at once, {refused} refused")
    if interval:
        # On a busy machine a start that was granted in time can reach the judge late, and then too near to the next
        # one. So each is judged by when the one before it was granted.
        shift = time.time() - time.monotonic()
        begun = [at + shift for _, at in JUDGE.starts]
        assert len(nexts) == len(begun)
        assert all(later - earlier >= interval - 0.001 for earlier, later in pairwise(nexts)), nexts
        assert all(start >= opens - 0.001 for opens, start in zip(nexts[:-1], begun[1:], strict=True)), (nexts, begun)
    assert JUDGE.most <= concurrency
    order = [int(prompt.split()[1]) for prompt, _ in JUDGE.starts]
    places = {number: place for place, number in enumerate(sorted(order))}
    assert all(abs(places[number] - place) <= 1 for place, number in enumerate(order)), order
    return statuses.count(200), refused


@pytest.mark.parametrize(
    ("tier", "interval", "concurrency", "clients"),
    [("seed", 0.5, 1, 8), ("flower", 0.4, 3, 20), ("nectar", 0.0, 4, 24)],
)
def test_clients_of_one_token_share_its_limits(site, tier, interval, concurrency, clients):
    token = token_of(site.home, tier, tier)
    JUDGE.fresh(1.5)
    with granting(site) as nexts:
        answers = together(site, clients, [{"Authorization": f"Bearer {token}"}], apart=0.03)
    answered, refused = judged(answers, nexts, interval=interval, concurrency=concurrency)
    assert answered >= concurrency * 5
    assert refused >= 1
    assert answered <= concurrency * 5 + 3 * concurrency  # what became free while the last ones came
    waited = [float(a.headers["x-queue-wait"]) for _, a in answers if "x-queue-wait" in a.headers]
    assert len(waited) >= answered - concurrency


def test_forty_forged_addresses_before_a_proxy_s_own_are_one_caller(site):
    JUDGE.fresh(0.45)  # longer than it takes all forty to come: none of them finds a place that became free
    forged = [{"X-Forwarded-For": f"198.51.100.{n}, 203.0.113.9"} for n in range(40)]
    with granting(site) as nexts:
        answers = together(site, 40, forged, apart=0.005)
    answered, refused = judged(answers, nexts, interval=0.5, concurrency=1)
    assert (answered, refused) == (5, 35)


def test_a_thousand_addresses_of_one_network_are_one_caller(site):
    JUDGE.fresh(0.3)
    addresses = [{"X-Forwarded-For": f"2001:db8:1:2:{n:x}::{n:x}"} for n in range(1, 1001)]
    answers = together(site, 1000, addresses, apart=0.0)
    statuses = [answer.status for _, answer in answers]
    print(f"{statuses.count(200)} answered, {statuses.count(429)} refused, at most {JUDGE.most} at once")
    assert set(statuses) == {200, 429}
    assert JUDGE.most == 1
    # A thousand requests at once keep every core busy, and a start reaches the upstream late: the exact gap is judged
    # above. Callers that were told apart would start together.
    assert min(JUDGE.gaps) >= 0.25


def test_whoever_leaves_frees_the_place_within_a_second(site):
    JUDGE.fresh(20)
    headers = {"X-Forwarded-For": "203.0.113.77"}
    connection = http.client.HTTPConnection("127.0.0.1", site.run["port"])
    connection.request("GET", "/text/leaves", headers={"Host": f"localhost:{site.run['port']}", **headers})
    while not JUDGE.starts:
        time.sleep(0.01)
    JUDGE.seconds = 0.1
    with ThreadPoolExecutor(1) as threads:
        second = threads.submit(site.ask, "/text/stays", **headers)
        time.sleep(1.0)
        assert len(JUDGE.starts) == 1
        left = time.monotonic()
        connection.close()
        assert second.result(10).status == 200
    freed = JUDGE.starts[1][1] - left
    print(f"the next one started {freed * 1000:.0f} ms after the first had left")
    assert freed < 1.0
