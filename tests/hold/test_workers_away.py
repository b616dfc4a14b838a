"""C02: all workers are killed in the middle of their jobs, and stay away for a while."""

import os
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.hold.pace import FULL
from tests.site import Site, end, eventually, processes_of
from tests.test_recovery import rows, token_of, wait_for

JOBS = 100 if FULL else 16
AWAY = 3.0
FINAL = 60.0


@pytest.mark.slow
@pytest.mark.hold
@pytest.mark.timeout(240)
def test_all_jobs_are_made_once_when_the_workers_are_back(tmp_path: Path, record_property: Any) -> None:
    site = Site(tmp_path / "home", "--port", "0", "--workers", "2")
    killed: Counter[str] = Counter()
    try:
        token = token_of(site.ready())

        def paint(seed: int) -> int:
            path = f"/prompt/a%20boat?seed={seed}&width=256&height=256"
            return site.ask(path, Authorization=f"Bearer {token}").status

        with ThreadPoolExecutor(JOBS) as threads:
            asked = [threads.submit(paint, seed) for seed in range(JOBS)]
            wait_for(site, "select count(*) from generation_generation where state = 'succeeded'", 3)
            away = time.monotonic() + AWAY
            while time.monotonic() < away:  # whoever comes back meanwhile dies too
                running = processes_of(site.home)
                for name, pid in site.run["pids"].items():
                    if name.startswith("worker") and pid in running:
                        os.kill(pid, signal.SIGKILL)
                        killed[name] += 1
                time.sleep(0.1)
            back = time.monotonic()
            left = "select count(*) from generation_generation where state in ('queued', 'running')"
            assert eventually(lambda: rows(site, left) == [(0,)], FINAL)
            took = time.monotonic() - back
            answers = Counter(answer.result(FINAL) for answer in asked)
        assert answers == {200: JOBS}
        wait_for(site, "select count(*) from feeds_outbox where published_at is not null", JOBS)
        assert rows(site, "select state, count(*) from generation_generation group by state") == [("succeeded", JOBS)]
        assert rows(site, "select count(*), count(distinct event_id) from feeds_outbox") == [(JOBS, JOBS)]
        assert rows(site, "select sum(succeeded), sum(failed) from accounts_usagehour") == [(JOBS, 0)]
        record_property("figures", f"{JOBS} jobs, killed {dict(killed)}: all final {took:.1f} s after they were back")
    finally:
        end(site)
