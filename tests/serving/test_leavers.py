"""Clients that leave in the middle, under the real server: nothing of theirs stays."""

import asyncio
import os
from pathlib import Path

import pytest

from bench import leavers
from tests.site import Site, end

# As many at once as there are clients: a place that was not given back keeps those out who come afterwards.
DESIGN = """
[tiers.anonymous]
interval = 0
concurrency = {count}

[providers.endless]
kind = "openai"
base_url = "http://127.0.0.1:{port}/v1"
max_parallel = 1000

[models.text.endless]
from = [{{ provider = "endless", model = "m" }}]
"""


@pytest.mark.skipif(os.environ.get("POLLWEB_SERVER", "uvicorn") != "uvicorn", reason="daphne opens a thread for each")
@pytest.mark.parametrize("count", [40, pytest.param(500, marks=pytest.mark.slow)])
def test_all_leave_in_the_middle_and_nothing_of_theirs_stays(tmp_path: Path, count: int) -> None:
    with leavers.upstream() as endless:
        (tmp_path / "pollweb.toml").write_text(DESIGN.format(port=endless.port, count=count))
        site = Site(tmp_path)
        try:
            port = site.ready().run["port"]
            found = asyncio.run(leavers.leave(port, endless, count=count, model="endless"))
        finally:
            site.stop()
            end(site)
    assert (found.unheard, found.still_open, found.in_flight) == (0, 0, 0)
    assert found.p95 < 1
    assert found.worked == 20
