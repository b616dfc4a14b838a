"""Rows that are lost, late or forgotten, and the worker that looks after them."""

import asyncio
import itertools
import threading
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from feeds.models import Outbox
from generation import fulfilment, intake, tasks, ticker, worker
from generation.models import Artifact, Generation, State
from generation.requests import ImageRequest
from pollweb import celery
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
    claimed = Generation.objects.claim(row.pk, "a worker that dies")
    assert claimed is not None
    assert (claimed.pk, claimed.fence, claimed.state) == (row.pk, 1, State.RUNNING)
    Generation.objects.filter(pk=row.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    monkeypatch.undo()
    ticker.give_on()
    row = finished(row)
    assert (row.state, row.fence, row.attempts) == (State.SUCCEEDED, 2, 2)


def test_a_poison_row_ends_after_five_workers(working, unsent):
    row = intake.enqueue(picture("poison"), intake.Context(principal=ALICE))
    for _ in range(5):
        assert Generation.objects.claim(row.pk, "dies")
        Generation.objects.filter(pk=row.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
        ticker.give_on()
    row.refresh_from_db()
    assert (row.state, row.error_code, row.error_status) == (State.FAILED, "worker_lost", 502)
    assert UsageHour.objects.get().failed == 1


def test_what_is_given_back_in_order_counts_as_no_attempt(working, unsent):
    row = intake.enqueue(picture("patient"), intake.Context(principal=ALICE))
    for fence in range(1, 10):
        claimed = Generation.objects.claim(row.pk, "leaves")
        assert (claimed.fence, claimed.attempts) == (fence, 1)
        assert Generation.objects.give_back(row.pk, fence)


def test_a_late_row_expires_and_says_so(working, unsent):
    row = intake.enqueue(picture("late"), intake.Context(principal=ALICE))
    Generation.objects.filter(pk=row.pk).update(deadline=timezone.now() - timedelta(seconds=1))
    ticker.expire()
    row.refresh_from_db()
    assert (row.state, row.error_status) == (State.EXPIRED, 504)
    assert row.dedupe_key is None


def test_a_worker_that_lost_its_lease_changes_nothing(working, unsent):
    row = intake.enqueue(picture("stale"), intake.Context(principal=ALICE))
    old = Generation.objects.claim(row.pk, "slow").fence
    Generation.objects.give_back(row.pk, old)
    new = Generation.objects.claim(row.pk, "quick").fence
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
    assert [each.fence for each in claimed if each is not None] == [1]


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
        assert (row.state, row.attempts) == (State.QUEUED, 0)
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
    until(lambda: Generation.objects.filter(pk=first.pk, started_at__isnull=False).exists())
    second = intake.enqueue(picture("second"), intake.Context(principal=ALICE))
    assert finished(first).state == State.SUCCEEDED
    end = time.monotonic() + 20
    while not second.is_final and time.monotonic() < end:
        ticker.start_due()
        time.sleep(0.05)
        second.refresh_from_db()
    first.refresh_from_db()
    assert second.state == State.SUCCEEDED
    assert (second.started_at - first.started_at).total_seconds() >= 0.9


# --- whose turn it is ---


def ask(text: str, principal: Principal = ALICE, **values) -> Generation:
    return intake.enqueue(picture(text, **values), intake.Context(principal=principal))


def so_many_at_once(settings, number: int) -> None:
    from generation import catalogue
    from generation.providers import registry
    from pollweb import config

    design = settings.DESIGN.model_dump(by_alias=True)
    design["providers"]["scripted"]["parallel"] = number
    settings.DESIGN = config.parse(design)
    catalogue.forget()
    registry.provider.cache_clear()
    worker.current().gates.clear()


def order_of_starts() -> list[str]:
    return list(Generation.objects.exclude(started_at=None).order_by("started_at").values_list("prompt", flat=True))


def until(condition, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def single(working, settings):
    from generation.providers import registry

    so_many_at_once(settings, 1)
    yield working
    registry.provider.cache_clear()
    worker.current().gates.clear()


def stranger(number: int) -> Principal:
    return Principal(key=f"ip:198.51.100.{number}")


@pytest.fixture
def wide(working, settings):
    """A gate that lets more through than the worker has threads."""
    from generation.providers import registry

    so_many_at_once(settings, 3 * celery.app.conf.worker_concurrency)
    yield 3 * celery.app.conf.worker_concurrency
    registry.provider.cache_clear()
    worker.current().gates.clear()


def test_as_many_are_made_at_once_as_the_gate_lets_through_however_few_threads_there_are(wide, script):
    script.held = True
    rows = [ask(f"row {n}", stranger(n)) for n in range(wide + 2)]
    until(lambda: Generation.objects.filter(state=State.RUNNING).count() == wide)
    assert Generation.objects.filter(state=State.QUEUED).count() == 2
    script.held = False
    assert {finished(row, 30).state for row in rows} == {State.SUCCEEDED}


def test_what_waits_for_others_holds_no_thread(working):
    """An operator's probe of a server that does not answer, say: jobs start meanwhile."""
    begun, may_end = threading.Event(), threading.Event()

    async def waits() -> None:
        begun.set()
        while not may_end.is_set():
            await asyncio.sleep(0.01)

    worker.current().begin(waits())
    assert begun.wait(5)
    assert finished(ask("meanwhile")).state == State.SUCCEEDED
    assert len(worker.current().errands) == 1
    may_end.set()
    until(lambda: not worker.current().errands)


def test_behind_forty_anonymous_pictures_a_token_s_is_the_next_and_the_last_one_still_ends(single):
    from pollweb.accounts.models import Team, Token

    team = Team.objects.create(name="alice")
    token = Token.objects.create(team=team, digest="d" * 64, last_four="dddd")
    alice = Principal(key=f"team:{team.pk}", tier="seed", team_id=team.pk, token_id=token.pk)
    single.held = True
    rows = [ask(f"anonymous {n}", stranger(n)) for n in range(40)]
    until(lambda: Generation.objects.filter(state=State.RUNNING).count() == 1)
    hers = ask("a token's", alice)
    single.held = False
    assert finished(hers, 20).state == State.SUCCEEDED
    assert order_of_starts().index("a token's") <= 1
    assert {finished(row, 30).state for row in rows} == {State.SUCCEEDED}
    anonymous = [prompt for prompt in order_of_starts() if prompt != "a token's"]
    assert anonymous == [f"anonymous {n}" for n in range(40)]


def test_higher_tiers_and_registered_referrers_come_before_anonymous_callers(single):
    single.held = True
    ask("running", stranger(0))
    until(lambda: Generation.objects.filter(state=State.RUNNING).exists())
    rows = [
        ask("anonymous", stranger(1)),
        ask("referrer", Principal(key="ip:198.51.100.2", tier="flower", referrer_team_id=_member("flower").team_id)),
        ask("seed", _member("seed")),
        ask("nectar", _member("nectar")),
    ]
    single.held = False
    for row in rows:
        finished(row, 20)
    assert order_of_starts() == ["running", "nectar", "seed", "referrer", "anonymous"]


def _member(tier: str) -> Principal:
    from pollweb.accounts.models import Team

    team = Team.objects.create(name=tier, tier=tier)
    return Principal(key=f"team:{team.pk}", tier=tier, team_id=team.pk)


def test_those_who_waited_long_get_every_third_start_while_tokens_keep_coming(single):
    single.held = True
    ask("running", stranger(0))
    until(lambda: Generation.objects.filter(state=State.RUNNING).exists())
    old = [ask(f"old {n}", stranger(n)) for n in range(1, 4)]
    Generation.objects.filter(prompt__startswith="old").update(created_at=timezone.now() - timedelta(seconds=40))
    team = _member("nectar")
    rows = [ask(f"token {n}", team) for n in range(9)]
    single.held = False
    for row in (*old, *rows):
        finished(row, 20)
    started = order_of_starts()[1:]
    places = [started.index(prompt) for prompt in started if prompt.startswith("old")]
    assert places[0] <= 2
    assert [later - earlier for earlier, later in itertools.pairwise(places)] == [3, 3]


def test_whoever_joins_a_job_lends_it_their_rank(single):
    single.held = True
    ask("running", stranger(0))
    until(lambda: Generation.objects.filter(state=State.RUNNING).exists())
    shared = ask("shared", stranger(1))
    other = ask("other", stranger(2))
    Generation.objects.filter(pk=other.pk).update(created_at=timezone.now() - timedelta(seconds=5))
    assert ask("shared", _member("nectar")).pk == shared.pk
    single.held = False
    finished(other, 20)
    assert order_of_starts() == ["running", "shared", "other"]


def test_rows_that_several_workers_were_lost_over_are_made_one_at_a_time_and_others_beside_them(
    wide, working, monkeypatch
):
    monkeypatch.setattr("generation.tasks.send", lambda row: True)
    rows = [ask(f"row {n}", stranger(n)) for n in range(7)]
    for lost, some in ((2, rows[:3]), (1, rows[3:5])):
        Generation.objects.filter(pk__in=[row.pk for row in some]).update(attempts=lost)
    monkeypatch.undo()
    working.held = True
    for row in rows:
        tasks.send(row)
    running = Generation.objects.filter(state=State.RUNNING)
    until(lambda: running.filter(attempts__lte=2).count() == 4 and running.filter(attempts=3).exists())
    time.sleep(0.2)  # nobody takes another
    assert running.filter(attempts=3).count() == 1
    working.held = False
    assert [finished(row, 20).attempts for row in rows] == [3, 3, 3, 2, 2, 1, 1]


def test_several_workers_take_every_row_once_and_in_order(working, monkeypatch):
    """Two workers of one slot: what one has taken the other passes by."""
    from generation.order import Order

    monkeypatch.setattr("generation.tasks.send", lambda row: True)
    rows = [ask(f"row {n}", stranger(n)) for n in range(10)]
    orders = [Order(rows[0].slot), Order(rows[0].slot)]
    taken = []
    for turn in range(10):
        row = orders[turn % 2].next()
        taken.append(Generation.objects.claim(row.pk, str(turn % 2)).prompt)
    assert taken == [f"row {n}" for n in range(10)]
    assert orders[0].next() is None


def test_a_job_whose_turn_has_come_is_started_by_the_call_without_the_ticker(working, settings):
    from pollweb import config

    design = settings.DESIGN.model_dump(by_alias=True)
    design["tiers"]["anonymous"] = {"interval": 0, "concurrency": 1, "models": "basic"}
    settings.DESIGN = config.parse(design)
    working.held = True
    somebody = stranger(77)  # whose line no other test's late leaving touches
    first = ask("first", somebody)
    until(lambda: Generation.objects.filter(pk=first.pk, state=State.RUNNING).exists())
    second = ask("second", somebody)
    # Told at once, it was found to stand behind the first, and waits for its turn.
    until(lambda: Generation.objects.filter(pk=second.pk, start_after__isnull=False).exists())
    Generation.objects.filter(pk=second.pk).update(start_after=timezone.now() + timedelta(seconds=60))
    working.held = False
    assert finished(first).state == State.SUCCEEDED
    assert finished(second).state == State.SUCCEEDED
