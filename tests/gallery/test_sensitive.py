"""An operator says what is sensitive and what is not; it goes where mature results are, and its maker reads why."""

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from feeds import moderation, outbox, policy, recent
from feeds.models import Outbox
from generation import fulfilment
from generation.models import Generation
from generation.web import own
from pollweb.accounts.models import AuditEvent, Membership
from pollweb.gallery import removal
from pollweb.gallery.models import Report, Sensitivity
from tests.factories import TeamFactory, UserFactory
from tests.feeds.conftest import event


@pytest.fixture(autouse=True)
def nothing_decided(monkeypatch):
    monkeypatch.setattr(policy, "_known", None)


@pytest.fixture
def operator(client, db):
    operator = UserFactory.create(is_staff=True, username="charlie")
    client.force_login(operator)
    return operator


@pytest.fixture
def maker():
    """`maker(row)`: the browser that made it."""

    def maker(row):
        browser = Client()
        session = browser.session
        session[own.KEY] = [row.public_id]
        session.save()
        return browser

    return maker


def decide(client, row, deed="mark", reason="bare skin", **said):
    return client.post("/staff/reports/decide", {"item": row.public_id, "deed": deed, "reason": reason, **said})


def decide_held(client, deed, reason="", **said):
    held = Outbox.objects.held().get().pk
    return client.post("/staff/held/decide", {"held": held, "deed": deed, "reason": reason, **said})


def page(browser, row):
    return browser.get(f"/p/{row.public_id}")


@pytest.mark.django_db(transaction=True)
def test_what_is_marked_leaves_gallery_feed_and_walls(client, operator, make):
    row = make()
    outbox.announce(fulfilment.event(row))
    assert [item.public_id for item in recent.told()] == [row.public_id]
    decide(client, row)
    assert recent.told() == []
    assert Outbox.objects.get(kind="remove").payload["public_id"] == row.public_id
    assert not Generation.objects.public().exists()
    assert page(Client(), row).status_code == 404
    assert Client().get(f"/media/{row.public_id}/original").status_code == 404
    marked = AuditEvent.objects.get(action="item.marked")
    assert (marked.actor, marked.target, marked.detail) == (operator, row.public_id, {"reason": "bare skin"})


def test_its_maker_reads_why_and_sees_it_blurred(client, operator, make, maker):
    row = make()
    decide(client, row)
    browser = maker(row)
    assert browser.get(f"/jobs/{row.public_id}").url == f"/p/{row.public_id}"
    said = page(browser, row).content.decode()
    assert ("An operator has marked it as sensitive" in said, "bare skin" in said) == (True, True)
    assert "data-mature" in said
    assert browser.get(f"/p/{row.public_id}/media").status_code == 200


def test_a_team_is_written_to(client, operator, make, django_capture_on_commit_callbacks):
    alice = UserFactory.create(username="alice", email="alice@example.org")
    team = TeamFactory.create(name="Foxes")
    Membership.objects.create(user=alice, team=team, role="owner")
    with django_capture_on_commit_callbacks(execute=True):
        decide(client, make(team=team))
    [told] = mail.outbox
    assert (told.to, "an item of Foxes was marked as sensitive" in told.subject) == (["alice@example.org"], True)
    assert "bare skin" in told.body


def test_the_mark_is_taken_back_on_the_items_page(client, operator, make, maker):
    row = make()
    assert "Mark as sensitive" in page(client, row).content.decode()
    assert decide(client, row, back="item").url == f"/p/{row.public_id}"
    assert "Take the mark back" in page(client, row).content.decode()
    decide(client, row, "unmark", "a statue", back="item")
    assert page(Client(), row).status_code == 200
    assert "not in the gallery" not in page(maker(row), row).content.decode()
    assert AuditEvent.objects.get(action="item.unmarked").detail == {"reason": "a statue"}
    said = Sensitivity.objects.get()
    assert (said.is_sensitive, said.reason, said.decided_by) == (False, "a statue", operator)


def test_visitors_have_no_such_buttons_and_members_may_not_decide(client, make, operator):
    row = make()
    assert "Mark as sensitive" not in page(Client(), row).content.decode()
    member = Client()
    member.force_login(UserFactory.create())
    for browser in (Client(), member):
        assert decide(browser, row).status_code in (302, 404)
        assert "staff" not in decide(browser, row).headers.get("Location", "").split("?")[0]
    assert Generation.objects.public().exists()


@pytest.mark.parametrize("columns", [{"visibility": "private"}, {"deleted_at": timezone.now()}])
def test_what_is_its_makers_alone_is_not_marked(client, operator, make, columns):
    decide(client, make(**columns))
    assert not Sensitivity.objects.exists()
    assert not Generation.objects.filter(is_mature=True).exists()


def test_a_mark_answers_the_reports_and_what_they_had_hidden_is_only_sensitive(client, operator, make, maker):
    row = make()
    Report.objects.create(generation=row, reason="sexual", browser="b", network="192.0.2.0/24")
    removal.hide(row, None, reason="reports")
    decide(client, row)
    row.refresh_from_db()
    assert (row.is_mature, row.hidden_at) == (True, None)
    assert not Report.objects.open().exists()
    assert "bare skin" in page(maker(row), row).content.decode()


