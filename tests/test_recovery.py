"""A worker is killed in the middle of its work: every job is finished, stored and announced once."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.hold.pace import FULL
from tests.site import PATIENCE, ROOT, Site

JOBS = 100 if FULL else 20


def token_of(site: Site) -> str:
    return manage(site, "createtoken", "--team", "alice", "--tier", "nectar", "--visibility", "public")


def manage(site: Site, *words: str, **environment: str) -> str:
    outer = {name: value for name, value in os.environ.items() if not name.startswith("POLLWEB_")}
    own = {"DJANGO_SETTINGS_MODULE": "pollweb.settings", "POLLWEB_HOME": str(site.home), **environment}
    made = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *words],
        env={**outer, **own},
        capture_output=True,
        text=True,
        check=True,
    )
    return made.stdout.strip()


def rows(site: Site, query: str) -> list[tuple]:
    connection = sqlite3.connect(f"file:{site.home / 'pollweb.sqlite3'}?mode=ro", uri=True, timeout=5)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def wait_for(site: Site, query: str, least: int) -> None:
    until = time.monotonic() + PATIENCE
    while rows(site, query)[0][0] < least:
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.hold
@pytest.mark.timeout(180)
def test_jobs_survive_a_killed_worker(tmp_path: Path, record_property: Any) -> None:
    site = Site(tmp_path / "home").ready()
    try:
        token = token_of(site)

        def paint(seed: int) -> int:
            path = f"/prompt/a%20boat?seed={seed}&width=512&height=512"
            return site.ask(path, Authorization=f"Bearer {token}").status

        with ThreadPoolExecutor(JOBS) as threads:
            asked = [threads.submit(paint, seed) for seed in range(1, JOBS + 1)]
            wait_for(site, "select count(*) from generation_generation where state = 'succeeded'", 3)
            os.kill(site.run["pids"]["worker-1"], signal.SIGKILL)
            killed = time.monotonic()
            answers = [answer.result(PATIENCE) for answer in asked]
            took = time.monotonic() - killed
        assert answers == [200] * JOBS
        wait_for(site, "select count(*) from feeds_outbox where published_at is not null", JOBS)
        assert rows(site, "select state, count(*) from generation_generation group by state") == [("succeeded", JOBS)]
        assert rows(site, "select count(*), count(distinct event_id) from feeds_outbox") == [(JOBS, JOBS)]
        assert rows(site, "select sum(succeeded), sum(failed) from accounts_usagehour") == [(JOBS, 0)]
        # Two, unless it was killed in the moment between two pictures.
        assert rows(site, "select max(attempts) from generation_generation")[0][0] <= 2
        record_property("figures", f"{JOBS} jobs: all answered {took:.1f} s after the kill")
    finally:
        site.stop()


OLD_MESSAGES = """
import uuid
from generation import tasks

for _ in range(600):
    tasks.fulfil.apply_async((str(uuid.uuid4()),), queue="remote")
"""


@pytest.mark.slow
@pytest.mark.hold
def test_the_messages_of_jobs_that_were_given_up_hold_nobody_up(tmp_path: Path) -> None:
    """A worker that read them as slowly as it looks for free threads would need two minutes."""
    site = Site(tmp_path / "home").ready()
    try:
        token = token_of(site)
        manage(site, "shell", "--no-imports", "--command", OLD_MESSAGES)
        began = time.monotonic()
        assert site.ask("/prompt/a%20boat?width=64&height=64", Authorization=f"Bearer {token}").status == 200
        assert time.monotonic() - began < 30
    finally:
        site.stop()


@pytest.mark.slow
@pytest.mark.hold
def test_a_worker_that_is_told_to_end_first_finishes_what_it_makes(tmp_path: Path) -> None:
    site = Site(tmp_path / "home", POLLWEB_DRAIN_SECONDS="60").ready()
    try:
        token = token_of(site)
        with ThreadPoolExecutor() as threads:
            path = "/prompt/a%20harbour%20at%20night?width=1024&height=1024"
            asked = threads.submit(lambda: site.ask(path, Authorization=f"Bearer {token}").status)
            wait_for(site, "select count(*) from generation_generation where state = 'running'", 1)
            os.kill(site.run["pids"]["worker-1"], signal.SIGTERM)
            assert asked.result(PATIENCE) == 200
        assert rows(site, "select attempts from generation_generation") == [(1,)]
    finally:
        site.stop()
