"""The operator's page of the feed."""

import pytest
from django.test import Client
from django.utils import timezone

from feeds import moderation, outbox, policy, recent
from feeds.models import Outbox, Policy
from feeds.relay import following
from generation import fulfilment
from generation.models import Generation
from pollweb.accounts.models import AuditEvent
from tests.factories import UserFactory
from tests.feeds.conftest import event
from tests.gallery.conftest import make

__all__ = ["make"]  # a fixture

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nothing_decided(monkeypatch):
    monkeypatch.setattr(policy, "_known", None)


@pytest.fixture
def operator(client):
    operator = UserFactory.create(is_staff=True)
    client.force_login(operator)
    return operator


def test_it_is_there_for_operators_only(client):
    assert client.get("/staff/feed").status_code == 302
    client.force_login(UserFactory.create())
    assert client.get("/staff/feed").status_code == 404
    for path in ("decide", "pause", "act", "approve"):
        assert client.post(f"/staff/feed/{path}").status_code == 404
    assert not Policy.objects.exists()


def test_what_is_held_is_seen_and_approved(client, operator):
    moderation.decide(operator, words=["boat"])
    outbox.announce(event(prompt="a <b>boat</b>"))
    content = client.get("/staff/feed").content.decode()
    assert "a &lt;b&gt;boat" in content
    assert "Has a held word" in content
    (row,) = Outbox.objects.held()
    client.post("/staff/feed/act", {"deed": "approve", "held": row.pk})
    assert "Nothing is held back" in client.get("/staff/feed").content.decode()


def test_all_that_were_shown_are_approved_and_nothing_else(client, operator):
    moderation.decide(operator, approves_first=True)
    for _ in range(3):
        outbox.announce(event())
    first, second, third = Outbox.objects.held().order_by("pk")
    client.post("/staff/feed/approve", {"held": [first.pk, second.pk]})
    assert list(Outbox.objects.held()) == [third]


def test_the_feed_is_paused_and_goes_on(client, operator):
    client.post("/staff/feed/pause", {"paused": "1"})
    assert policy.read().is_paused
    assert "Let the feed go on" in client.get("/staff/feed").content.decode()
    client.post("/staff/feed/pause", {"paused": "0"})
    assert not policy.read().is_paused


def test_what_holds_for_all_is_saved(client, operator):
    said = {"approves_first": "on", "delay": "3", "threshold": "0.4", "words": "one\n two \n\none", "blocked": "team:3"}
    assert client.post("/staff/feed/decide", said).status_code == 302
    decided = policy.read()
    assert (decided.approves_first, decided.delay, decided.threshold) == (True, 3.0, 0.4)
    assert (decided.words, decided.blocked) == (("one", "two"), frozenset({"team:3"}))


@pytest.mark.parametrize("said", [{"delay": "-1"}, {"delay": "x"}, {"threshold": "2"}])
def test_what_cannot_be_is_said_beside_its_field(client, operator, said):
    response = client.post("/staff/feed/decide", said)
    assert response.status_code == 422
    assert 'aria-invalid="true"' in response.content.decode()
    assert not Policy.objects.exists()


@pytest.mark.parametrize(
    "said", [{}, {"deed": "shout"}, {"deed": "hide", "told": "gone"}, {"deed": "block", "held": "9" * 30}]
)
def test_what_is_not_there_is_a_404(client, operator, said):
    assert client.post("/staff/feed/act", said).status_code == 404


def test_what_somebody_else_did_first_is_said(client, operator):
    response = client.post("/staff/feed/act", {"deed": "approve", "held": "77"}, follow=True)
    assert "Somebody else was quicker." in response.content.decode()


def test_its_list_is_asked_for_alone(client, operator):
    content = client.get("/staff/feed", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in content
    assert 'id="queue"' in content


def test_following_is_turned_on_off_and_left_to_the_file(client, operator):
    for said, decided in (("on", True), ("off", False), ("", None)):
        client.post("/staff/feed/decide", {"follows": said})
        assert policy.read().follows is decided
        assert following.wanted(True) is (decided is not False)
        policy.forget()
        assert following.wanted(False) is (decided is True)
        policy.forget()


@pytest.fixture
def told(make):
    """A picture made here, which is on the screens."""
    row = make(prompt="a red fox", referrer="evil.example")
    outbox.announce(fulfilment.event(row))
    return row


def test_what_is_hidden_leaves_the_screens_and_the_gallery_and_is_shown_again(client, operator, told):
    client.post("/staff/feed/act", {"deed": "hide", "told": told.public_id})
    told.refresh_from_db()
    assert told.hidden_at is not None
    assert recent.told() == []
    assert Outbox.objects.get(kind="remove").payload["public_id"] == told.public_id
    page = client.get("/staff/feed").content.decode()
    assert "Hidden lately" in page
    assert f"/media/{told.public_id}" not in page
    assert Client().get(f"/p/{told.public_id}").status_code == 410
    client.post("/staff/feed/act", {"deed": "show", "told": told.public_id})
    told.refresh_from_db()
    assert told.hidden_at is None
    assert Client().get(f"/p/{told.public_id}").status_code == 200
    assert recent.told() == []
    assert "Hidden lately" not in client.get("/staff/feed").content.decode()
    deeds = AuditEvent.objects.filter(target=told.public_id, actor=operator).order_by("pk")
    assert [each.action for each in deeds] == ["item.hidden", "feed.hidden", "item.shown", "feed.shown"]


def test_what_its_maker_deleted_or_made_private_meanwhile_is_not_shown_again(client, operator, told, make):
    client.post("/staff/feed/act", {"deed": "hide", "told": told.public_id})
    for gone in ({"deleted_at": timezone.now()}, {"deleted_at": None, "visibility": "private"}):
        Generation.objects.filter(pk=told.pk).update(**gone)
        answer = client.post("/staff/feed/act", {"deed": "show", "told": told.public_id}, follow=True)
        assert "Somebody else was quicker" in answer.content.decode()
        told.refresh_from_db()
        assert told.hidden_at is not None


def test_what_was_made_elsewhere_leaves_the_screens(client, operator):
    foreign = event(remote=True, source="image.example.org")
    outbox.announce(foreign)
    client.post("/staff/feed/act", {"deed": "hide", "told": foreign.public_id})
    assert recent.told() == []
    assert Outbox.objects.get(kind="remove").payload["public_id"] == foreign.public_id


def test_blocking_a_source_leaves_the_gallery_as_it_is(client, operator, told):
    client.post("/staff/feed/act", {"deed": "block", "told": told.public_id})
    told.refresh_from_db()
    assert (recent.told(), told.hidden_at) == ([], None)
