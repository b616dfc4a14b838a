"""C03: Redis is killed and comes back empty while requests go on."""

import os
import shutil
import signal
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.site import Site, end, eventually

FULL = os.environ.get("FULL") == "1"
SECONDS = 60.0 if FULL else 8.0
PACE = 0.05 if FULL else 0.2
TOML = """
[tiers.anonymous]
interval = 0
concurrency = 40
"""


@pytest.mark.slow
@pytest.mark.hold
@pytest.mark.timeout(300)
def test_redis_is_killed_and_comes_back_empty_under_load(tmp_path: Path, record_property: Any) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "pollweb.toml").write_text(TOML)
    site = Site(tmp_path / "home")
    answers: Counter[int] = Counter()
    longest, lock = 0.0, threading.Lock()

    def ask(number: int) -> None:
        nonlocal longest
        began = time.monotonic()
        path = f"/prompt/a%20boat?seed={number}&width=64&height=64" if number % 4 == 0 else "/models"
        status = site.ask(path).status
        with lock:
            answers[status] += 1
            longest = max(longest, time.monotonic() - began)

    try:
        site.ready()
        before = site.run["pids"]
        threads = []
        until, number, killed = time.monotonic() + SECONDS, 0, False
        while time.monotonic() < until:
            if not killed and time.monotonic() > until - SECONDS * 0.75:
                killed = True
                os.kill(before["valkey"], signal.SIGKILL)
                shutil.rmtree(tmp_path / "home" / "valkey" / "appendonlydir")
            number += 1
            threads.append(threading.Thread(target=ask, args=(number,)))
            threads[-1].start()
            time.sleep(PACE)
        for thread in threads:
            thread.join()
        assert set(answers) <= {200, 429, 503}, answers
        assert answers[200] > 0
        # It works again by itself, with the workers that were there before.
        assert eventually(lambda: site.ask("/readyz").status == 200, 30)
        assert eventually(lambda: site.ask(f"/prompt/again?seed={time.time_ns()}&width=64&height=64").status == 200, 60)
        after = site.run["pids"]
        assert after["worker-1"] == before["worker-1"]
        assert after["valkey"] != before["valkey"]
        record_property("figures", f"{number} requests: {dict(answers)}, the longest {longest:.1f} s")
    finally:
        end(site)
