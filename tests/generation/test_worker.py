"""Rows that are lost, late or forgotten, and the worker that looks after them."""

import threading
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from feeds.models import Outbox
from generation import fulfilment, intake, ticker, worker
from generation.models import Artifact, Generation, State
from generation.requests import ImageRequest
from pollweb.accounts.identity import Principal
from pollweb.accounts.models import UsageHour
from pollweb.lib import redis

ALICE = Principal(key="ip:192.0.2.1")


def picture(text: str, **values) -> ImageRequest:
    return ImageRequest(model="flux", text=text, width=64, height=64, **values)


def finished(row: Generation, seconds: float = 5) -> Generation:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        row.refresh_from_db()
        if row.is_final:
            return row
        time.sleep(0.01)
    raise AssertionError(f"still {row.state}")


@pytest.fixture
def unsent(monkeypatch) -> None:
    """The broker takes nothing, as when Redis was emptied between a row and its message."""
    monkeypatch.setattr("generation.tasks.send", lambda row: False)


def test_a_row_whose_message_was_lost_is_told_again(working, unsent, monkeypatch):
    row = intake.enqueue(picture("forgotten"), intake.Context(principal=ALICE))
    monkeypatch.undo()
    ticker.look_after_rows()
    assert finished(row).state == State.SUCCEEDED


def test_a_row_is_not_told_again_while_it_is_fresh(working, monkeypatch):
    told = []
    monkeypatch.setattr("generation.tasks.send", lambda row: told.append(row.pk) or True)
    intake.enqueue(picture("fresh"), intake.Context(principal=ALICE))
    ticker.tell_again()
    assert len(told) == 1


def test_a_row_left_by_its_worker_is_made_by_another(working, unsent, monkeypatch):
    row = intake.enqueue(picture("left"), intake.Context(principal=ALICE))
    assert Generation.objects.claim(row.pk, "a worker that dies") == 1
    Generation.objects.filter(pk=row.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    monkeypatch.undo()
    ticker.give_on()
    row = finished(row)
    assert (row.state, row.fence, row.attempts) == (State.SUCCEEDED, 2, 2)


def test_a_poison_row_ends_after_three_workers(working, unsent):
    row = intake.enqueue(picture("poison"), intake.Context(principal=ALICE))
    for _ in range(3):
        assert Generation.objects.claim(row.pk, "dies")
        Generation.objects.filter(pk=row.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
        ticker.give_on()
    row.refresh_from_db()
    assert (row.state, row.error_code, row.error_status) == (State.FAILED, "worker_lost", 502)
    assert UsageHour.objects.get().failed == 1


def test_a_late_row_expires_and_says_so(working, unsent):
    row = intake.enqueue(picture("late"), intake.Context(principal=ALICE))
    Generation.objects.filter(pk=row.pk).update(deadline=timezone.now() - timedelta(seconds=1))
    ticker.expire()
    row.refresh_from_db()
    assert (row.state, row.error_status) == (State.EXPIRED, 504)
    assert row.dedupe_key is None


def test_a_worker_that_lost_its_lease_changes_nothing(working, unsent):
    row = intake.enqueue(picture("stale"), intake.Context(principal=ALICE))
    old = Generation.objects.claim(row.pk, "slow")
    Generation.objects.give_back(row.pk, old)
    new = Generation.objects.claim(row.pk, "quick")
    row.refresh_from_db()
    from generation.results import Result

    fulfilment._finish(row, old, Result(made_by="x/y", data=b"old", media_type="image/jpeg"))
    row.refresh_from_db()
    assert (row.state, row.fence, row.artifact_id) == (State.RUNNING, new, None)
    assert Outbox.objects.count() == 0
    assert UsageHour.objects.count() == 0


def test_a_row_is_claimed_by_one_worker_only(working, unsent):
    row = intake.enqueue(picture("wanted"), intake.Context(principal=ALICE))
    claimed = []

    def claim(name: str) -> None:
        from django.db import connection

        claimed.append(Generation.objects.claim(row.pk, name))
        connection.close()

    threads = [threading.Thread(target=claim, args=(str(n),)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(fence for fence in claimed if fence is not None) == [1]


def test_jobs_survive_an_emptied_redis(working):
    working.held = True
    rows = [
        intake.enqueue(picture("x", seed=seed), intake.Context(principal=Principal(key=f"ip:{seed}")))
        for seed in range(1, 9)
    ]
    client = redis.sync_client()
    client.delete(*client.scan_iter(f"{redis.key('')}*"))
    working.held = False
    Generation.objects.filter(state=State.QUEUED).update(queued_at=timezone.now() - timedelta(minutes=1))
    ticker.look_after_rows()
    assert {finished(row).state for row in rows} == {State.SUCCEEDED}
    assert Outbox.objects.count() == 8
    assert UsageHour.objects.get().succeeded == 8


def test_draining_gives_unfinished_rows_back(working):
    working.held = True
    row = intake.enqueue(picture("half done"), intake.Context(principal=ALICE))
    until = time.monotonic() + 5
    while not Generation.objects.filter(pk=row.pk, state=State.RUNNING).exists():
        assert time.monotonic() < until
        time.sleep(0.01)
    current = worker.current()
    current.drain(0.1)
    try:
        row.refresh_from_db()
        assert (row.state, row.attempts) == (State.QUEUED, 1)
    finally:
        current.draining = False


def test_a_full_store_fails_the_job_with_507_and_leaves_no_part(working, monkeypatch, settings):
    import errno
    import os

    def full(*args):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", full)
    working.made = lambda request: b"never seen before: " + request.text.encode()
    row = finished(intake.enqueue(picture("too big"), intake.Context(principal=ALICE)))
    assert (row.state, row.error_code, row.error_status) == (State.FAILED, "storage_full", 507)
    assert list(settings.MEDIA_FOLDER.glob("*/*/.*.part")) == []
    monkeypatch.undo()
    assert finished(intake.enqueue(picture("smaller"), intake.Context(principal=ALICE))).state == State.SUCCEEDED
    assert Artifact.objects.count() >= 1


def test_jobs_wait_for_their_callers_turn(working, settings):
    from pollweb import config

    design = settings.DESIGN.model_dump(by_alias=True)
    design["tiers"]["anonymous"] = {"interval": 1, "concurrency": 1, "models": "basic"}
    settings.DESIGN = config.parse(design)
    first = intake.enqueue(picture("first"), intake.Context(principal=ALICE))
    second = intake.enqueue(picture("second"), intake.Context(principal=ALICE))
    assert finished(first).state == State.SUCCEEDED
    second.refresh_from_db()
    assert second.state == State.QUEUED
    assert second.start_after is not None
    until = time.monotonic() + 6
    while not second.is_final and time.monotonic() < until:
        ticker.start_due()
        time.sleep(0.05)
        second.refresh_from_db()
    assert second.state == State.SUCCEEDED
    assert (second.started_at - first.started_at).total_seconds() >= 0.9