def test_two_operators_mark_the_same_and_the_second_is_told(client, operator, make):
    row = make()
    decide(client, row)
    assert "Somebody else was quicker" in client.get(decide(client, row).url).content.decode()
    assert AuditEvent.objects.filter(action="item.marked").count() == 1


def test_what_is_hidden_on_its_page_without_a_report_says_why_too(client, operator, make, maker):
    row = make()
    assert decide(client, row, "hide", "a face without consent", back="item").url == f"/p/{row.public_id}"
    said = page(maker(row), row).content.decode()
    assert ("Taken out of the gallery" in said, "a face without consent" in said) == (True, True)
    assert "a face without consent" not in page(Client(), row).content.decode()


def test_what_is_hidden_on_its_page_is_shown_again_on_the_feeds_page(client, operator, make):
    row, reported = make(), make()
    removal.hide(reported, None, reason="reports")
    decide(client, row, "hide", "a mistake", back="item")
    said = client.get("/staff/feed").content.decode()
    assert (row.public_id in said, reported.public_id in said) == (True, False)
    client.post("/staff/feed/act", {"deed": "show", "told": row.public_id})
    assert Generation.objects.public().get() == row


# --- what a machine says ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("notes", "why"),
    [({"nsfw_score": 0.93}, "High score"), ({"nsfw_score": 0.1}, "Mature words"), ({}, "Mature words")],
)
def test_what_a_machine_found_sensitive_waits_with_the_reason(client, operator, make, notes, why):
    row = make(prompt="a marble statue", is_mature=True, notes=notes)
    said = client.get("/staff/reports").content.decode()
    assert ("a marble statue" in said, why in said) == (True, True)
    assert f"Score {notes.get('nsfw_score', 0):.2f}" in said or not notes
    assert page(client, row).status_code == 200, "operators look at it"


def test_it_is_released_into_the_gallery(client, operator, make):
    row = make(is_mature=True)
    decide(client, row, "unmark", "a marble statue")
    assert Generation.objects.public().filter(pk=row.pk).exists()
    assert "Nothing waits" in client.get("/staff/reports").content.decode()


def test_what_is_kept_sensitive_waits_no_longer_and_its_maker_reads_why(client, operator, make, maker):
    row = make(is_mature=True)
    assert "The classifier or the word rules found it" in page(maker(row), row).content.decode()
    decide(client, row)
    assert "Nothing waits" in client.get("/staff/reports").content.decode()
    assert "bare skin" in page(maker(row), row).content.decode()


# --- what waits for the feed ------------------------------------------------------------------------------------------


@pytest.fixture
def held(operator, make):
    """A picture made here, which the words of the feed's policy hold back."""
    moderation.decide(operator, words=["fox"])
    policy.forget()
    row = make(prompt="a <b>red</b> fox")
    outbox.announce(fulfilment.event(row))
    return row


def test_what_the_feed_holds_back_is_in_the_queue_and_is_released(client, operator, held):
    said = client.get("/staff/reports").content.decode()
    assert ("a &lt;b&gt;red" in said, "Has a held word" in said) == (True, True)
    decide_held(client, "release")
    assert not Outbox.objects.held().exists()
    assert Outbox.objects.due().count() + Outbox.objects.exclude(published_at=None).count() == 1
    assert AuditEvent.objects.filter(action="feed.approved", actor=operator).exists()


def test_what_the_feed_holds_back_is_hidden_and_never_told(client, operator, held):
    decide_held(client, "hide", "a flag of theirs")
    assert not Generation.objects.public().exists()
    assert not Outbox.objects.held().exists()
    assert not Outbox.objects.due().filter(kind="image").exists()
    assert AuditEvent.objects.get(action="feed.refused").detail == {"reason": "a flag of theirs"}
    assert AuditEvent.objects.get(action="item.hidden").actor == operator


def test_what_the_feed_holds_back_is_marked_as_sensitive(client, operator, held):
    decide_held(client, "mark", "bare skin")
    held.refresh_from_db()
    assert (held.is_mature, Outbox.objects.held().count()) == (True, 0)


@pytest.mark.parametrize("deed", ["hide", "mark"])
def test_nothing_held_is_hidden_or_marked_without_a_reason(client, operator, held, deed):
    assert "Say why" in client.get(decide_held(client, deed).url).content.decode()
    assert Outbox.objects.held().count() == 1


def test_what_was_made_elsewhere_is_refused(client, operator):
    moderation.decide(operator, words=["boat"])
    policy.forget()
    outbox.announce(event(prompt="a boat", remote=True, source="image.example.org"))
    assert "image.example.org" in client.get("/staff/reports").content.decode()
    decide_held(client, "hide", "not here")
    assert not Outbox.objects.held().exists()
    assert AuditEvent.objects.get(action="feed.refused").detail == {"reason": "not here"}


def test_the_queue_costs_a_bounded_number_of_queries(client, operator, make, django_assert_max_num_queries):
    moderation.decide(operator, approves_first=True)
    policy.forget()
    for _ in range(8):
        make(is_mature=True)
        outbox.announce(fulfilment.event(make()))
    with django_assert_max_num_queries(12):
        client.get("/staff/reports")
