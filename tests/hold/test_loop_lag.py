"""C16: the event loop is on time while a machine makes pictures and answers."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.site import Site, end

SECONDS = 6.0
TOML = """
[tiers.anonymous]
interval = 0
concurrency = 40
"""


@pytest.mark.slow
@pytest.mark.hold
def test_the_loop_is_on_time_while_pictures_are_made(tmp_path: Path, record_property: Any) -> None:
    """A small answer costs the loop a fraction of a millisecond: what it takes longer is what it waited for others.

    The machine that this runs on may be busy with other things, so the bounds are those of the specification for the
    worst (500 ms) at the last of a hundred, and four times as much for the worst of all.
    """
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "pollweb.toml").write_text(TOML)
    site = Site(tmp_path / "home")
    ended = threading.Event()

    def load(first: int) -> None:
        number = first
        while not ended.is_set():
            number += 1
            assert site.ask(f"/prompt/a%20boat?seed={number}&width=256&height=256").status == 200

    try:
        site.ready()
        threads = [threading.Thread(target=load, args=(first * 100_000,)) for first in range(3)]
        for thread in threads:
            thread.start()
        took: list[float] = []
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            began = time.perf_counter()
            assert site.ask("/healthz").status == 200
            took.append(time.perf_counter() - began)
            time.sleep(0.01)
        ended.set()
        for thread in threads:
            thread.join()
        took.sort()
        last = took[int(len(took) * 0.99)]
        assert last <= 0.5
        assert took[-1] <= 2.0
        record_property("figures", f"{len(took)} asked: p99 {last * 1000:.0f} ms, the longest {took[-1] * 1000:.0f} ms")
    finally:
        ended.set()
        end(site)
