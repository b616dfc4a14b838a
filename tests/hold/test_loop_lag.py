"""C16: the event loop is on time while a machine makes pictures and answers."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.hold.pace import FULL, last_of
from tests.site import Site, end

SECONDS = 60.0 if FULL else 6.0
TOML = """
[tiers.anonymous]
interval = 0
concurrency = 40
"""


@pytest.mark.slow
@pytest.mark.hold
def test_the_loop_is_on_time_while_pictures_are_made(tmp_path: Path, record_property: Any) -> None:
    """A small answer costs the loop a fraction of a millisecond: what it takes longer is what it waited for others.

    The quick form may share its machine with other things, so its bounds are those of the specification for the worst
    (500 ms) at the last of a hundred, and four times as much for the worst of all. The full form has it for itself.
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
        share, usual, worst = (0.999, 0.1, 0.5) if FULL else (0.99, 0.5, 2.0)
        last = last_of(share, took)
        record_property(
            "figures",
            f"{len(took)} asked: p{share * 100:g} {last * 1000:.0f} ms, the longest {max(took) * 1000:.0f} ms",
        )
        assert last <= usual
        assert max(took) <= worst
    finally:
        ended.set()
        end(site)
