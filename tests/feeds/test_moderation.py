"""Before the big screen: what is held back, and what an operator does with it."""

import json
from typing import Any

import pytest
from django.db import DatabaseError

from feeds import moderation, outbox, policy, recent
from feeds.models import Outbox, Policy
from feeds.relay import remote
from feeds.relay.sources import Source
from pollweb.accounts.models import AuditEvent
from pollweb.lib import redis
from tests.factories import UserFactory
from tests.feeds.conftest import event
from tests.feeds.feedserver import picture

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def operator() -> Any:
    return UserFactory.create(is_staff=True)


def told() -> list[str]:
    return [item.public_id for item in recent.told()]


def removed() -> list[str]:
    entries: Any = redis.sync_client().xrange(outbox.stream_key())
    return [fields[b"public_id"].decode() for _, fields in entries if fields[b"t"] == b"remove"]


def test_without_decisions_everything_is_told_at_once() -> None:
    one = event()
    outbox.announce(one)
    assert told() == [one.public_id]


def test_approve_first_holds_until_somebody_approves(operator: Any) -> None:
    moderation.decide(operator, approves_first=True)
    one, other = event(), event()
    outbox.announce(one)
    outbox.announce(other)
    assert (told(), outbox.publish_due()) == ([], 0)
    row = Outbox.objects.held().get(event_id=one.id)
    assert row.held == "approve"
    assert moderation.approve([row.pk], operator) == 1
    assert told() == [one.public_id]
    assert moderation.approve([row.pk], operator) == 0


def test_what_is_refused_is_never_told_unless_that_is_undone(operator: Any) -> None:
    moderation.decide(operator, approves_first=True)
    one = event()
    outbox.announce(one)
    (row,) = Outbox.objects.held()
    assert moderation.refuse([row.pk], operator) == 1
    assert moderation.approve([row.pk], operator) == 0
    assert moderation.undo([row.pk], operator) == 1
    assert moderation.approve([row.pk], operator) == 1
    assert told() == [one.public_id]


@pytest.mark.parametrize("said", ["the SECRET project", "a secretive fox"])
def test_a_word_holds_wherever_it_stands(operator: Any, said: str) -> None:
    moderation.decide(operator, words=["Secret"])
    outbox.announce(event(prompt=said))
    outbox.announce(event("text", prompt="x", response=said))
    outbox.announce(event(prompt="harmless"))
    assert len(told()) == 1
    assert set(Outbox.objects.held().values_list("held", flat=True)) == {"words"}


def test_a_picture_is_held_for_its_score(operator: Any) -> None:
    moderation.decide(operator, threshold=0.4)
    outbox.announce(event(score=0.41))
    outbox.announce(event(score=0.39))
    outbox.announce(event())
    assert len(told()) == 2


def test_a_pause_keeps_everything_but_removals_and_loses_nothing(operator: Any) -> None:
    before = event()
    outbox.announce(before)
    moderation.decide(operator, is_paused=True)
    waits = event()
    outbox.announce(waits)
    outbox.retract(before.public_id)
    outbox.publish_due()
    assert (told(), removed()) == ([], [before.public_id])
    moderation.decide(operator, is_paused=False)
    assert outbox.publish_due() == 1
    assert told() == [waits.public_id]


def test_blocking_a_source_takes_off_what_it_told_and_holds_what_comes(operator: Any) -> None:
    bad, good = event(referrer="evil.example"), event(referrer="good.example")
    outbox.announce(bad)
    outbox.announce(good)
    assert moderation.block(bad, operator) == "referrer:evil.example"
    assert told() == [good.public_id]
    assert removed() == [bad.public_id]
    outbox.announce(event(referrer="Evil.example"))
    assert Outbox.objects.held().get().held == "blocked"


def test_where_nobody_knows_the_source_nothing_is_blocked(operator: Any) -> None:
    assert moderation.block(event(), operator) == ""
    assert Policy.objects.count() == 0


def test_every_deed_is_audited(operator: Any) -> None:
    moderation.decide(operator, approves_first=True)
    outbox.announce(event())
    (row,) = Outbox.objects.held()
    moderation.refuse([row.pk], operator)
    moderation.hide("x" * 22, operator)
    assert list(AuditEvent.objects.order_by("pk").values_list("action", flat=True)) == [
        "feed.changed",
        "feed.refused",
        "feed.hidden",
    ]
    assert AuditEvent.objects.filter(actor=operator).count() == 3


def test_what_comes_from_elsewhere_is_judged_by_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "judges", [lambda text: "awful" in text])
    source = Source("image", "https://image.example.org/feed")
    bad = remote.read(source, json.dumps(picture(1, prompt="an awful thing")))
    assert policy.holds(bad) == "judged"
    assert policy.holds(remote.read(source, json.dumps(picture(2)))) == ""
    assert policy.keep(bad, "judged")
    assert not policy.keep(bad, "judged")


def test_what_is_held_does_not_grow_without_end(operator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "MOST_HELD", 3)
    moderation.decide(operator, approves_first=True)
    events = [event() for _ in range(5)]
    for each in events:
        outbox.announce(each)
    assert policy.trim() == 2
    assert [str(row.event_id) for row in Outbox.objects.held().order_by("pk")] == [each.id for each in events[2:]]


def test_with_the_database_away_what_held_last_holds(operator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    moderation.decide(operator, is_paused=True)
    assert policy.current().is_paused
    monkeypatch.setattr(policy, "FRESH", 0.0)

    def away() -> None:
        raise DatabaseError

    monkeypatch.setattr(policy, "read", away)
    assert policy.current().is_paused


def test_no_frame_says_team_or_score() -> None:
    one = event(team=7, app=8, score=0.3)
    for frame in (one.image_frame(), one.text_frame(), one.wall_item("1.1", 1)):
        assert not {"team", "app", "score"} & set(frame)
