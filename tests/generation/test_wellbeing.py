"""What the leading worker sees once a minute, and what is told of it."""

import time
from datetime import timedelta

import orjson
import pytest
from django.utils import timezone

from generation import catalogue, wellbeing
from generation.breaker import Circuit
from generation.errors import EngineNotReady
from generation.models import State, WellbeingHour
from pollweb.lib import redis
from tests.gallery.conftest import make

__all__ = ["make"]


@pytest.fixture(autouse=True)
def a_worker(db):
    wellbeing.here("worker")


def break_off(source) -> None:
    circuit = {"steps": [], "level": 1, "open_until": time.time() + 60, "probe_until": 0.0}
    redis.sync_client().set(redis.key("breaker", source), orjson.dumps(circuit))
    assert Circuit(**circuit).level


def test_everything_works(script):
    told = wellbeing.look()
    assert set(told["parts"].values()) == {"ok"}
    assert wellbeing.overall(wellbeing.seen()) == "ok"


def test_a_source_that_fails_too_often_is_away(script):
    break_off(catalogue.cards("image")["flux"].sources[0])
    told = wellbeing.look()
    assert told["models"]["flux"] == "away"
    assert told["models"]["openai"] == "ok"
    assert (told["parts"]["image"], told["parts"]["text"]) == ("away", "ok")
    assert wellbeing.overall(wellbeing.seen()) == "troubled"


def test_an_engine_without_its_file_is_away(script):
    script.unready = EngineNotReady("Its file is not here yet.")
    assert wellbeing.look()["models"]["whisper-1"] == "away"


def test_without_workers_nothing_is_made(script):
    redis.sync_client().delete(wellbeing._key("workers"))
    wellbeing.look()
    assert wellbeing.overall(wellbeing.seen()) == "away"


def test_what_was_seen_long_ago_is_unknown(script, monkeypatch):
    wellbeing.look()
    monkeypatch.setattr(wellbeing, "OLD_SECONDS", -1.0)
    assert wellbeing.overall(wellbeing.seen()) == "unknown"
    assert wellbeing.seen()["history"]["image"]


def test_speed_is_the_median_of_the_last_hour(script, make):
    now = timezone.now()
    for seconds in (1, 2, 30):
        make("image", started_at=now - timedelta(seconds=seconds), finished_at=now)
    make("image", state=State.FAILED, started_at=now - timedelta(seconds=500), finished_at=now)
    assert wellbeing.look()["speeds"] == {"flux": 2.0}


def test_a_job_that_waits_long_is_trouble(script, make):
    make("image", state=State.QUEUED, created_at=timezone.now() - timedelta(minutes=5))
    told = wellbeing.look()
    assert told["queue"]["length"] == 1
    assert told["queue"]["oldest"] >= 300
    assert told["parts"]["queue"] == "troubled"


def test_each_look_is_counted_into_its_hour_and_old_hours_are_forgotten(script):
    old = timezone.now() - timedelta(days=wellbeing.KEPT_DAYS + 1)
    WellbeingHour.objects.create(hour=old, part="image", looks=60)
    wellbeing.look()
    break_off(catalogue.cards("image")["flux"].sources[0])
    for name in ("turbo", "kontext", "rare"):
        break_off(catalogue.cards("image")[name].sources[0])
    wellbeing.look()
    [row] = WellbeingHour.objects.filter(part="image")
    assert (row.looks, row.troubled, row.away) == (2, 0, 1)
    assert wellbeing.seen()["history"]["image"][-1]["away"] == 1
