"""The audit log: complete, filtered by its address, paged, exported, and never changed."""

import csv
import io
from datetime import UTC, datetime

import pytest
from django.db import transaction
from django.test import Client
from django.utils import translation

from pollweb.accounts import scopes
from pollweb.accounts.audit import record
from pollweb.accounts.models import AuditEvent
from tests.accounts.conftest import Cast


@pytest.fixture
def alice(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.alice)
    return client


def fill(cast: Cast, count: int, action: str = "token.created", **fields) -> None:
    AuditEvent.objects.bulk_create(
        AuditEvent(team=cast.bees, actor=cast.alice, actor_name="alice", action=action, target=f"thing {n}", **fields)
        for n in range(count)
    )


def test_events_are_never_changed(cast: Cast):
    event = record("token.created", team=cast.bees, actor=cast.alice, target="x")
    event.target = "y"
    for change in (
        event.save,
        event.delete,
        AuditEvent.objects.all().delete,
        lambda: AuditEvent.objects.update(target="y"),
    ):
        with pytest.raises(TypeError), transaction.atomic():
            change()
    assert AuditEvent.objects.get().target == "x"


def test_they_leave_with_their_team(cast: Cast):
    record("token.created", team=cast.bees, actor=cast.alice, target="x")
    cast.bees.delete()
    assert not AuditEvent.objects.exists()


def test_pages_show_every_event_once(cast: Cast, alice: Client):
    fill(cast, 120)
    seen, url = [], "/t/bees/audit"
    while url:
        context = alice.get(url).context
        seen += [event.pk for event, _label, _details in context["events"]]
        url = context["older_url"]
    assert seen == sorted(AuditEvent.objects.values_list("pk", flat=True), reverse=True)


def test_one_can_go_back_to_newer_ones(cast: Cast, alice: Client):
    fill(cast, 120)
    second = alice.get(alice.get("/t/bees/audit").context["older_url"]).context
    third = alice.get(second["older_url"]).context
    back = alice.get(third["newer_url"]).context
    assert [event.pk for event, *_ in back["events"]] == [event.pk for event, *_ in second["events"]]


def test_the_address_says_what_is_looked_for(cast: Cast, alice: Client):
    fill(cast, 2, created_at=datetime(2026, 1, 10, 23, 59, tzinfo=UTC))
    fill(cast, 3, action="token.revoked", created_at=datetime(2026, 1, 12, tzinfo=UTC))
    record("member.joined", team=cast.bees, actor=cast.bob, target="bob")

    def count(query: str) -> int:
        return len(alice.get(f"/t/bees/audit?{query}").context["events"])

    assert count("") == 6
    assert count("action=token.revoked") == 3
    assert count("actor=bob") == 1
    assert count("until=2026-01-10") == 2
    assert count("since=2026-01-11&until=2026-01-12") == 3
    assert count("since=tomorrow") == 6
    nothing = alice.get("/t/bees/audit?actor=nobody")
    assert nothing.status_code == 200
    assert b"Clear filters" in nothing.content


def test_a_damaged_cursor_is_said_to_be_one(cast: Cast, alice: Client):
    for cursor in ("x", "-1", "9" * 30, "１２"):
        assert alice.get("/t/bees/audit", {"after": cursor}).status_code == 400


def test_a_page_costs_few_queries(cast: Cast, alice: Client, django_assert_max_num_queries):
    fill(cast, 120)
    with django_assert_max_num_queries(12):
        alice.get("/t/bees/audit")


def test_the_csv_holds_all_that_the_filters_show_and_no_formulas(cast: Cast, alice: Client):
    fill(cast, 700)
    record("token.created", team=cast.bees, actor=cast.bob, target='=HYPERLINK("http://evil")')
    record("token.created", team=cast.wasps, actor=cast.charlie, target="theirs")
    answer = alice.get("/t/bees/audit.csv")
    assert answer.streaming
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert rows[0] == ["time", "who", "action", "on", "detail", "from"]
    assert len(rows) == 702
    assert rows[1][3].startswith("'=HYPERLINK")
    assert not any("theirs" in row for row in rows)


def test_it_says_from_which_network(cast: Cast, alice: Client):
    alice.post("/teams/new", {"name": "Here", "visibility": "private"}, REMOTE_ADDR="192.0.2.7")
    assert AuditEvent.objects.get(action="team.created").address == "192.0.2.7"


def test_details_are_told_in_the_reader_s_language_with_its_marks(cast: Cast, alice: Client):
    record("token.created", team=cast.bees, actor=cast.alice, target="x", token=7, scopes=["images", "mcp"])
    assert "token number: 7, scopes: Make and change pictures; Connect by MCP" in alice.get("/t/bees/audit").text
    chinese = alice.get("/t/bees/audit?hl=zh-hans").text
    with translation.override("zh-hans"):
        words = "；".join(str(scopes.WORDS[name]) for name in ("images", "mcp"))
    assert "：7，" in chinese
    assert f"：{words}<" in chinese
    assert "scopes: images mcp" in b"".join(alice.get("/t/bees/audit.csv").streaming_content).decode()
