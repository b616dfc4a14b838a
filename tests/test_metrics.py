"""What a scraper reads: of all web processes at once, of what all machines share, and nothing secret."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from generation import wellbeing
from pollweb import gauges, together
from pollweb.health import BUCKETS, Figures


@pytest.fixture
def figures(settings: Any, tmp_path: Path) -> Figures:
    settings.POLLWEB_HOME = tmp_path
    return Figures()


def samples(found: Any) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in found
        for sample in family.samples
        if not sample.name.endswith("_bucket")
    }


def of_another(pid: int, **told: Any) -> None:
    together.folder().mkdir(parents=True, exist_ok=True)
    counts = {"image 200": [*[0.0] * len(BUCKETS), 3.0, 1.5], "gaps": [2.0]}
    told = {"counts": counts, "largest": {"lag": 0.7}, "summed": {"running": 4.0, "processes": 1.0}, **told}
    (together.folder() / str(pid)).write_text(json.dumps(told))


def a_dead_process() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_whichever_process_is_asked_tells_of_all(figures: Figures) -> None:
    figures.add("image", 200, 0.3)
    figures.lag = 0.1
    of_another(os.getppid())
    told = samples(figures.collect())
    assert told["pollweb_requests_total", "image", "200"] == 4
    assert told["pollweb_request_seconds_sum", "image", "200"] == pytest.approx(1.8)
    assert told["pollweb_loop_lag_seconds",] == 0.7
    assert told["pollweb_requests_in_flight",] == 4
    assert told["pollweb_web_processes",] == 2
    assert told["pollweb_feed_missed_total",] >= 2


async def test_what_stays_behind_in_a_process_is_seen(figures: Figures) -> None:
    figures.loop = asyncio.get_running_loop()
    before = samples(figures.collect())
    one, other = socket.socketpair()
    with one, other:
        task = asyncio.create_task(asyncio.sleep(60))
        during = samples(figures.collect())
        task.cancel()
    assert during["pollweb_loop_tasks",] == before["pollweb_loop_tasks",] + 1
    assert during["pollweb_open_files",] == before["pollweb_open_files",] + 2


def test_what_a_process_counted_outlives_it_once(figures: Figures) -> None:
    of_another(a_dead_process())
    of_another(a_dead_process())
    for _ in range(3):
        told = samples(figures.collect())
        assert told["pollweb_requests_total", "image", "200"] == 6
        assert told["pollweb_web_processes",] == 1
        assert told["pollweb_requests_in_flight",] == 0
    assert [path.name for path in together.folder().iterdir()] == ["ended"]


def test_a_number_that_belongs_to_another_process_by_now_is_none_of_ours(figures: Figures) -> None:
    of_another(os.getppid())
    long_ago = time.time() - 120
    os.utime(together.folder() / str(os.getppid()), (long_ago, long_ago))
    told = samples(figures.collect())
    assert told["pollweb_web_processes",] == 1
    assert told["pollweb_requests_total", "image", "200"] == 3


def test_a_file_that_cannot_be_read_is_passed_over(figures: Figures) -> None:
    figures.add("text", 200, 0.1)
    of_another(os.getppid())
    (together.folder() / str(os.getppid())).write_text("{half")
    assert samples(figures.collect())["pollweb_requests_total", "text", "200"] == 1


def test_the_queue_and_the_models_are_told_as_a_worker_saw_them(db: None) -> None:
    assert b"pollweb_queue_length" not in gauges.exposition(), "nobody has looked yet"
    wellbeing.look()
    families = list(text_string_to_metric_families(gauges.exposition().decode()))
    told = samples(families)
    assert told["pollweb_queue_length",] == told["pollweb_queue_oldest_seconds",] == 0
    assert told["pollweb_seen_age_seconds",] < 60
    assert told["pollweb_model_state", "flux"] == 2
    assert told["pollweb_part_state", "queue"] == 2
    assert told["pollweb_storage_free_bytes",] > 0


def test_an_end_is_logged_with_the_request_that_began_it(working: Any, caplog: Any) -> None:

    from generation import intake
    from generation.models import Generation
    from generation.requests import ImageRequest
    from pollweb.accounts.identity import Principal
    from tests.generation.test_worker import finished

    caplog.set_level("INFO", logger="generation.fulfilment")
    wish = ImageRequest(model="flux", text="a secret wish", width=64, height=64)
    row = intake.enqueue(wish, intake.Context(principal=Principal(key="ip:192.0.2.1"), request_id="abcdef0123456789"))
    finished(row, 20)
    (line,) = [record for record in caplog.records if record.name == "generation.fulfilment"]
    fields = line.fields  # type: ignore[attr-defined]
    assert (fields["request_id"], fields["id"], fields["state"]) == ("abcdef0123456789", row.public_id, "succeeded")
    assert fields["made_ms"] is not None
    assert "secret wish" not in json.dumps(fields, default=str)
    assert Generation.objects.get().request_id == "abcdef0123456789"
