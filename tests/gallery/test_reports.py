"""Whoever sees something wrong can say so without an account, and an operator decides."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from feeds.models import Outbox
from generation.models import Generation
from pollweb.accounts.models import AuditEvent
from pollweb.gallery import removal, reporting
from pollweb.gallery.models import Report
from tests.factories import UserFactory

NETWORKS = ("192.0.2.1", "198.51.100.2", "203.0.113.3", "192.0.2.4")


@pytest.fixture
def visitor(settings):
    """`visitor(address)`: another browser at this address."""
    return lambda address: Client(REMOTE_ADDR=address)


@pytest.fixture
def operator(client, db):
    operator = UserFactory.create(is_staff=True)
    client.force_login(operator)
    return operator


def report(client, row, reason="hate", **said):
    return client.post(f"/p/{row.public_id}/report", {"reason": reason, **said})


def retracted() -> list[str]:
    return [row.payload["public_id"] for row in Outbox.objects.filter(kind="remove")]


def test_a_visitor_reports_an_item_without_an_account(client, make):
    row = make(prompt="a red fox")
    page = client.get(f"/p/{row.public_id}")
    assert f'href="/p/{row.public_id}/report"' in page.content.decode()
    assert b"a red fox" in client.get(f"/p/{row.public_id}/report").content
    answer = report(client, row, words="the flag in the corner", mail="alice@example.org")
    assert b"An operator looks at what you reported" in answer.content
    kept = Report.objects.get()
    assert (kept.generation, kept.reason, kept.words, kept.mail) == (
        row,
        "hate",
        "the flag in the corner",
        "alice@example.org",
    )


def test_one_browser_has_one_report_of_an_item(client, make):
    row, other = make(), make()
    for _ in range(3):
        assert report(client, row).status_code == 200
    report(client, other)
    assert Report.objects.count() == 2


@pytest.mark.parametrize(
    "said", [{"reason": ""}, {"reason": "ugly"}, {"words": "x" * 1001}, {"mail": "nonsense"}, {"words": "a\0b"}]
)
def test_a_report_that_says_nothing_we_know_is_shown_again(client, make, said):
    answer = report(client, make(), **said)
    assert answer.status_code == 422
    assert not Report.objects.exists()


@pytest.mark.parametrize("columns", [{"visibility": "private"}, {"is_mature": True}, {"hidden_at": timezone.now()}])
def test_what_nobody_sees_cannot_be_reported(client, make, columns):
    row = make(prompt="a secret", **columns)
    answer = report(client, row)
    assert answer.status_code in (404, 410)
    assert b"a secret" not in answer.content


def test_more_than_a_few_an_hour_from_one_network_are_too_many(client, make, monkeypatch):
    monkeypatch.setattr(reporting, "MOST_AN_HOUR", 2)
    assert [report(client, make()).status_code for _ in range(3)] == [200, 200, 429]
    assert Report.objects.count() == 2


def test_three_who_know_nothing_of_each_other_hide_an_item_from_every_screen(make, visitor):
    row = make(prompt="a red fox")
    for _ in range(4):
        report(visitor(NETWORKS[0]), row)
    report(visitor(NETWORKS[1]), row)
    assert visitor(NETWORKS[3]).get(f"/p/{row.public_id}").status_code == 200
    report(visitor(NETWORKS[2]), row)
    gone = visitor(NETWORKS[3]).get(f"/p/{row.public_id}")
    assert gone.status_code == 410
    assert b"Several people have reported this item" in gone.content
    assert retracted() == [row.public_id]
    assert AuditEvent.objects.get(action="item.hidden").target == row.public_id


def test_reports_alone_hide_nothing_where_the_operator_does_not_want_it(make, visitor, settings):
    site = settings.DESIGN.site.model_copy(update={"reports_that_hide": 0})
    settings.DESIGN = settings.DESIGN.model_copy(update={"site": site})
    row = make()
    for address in NETWORKS:
        report(visitor(address), row)
    assert Generation.objects.public().filter(pk=row.pk).exists()


def test_the_list_of_reports_is_there_for_operators_only(client, make):
    assert client.get("/staff/reports").status_code == 302
    client.force_login(UserFactory.create())
    assert client.get("/staff/reports").status_code == 404
    row = make()
    assert (
        client.post("/staff/reports/decide", {"item": row.public_id, "deed": "hide", "reason": "x"}).status_code == 404
    )
    assert Generation.objects.public().count() == 1


def test_an_operator_sees_what_is_said_and_hides_the_item_with_a_reason(client, operator, make, visitor):
    row = make(prompt="a <b>red</b> fox")
    report(visitor(NETWORKS[0]), row, words="<script>alert(1)</script>")
    content = client.get("/staff/reports").content.decode()
    assert "a &lt;b&gt;red" in content
    assert "&lt;script&gt;alert(1)" in content
    client.post("/staff/reports/decide", {"item": row.public_id, "deed": "hide", "reason": "a hate symbol"})
    assert "Nothing waits" in client.get("/staff/reports").content.decode()
    event = AuditEvent.objects.get(action="item.hidden")
    assert (event.actor, event.target, event.detail["reason"]) == (operator, row.public_id, "a hate symbol")
    assert retracted() == [row.public_id]
    assert b"taken out of the gallery: Hate" in visitor(NETWORKS[1]).get(f"/p/{row.public_id}").content
    assert client.get(f"/p/{row.public_id}").status_code == 200, "operators go on seeing it"
    assert client.get(f"/p/{row.public_id}/media").status_code == 200


def test_dismissed_reports_bring_back_what_they_had_hidden(client, operator, make, visitor):
    row = make()
    for address in NETWORKS[:3]:
        report(visitor(address), row)
    client.post("/staff/reports/decide", {"item": row.public_id, "deed": "dismiss", "reason": "a plain fox"})
    assert Generation.objects.public().filter(pk=row.pk).exists()
    assert not Report.objects.open().exists()
    assert AuditEvent.objects.get(action="reports.dismissed").detail == {"reason": "a plain fox", "n": 3}


def test_dismissing_does_not_bring_back_what_was_hidden_for_another_reason(client, operator, make, visitor):
    row = make()
    report(visitor(NETWORKS[0]), row)
    Generation.objects.filter(pk=row.pk).update(hidden_at=timezone.now() - timedelta(days=1))
    client.post("/staff/reports/decide", {"item": row.public_id, "deed": "dismiss", "reason": "no"})
    assert not Generation.objects.public().exists()


def test_dismissing_does_not_bring_back_what_an_operator_hid_after_the_first_report(client, operator, make, visitor):
    row = make()
    report(visitor(NETWORKS[0]), row)
    removal.hide(row, operator, reason="feed")
    client.post("/staff/reports/decide", {"item": row.public_id, "deed": "dismiss", "reason": "not for this"})
    assert not Generation.objects.public().exists()
    assert not Report.objects.open().exists()


def test_an_operator_hides_what_reports_had_hidden_and_the_decision_is_recorded(client, operator, make, visitor):
    row = make()
    for address in NETWORKS[:3]:
        report(visitor(address), row)
    client.post("/staff/reports/decide", {"item": row.public_id, "deed": "hide", "reason": "a hate symbol"})
    hidden = AuditEvent.objects.filter(action="item.hidden", target=row.public_id).order_by("pk")
    assert [(each.actor, each.detail["reason"]) for each in hidden] == [(None, "reports"), (operator, "a hate symbol")]
    upheld = AuditEvent.objects.get(action="reports.upheld")
    assert (upheld.actor, upheld.detail) == (operator, {"reason": "a hate symbol", "n": 3})
    client.post("/staff/reports/decide", {"item": row.public_id, "deed": "hide", "reason": "once more"})
    assert hidden.count() == 2, "it is decided"


@pytest.mark.parametrize("said", [{"reason": ""}, {"deed": "burn"}, {"item": ""}, {"reason": "x" * 201}])
def test_a_decision_needs_an_item_a_deed_and_a_reason(client, operator, make, visitor, said):
    row = make()
    report(visitor(NETWORKS[0]), row)
    given = {"item": row.public_id, "deed": "hide", "reason": "bad", **said}
    client.post("/staff/reports/decide", given)
    assert Generation.objects.public().filter(pk=row.pk).exists()
    assert Report.objects.open().count() == 1


def test_thirty_reported_items_cost_a_bounded_number_of_queries(
    client, operator, make, visitor, monkeypatch, django_assert_max_num_queries
):
    monkeypatch.setattr(reporting, "MOST_AN_HOUR", 1000)
    for n in range(12):
        report(visitor(NETWORKS[n % 4]), make())
    with django_assert_max_num_queries(10):
        client.get("/staff/reports")
