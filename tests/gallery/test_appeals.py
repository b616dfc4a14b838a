"""Whoever made what an operator has taken out reads why, and may say once why it should come back."""

import pytest
from django.core import mail
from django.test import Client

from generation.models import Generation
from generation.web import own
from pollweb.accounts.models import AuditEvent, Membership
from pollweb.gallery import appeals, removal
from pollweb.gallery.models import Appeal, Report
from tests.factories import TeamFactory, UserFactory


@pytest.fixture
def operator(db):
    return UserFactory.create(is_staff=True, username="charlie")


@pytest.fixture
def desk(operator):
    """The operator's browser."""
    browser = Client()
    browser.force_login(operator)
    return browser


@pytest.fixture
def alice(db):
    return UserFactory.create(username="alice", email="alice@example.org")


@pytest.fixture
def team(alice):
    team = TeamFactory.create(name="Foxes")
    Membership.objects.create(user=alice, team=team, role="owner")
    return team


@pytest.fixture
def mine(client, make):
    """A public picture that this browser made."""
    row = make(prompt="a red fox")
    session = client.session
    session[own.KEY] = [row.public_id]
    session.save()
    return row


def take_out(row, operator, reason="a flag of theirs"):
    Report.objects.create(generation=row, reason="hate", browser="b", network="192.0.2.0/24")
    removal.uphold(row, operator, reason=reason)
    row.refresh_from_db()


def appeal(client, row, words="it is a fox, and the flag is my own"):
    return client.post(f"/p/{row.public_id}/appeal", {"words": words})


def answer(desk, deed, words="you are right"):
    return desk.post("/staff/appeals/decide", {"appeal": Appeal.objects.get().pk, "deed": deed, "answer": words})


def test_its_maker_reads_why_and_everybody_else_that_it_is_gone(client, mine, operator):
    take_out(mine, operator)
    page = client.get(f"/p/{mine.public_id}")
    said = page.content.decode()
    assert page.status_code == 200
    assert page["Cache-Control"] == "private, no-store"
    assert ("The reason: Hate." in said, "a flag of theirs" in said) == (True, True)
    assert f'href="/p/{mine.public_id}/appeal"' in said
    for file in ("media", "download"):
        assert client.get(f"/p/{mine.public_id}/{file}").status_code == 200
    other = Client().get(f"/p/{mine.public_id}")
    assert other.status_code == 410
    assert "a flag of theirs" not in other.content.decode()
    assert Client().get(f"/p/{mine.public_id}/media").status_code == 410
    assert Client().get(f"/media/{mine.public_id}/original").status_code == 404


def test_what_reports_alone_have_hidden_has_still_to_be_judged(client, mine):
    Report.objects.create(generation=mine, reason="hate", browser="b", network="192.0.2.0/24")
    removal.hide(mine, None, reason="reports")
    assert "Hidden until an operator has looked" in client.get(f"/p/{mine.public_id}").content.decode()
    assert appeal(client, mine).status_code == 302
    assert not Appeal.objects.exists()


def test_an_appeal_is_granted_and_the_item_is_where_it_was(client, mine, operator, desk):
    take_out(mine, operator)
    assert "a flag of theirs" in client.get(f"/p/{mine.public_id}/appeal").content.decode()
    assert appeal(client, mine).status_code == 302
    assert "Your appeal waits" in client.get(f"/p/{mine.public_id}").content.decode()
    queue = desk.get("/staff/reports").content.decode()
    assert "it is a fox, and the flag is my own" in queue
    assert "It is in the gallery again" in desk.get(answer(desk, "grant").url).content.decode()
    assert Generation.objects.public().filter(pk=mine.pk).exists()
    assert Client().get(f"/p/{mine.public_id}").status_code == 200
    assert not Report.objects.upheld().exists()
    event = AuditEvent.objects.get(action="appeal.granted")
    assert (event.target, event.detail) == (mine.public_id, {"reason": "you are right"})


def test_an_appeal_is_refused_with_words_and_there_is_no_second_one(client, mine, operator, desk):
    take_out(mine, operator)
    appeal(client, mine)
    answer(desk, "refuse", "it is theirs after all")
    said = client.get(f"/p/{mine.public_id}").content.decode()
    assert ("Your appeal was refused" in said, "it is theirs after all" in said) == (True, True)
    assert appeal(client, mine, "but").status_code == 302
    assert Appeal.objects.count() == 1
    assert not Generation.objects.public().exists()
    answer(desk, "grant")
    assert not Generation.objects.public().exists()
    assert not Appeal.objects.get().is_granted


