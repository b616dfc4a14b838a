"""From a transaction to the stream: both sides of the commit, and what happens when Redis is away or emptied."""

import threading
from typing import Any

import pytest
import redis as redis_py
from django.db import connection, transaction

from feeds import outbox
from feeds.models import Outbox
from pollweb.lib import redis
from tests.feeds.conftest import event
from tests.site import eventually

pytestmark = pytest.mark.django_db(transaction=True)


def told() -> list[str]:
    """The public ids in the stream, oldest first."""
    entries: Any = redis.sync_client().xrange(outbox.stream_key())
    return [fields[b"public_id"].decode() for _, fields in entries]


def test_what_is_announced_is_told_when_the_transaction_is_committed() -> None:
    one = event()
    with transaction.atomic():
        outbox.announce(one)
        assert told() == []
    assert told() == [one.public_id]
    assert not Outbox.objects.filter(published_at=None).exists()


def test_what_is_rolled_back_is_never_told() -> None:
    with transaction.atomic():
        outbox.announce(event())
        transaction.set_rollback(True)
    assert outbox.publish_due() == 0
    assert told() == []


def test_announcing_twice_tells_once() -> None:
    one = event()
    outbox.announce(one)
    outbox.announce(one)
    redis.sync_client().delete(redis.key("feed", "told"))
    outbox.announce(one)
    assert told() == [one.public_id]


def test_a_delayed_event_waits_for_its_time() -> None:
    one = event()
    outbox.announce(one, delay=60)
    assert outbox.publish_due() == 0
    Outbox.objects.update(release_at="2020-01-01T00:00Z")
    assert outbox.publish_due() == 1
    assert told() == [one.public_id]


def test_a_process_that_died_between_telling_and_noting_it_does_not_make_it_told_twice() -> None:
    one = event()
    outbox.announce(one)
    Outbox.objects.update(published_at=None)
    assert outbox.publish_due() == 1
    assert told() == [one.public_id]


def test_what_is_committed_while_another_is_told_is_told_together_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    append, sizes, telling, go_on = outbox.append, [], threading.Event(), threading.Event()

    def slowly(rows: list[Outbox]) -> Any:
        sizes.append(len(rows))
        telling.set()
        assert go_on.wait(10)
        return append(rows)

    def announce(one: Any) -> None:
        outbox.announce(one)
        connection.close()

    monkeypatch.setattr(outbox, "append", slowly)
    events = [event() for _ in range(4)]
    threads = [threading.Thread(target=announce, args=(one,)) for one in events]
    threads[0].start()
    assert telling.wait(10)
    for thread in threads[1:]:
        thread.start()
    assert eventually(lambda: len(outbox._committed) == 3, 10)
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert sizes == [1, 3]
    assert sorted(told()) == sorted(one.public_id for one in events)
    assert not Outbox.objects.filter(published_at=None).exists()


def test_nothing_is_lost_while_redis_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> redis_py.Redis:
        raise redis_py.ConnectionError("away")

    with monkeypatch.context() as patch:
        patch.setattr(redis, "sync_client", away)
        events = [event() for _ in range(3)]
        for each in events:
            outbox.announce(each)
        assert outbox.publish_due() == 0
    assert outbox.publish_due() == 3
    assert told() == [each.public_id for each in events]


def test_ids_count_without_holes_and_an_emptied_redis_begins_another_epoch() -> None:
    client: Any = redis.sync_client()
    for _ in range(3):
        outbox.announce(event())
    first = [entry[0].split(b"-") for entry in client.xrange(outbox.stream_key())]
    assert [int(seq) for _, seq in first] == [1, 2, 3]
    client.delete(*client.scan_iter(redis.key("feed", "*")))
    outbox.announce(event())
    epoch, seq = client.xrange(outbox.stream_key())[0][0].split(b"-")
    assert int(seq) == 1
    assert int(epoch) > int(first[0][0])


def test_the_stream_and_what_it_remembers_are_bounded(settings: Any) -> None:
    settings.DESIGN = settings.DESIGN.model_copy(
        update={"feeds": settings.DESIGN.feeds.model_copy(update={"history": 100})}
    )
    rows = [Outbox(event_id=each.id, kind="image", payload=each.as_dict()) for each in (event() for _ in range(600))]
    for start in range(0, 600, 50):
        outbox.append(rows[start : start + 50])
    client: Any = redis.sync_client()
    assert client.xlen(outbox.stream_key()) < 250  # trimmed by whole nodes of 100
    assert client.zcard(redis.key("feed", "told")) == 200
    assert client.ttl(redis.key("feed", "told")) > 0


def test_many_publishers_at_once_tell_everything_once() -> None:
    events = [event() for _ in range(60)]
    for each in events:
        outbox.announce(each, delay=60)
    Outbox.objects.update(release_at="2020-01-01T00:00Z")
    start = threading.Barrier(4)

    def publish() -> None:
        try:
            start.wait()
            for _ in range(3):
                outbox.publish_due(limit=25)
        finally:
            connection.close()

    threads = [threading.Thread(target=publish) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outbox.publish_due()
    assert sorted(told()) == sorted(each.public_id for each in events)


def test_what_is_retracted_before_its_time_is_never_told() -> None:
    one = event()
    outbox.announce(one, delay=60)
    outbox.retract(one.public_id)
    Outbox.objects.filter(published_at=None).update(release_at="2020-01-01T00:00Z")
    outbox.publish_due()
    entries: Any = redis.sync_client().xrange(outbox.stream_key())
    assert [fields[b"t"] for _, fields in entries] == [b"remove"]


def test_nothing_is_told_for_somebody_whose_lease_another_one_has() -> None:
    redis.sync_client().set("pollweb-test-lease", "2.b")
    row = Outbox(event_id=event().id, kind="image", payload=event().as_dict())
    try:
        assert outbox.append([row], "pollweb-test-lease", "1.a") is None
        assert told() == []
        assert outbox.append([row], "pollweb-test-lease", "2.b") != [""]
    finally:
        redis.sync_client().delete("pollweb-test-lease")
    assert len(told()) == 1


def test_a_late_publisher_does_not_bring_back_what_was_retracted() -> None:
    one = event()
    outbox.announce(event())
    outbox.retract(one.public_id)
    outbox.append([Outbox(event_id=one.id, kind="image", payload=one.as_dict())])
    entries: Any = redis.sync_client().xrange(outbox.stream_key())
    assert [fields[b"t"] for _, fields in entries] == [b"event", b"remove"]