def test_another_removal_may_be_appealed_against_again(client, mine, operator, desk):
    take_out(mine, operator)
    appeal(client, mine)
    answer(desk, "grant")
    removal.hide(mine, operator, reason="feed")
    assert "An operator has taken it out" in client.get(f"/p/{mine.public_id}").content.decode()
    appeal(client, mine, "again?")
    assert Appeal.objects.count() == 2


def test_an_appeal_against_one_removal_does_not_undo_the_next(client, mine, operator, desk):
    take_out(mine, operator)
    appeal(client, mine)
    removal.show(mine, operator)
    removal.hide(mine, operator, reason="feed")
    assert "it is a fox" not in desk.get("/staff/reports").content.decode()
    assert "Somebody else was quicker" in desk.get(answer(desk, "grant").url).content.decode()
    assert not Generation.objects.public().exists()


def test_what_its_maker_has_made_private_since_stays_private(client, mine, operator, desk):
    take_out(mine, operator)
    appeal(client, mine)
    client.post(f"/p/{mine.public_id}/own", {"deed": "private"})
    answer(desk, "grant")
    assert not Generation.objects.public().exists()
    assert Client().get(f"/p/{mine.public_id}").status_code == 404


def test_what_its_maker_has_deleted_since_stays_deleted(client, mine, operator, desk):
    take_out(mine, operator)
    appeal(client, mine)
    client.post(f"/p/{mine.public_id}/own", {"deed": "delete"})
    answer(desk, "grant")
    assert Client().get(f"/p/{mine.public_id}").status_code == 410


def test_nobody_else_may_appeal(client, make, operator, mine):
    other = make(prompt="a blue fox")
    take_out(other, operator)
    for browser in (client, Client()):
        assert browser.get(f"/p/{other.public_id}/appeal").status_code == 404
        assert appeal(browser, other).status_code == 404
    assert appeal(client, mine).status_code == 404, "nothing was taken out"
    assert not Appeal.objects.exists()


@pytest.mark.parametrize("words", ["", "   ", "a" * 1001])
def test_an_appeal_has_words_and_not_too_many(client, mine, operator, words):
    take_out(mine, operator)
    assert appeal(client, mine, words).status_code == 422
    assert not Appeal.objects.exists()


def test_one_network_has_a_few_appeals_an_hour(client, make, operator, monkeypatch):
    monkeypatch.setattr(appeals, "MOST_AN_HOUR", 2)
    rows = [make() for _ in range(3)]
    session = client.session
    session[own.KEY] = [row.public_id for row in rows]
    session.save()
    for row in rows:
        take_out(row, operator)
    assert [appeal(client, row).status_code for row in rows] == [302, 302, 429]


@pytest.mark.parametrize("deed", ["grant", "refuse"])
def test_only_operators_decide_and_they_say_why(client, mine, operator, desk, alice, deed):
    take_out(mine, operator)
    appeal(client, mine)
    assert answer(client, deed).status_code in (302, 403, 404)
    member = Client()
    member.force_login(alice)
    assert answer(member, deed).status_code in (403, 404)
    assert "whoever made it reads it" in desk.get(answer(desk, deed, "").url).content.decode()
    assert Appeal.objects.open().count() == 1


def test_a_team_is_written_to_and_its_members_appeal(
    client, make, alice, team, operator, desk, django_capture_on_commit_callbacks
):
    row = make(prompt="a red fox", team=team)
    with django_capture_on_commit_callbacks(execute=True):
        take_out(row, operator)
    [told] = mail.outbox
    assert told.to == ["alice@example.org"]
    assert "an item of Foxes was taken out of the gallery" in told.subject
    assert ("a flag of theirs" in told.body, f"/p/{row.public_id}" in told.body) == (True, True)
    client.force_login(alice)
    assert "The reason: Hate." in client.get(f"/p/{row.public_id}").content.decode()
    assert appeal(client, row).status_code == 302
    assert Appeal.objects.get().user == alice
    with django_capture_on_commit_callbacks(execute=True):
        answer(desk, "grant")
    assert "is in the gallery again" in mail.outbox[1].subject
    assert len(mail.outbox) == 2


def test_words_of_makers_and_operators_are_only_words(client, mine, operator, desk):
    take_out(mine, operator, "<script>alert(1)</script>")
    appeal(client, mine, "<img src=x onerror=alert(2)>")
    for page in (client.get(f"/p/{mine.public_id}"), desk.get("/staff/reports")):
        said = page.content.decode()
        assert ("<script>alert(1)" in said, "<img src=x" in said) == (False, False)
