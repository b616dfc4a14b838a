import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from standardwebhooks import Webhook as Signature

from generation import fulfilment, records
from generation.errors import ProviderError
from generation.models import Generation
from generation.requests import ChatRequest, store
from generation.results import Result, Usage
from pollweb.accounts import webhooks
from pollweb.accounts.models import AuditEvent, Webhook, WebhookDelivery
from pollweb.accounts.tokens import Actor
from pollweb.lib.errors import BadRequest
from tests.accounts.conftest import Cast


@dataclass
class Receiver:
    """Somebody's server, which answers as it is told and keeps what it heard."""

    url: str = ""
    status: int = 200
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def receiver(settings) -> Iterator[Receiver]:
    told = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
            answer = b"thanks <b>a lot</b>"
            self.send_response(told.status)
            if told.status == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.FETCH_ALLOW = [f"127.0.0.1:{server.server_port}"]
    told.url = f"http://127.0.0.1:{server.server_port}/hook"
    yield told
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    webhooks.forget()
    yield
    webhooks.forget()


@pytest.fixture
def hook(cast, receiver) -> tuple[Webhook, str]:
    made, secret = webhooks.create(cast.bees, receiver.url, list(webhooks.EVENTS), by=Actor(cast.alice))
    webhooks.forget()
    return made, secret


def request(cast: Cast, **values: Any) -> Generation:
    """One of the Bees' that is not saved yet."""
    usual = {
        "team": cast.bees,
        "kind": "text",
        "model": "openai",
        "prompt": "a secret wish",
        "params": store(ChatRequest(model="openai", messages=({"role": "user", "content": "a secret wish"},))),
        "fingerprint": "",
        "scope": "public",
        "principal": f"team:{cast.bees.pk}",
        "slot": "x",
        "deadline": timezone.now() + timedelta(minutes=1),
    }
    return Generation(**{**usual, **values})


def again_now(row: WebhookDelivery) -> None:
    WebhookDelivery.objects.filter(pk=row.pk).update(next_at=timezone.now())


def test_a_message_is_signed_so_that_the_library_of_the_standard_believes_it(cast, receiver, hook):
    webhooks.tell(cast.bees.pk, "generation.done", {"id": "abc", "words": "猫"})
    assert webhooks.send_due() == 1
    headers, body = receiver.heard[0]
    said = Signature(hook[1]).verify(body, headers)
    assert said["type"] == "generation.done"
    assert said["data"] == {"id": "abc", "words": "猫"}
    row = WebhookDelivery.objects.get()
    assert (row.state, row.status, row.attempts, row.answer) == ("delivered", 200, 1, "thanks <b>a lot</b>")
    assert headers["webhook-id"] == row.message_id
    assert webhooks.send_due() == 0
    assert len(receiver.heard) == 1


def test_the_secret_lies_nowhere_in_clear(cast, hook):
    found, secret = hook
    assert secret.startswith("whsec_")
    kept = Webhook.objects.values().get(pk=found.pk)
    assert secret not in str(kept)
    assert secret.removeprefix("whsec_") not in str(kept) + str(list(AuditEvent.objects.values()))


def test_a_failed_try_is_repeated_later_under_the_same_id_and_not_for_ever(receiver, cast, hook):
    receiver.status = 500
    webhooks.tell(cast.bees.pk, "generation.done", {})
    row = WebhookDelivery.objects.get()
    for tried in range(1, webhooks.MOST_ATTEMPTS + 1):
        assert webhooks.send_due() == 1
        row.refresh_from_db()
        assert row.attempts == tried
        if tried < webhooks.MOST_ATTEMPTS:
            assert row.state == "waiting"
            assert row.tried_at is not None
            pause = (row.next_at - row.tried_at).total_seconds()
            assert 0.7 * webhooks.PAUSES[tried - 1] < pause < 1.3 * webhooks.PAUSES[tried - 1]
            assert webhooks.send_due() == 0
            again_now(row)
    assert row.state == "failed"
    assert len({headers["webhook-id"] for headers, _ in receiver.heard}) == 1
    assert len(receiver.heard) == webhooks.MOST_ATTEMPTS


def test_a_redirect_is_not_followed(receiver, cast, hook):
    receiver.status = 302
    webhooks.tell(cast.bees.pk, "generation.done", {})
    webhooks.send_due()
    assert WebhookDelivery.objects.get().status == 302
    assert len(receiver.heard) == 1


def test_after_fifty_failures_in_a_row_it_stops_and_says_so(receiver, cast, hook, mailoutbox, client):
    receiver.status = 503
    Webhook.objects.update(failures=webhooks.STOPS_AFTER - 1)
    webhooks.tell(cast.bees.pk, "generation.done", {})
    webhooks.send_due()
    found = Webhook.objects.get()
    assert (found.stopped_reason, found.failures) == ("failures", 50)
    assert AuditEvent.objects.filter(action="webhook.stopped", team=cast.bees).count() == 1
    assert mailoutbox[0].to == [cast.alice.email]
    client.force_login(cast.alice)
    assert b"stopped" in client.get(f"/t/bees/webhooks/{found.pk}").content

    # Nothing is told meanwhile; after a start what waited goes out.
    webhooks.tell(cast.bees.pk, "generation.done", {})
    row = WebhookDelivery.objects.get()
    again_now(row)
    assert webhooks.send_due() == 0
    receiver.status = 200
    client.post(f"/t/bees/webhooks/{found.pk}/start")
    assert webhooks.send_due() == 1
    assert Webhook.objects.get().failures == 0


def test_one_that_says_gone_is_stopped_at_once(receiver, cast, hook):
    receiver.status = 410
    webhooks.tell(cast.bees.pk, "generation.done", {})
    webhooks.send_due()
    assert Webhook.objects.get().stopped_reason == "gone"


def test_a_receiver_that_is_away_fails_the_try_with_a_sentence(settings, cast):
    settings.FETCH_ALLOW = ["127.0.0.1:9"]
    webhooks.create(cast.bees, "http://127.0.0.1:9/", ["generation.done"], by=Actor(cast.alice))
    webhooks.forget()
    webhooks.tell(cast.bees.pk, "generation.done", {})
    webhooks.send_due()
    row = WebhookDelivery.objects.get()
    assert (row.status, row.problem) == (None, "The connection to the address's server failed.")


@pytest.mark.parametrize(
    "url",
    ["http://app.example.com/hook", "https://127.0.0.1/", "https://[::1]/", "https://a:b@example.com/", "ftp://a.b/"],
)
def test_an_address_that_is_not_https_to_the_outside_is_refused(cast, url):
    with pytest.raises(BadRequest):
        webhooks.create(cast.bees, url, ["generation.done"], by=Actor(cast.alice))


def test_a_name_that_leads_inside_is_never_connected_to(receiver, cast, hook, settings):
    """What was public when it was registered may be ours today: each try judges again."""
    settings.FETCH_ALLOW = []
    webhooks.tell(cast.bees.pk, "generation.done", {})
    webhooks.send_due()
    assert receiver.heard == []
    assert WebhookDelivery.objects.get().problem


def test_both_secrets_sign_for_a_day_after_a_rotation(receiver, cast, hook):
    found, before = hook
    after = webhooks.rotate(found, by=Actor(cast.alice))
    webhooks.tell(cast.bees.pk, "generation.done", {})
    webhooks.send_due()
    headers, body = receiver.heard[0]
    assert before != after
    Signature(before).verify(body, headers)
    Signature(after).verify(body, headers)
    Webhook.objects.update(rotated_at=timezone.now() - timedelta(hours=25))
    row = WebhookDelivery.objects.select_related("webhook").get()
    assert len(webhooks.signed(row.webhook, row)["webhook-signature"].split()) == 1


def test_a_message_is_there_exactly_when_what_it_tells_is(cast, hook):
    with contextlib.suppress(RuntimeError), transaction.atomic():
        webhooks.tell(cast.bees.pk, "generation.done", {})
        raise RuntimeError
    assert WebhookDelivery.objects.count() == 0


def test_a_team_without_a_webhook_costs_no_query(cast, hook, django_assert_num_queries):
    webhooks.wants(cast.bees.pk, "generation.done")
    with django_assert_num_queries(0):
        webhooks.tell(cast.wasps.pk, "generation.done", {})
        assert not webhooks.wants(cast.wasps.pk, "generation.done")
        assert not webhooks.wants(None, "generation.done")


def test_what_waits_for_a_dead_receiver_has_a_bound(cast, hook, monkeypatch):
    monkeypatch.setattr(webhooks, "MOST_WAITING", 3)
    for _ in range(5):
        webhooks.tell(cast.bees.pk, "generation.done", {})
    webhooks.forget()
    webhooks.tell(cast.bees.pk, "generation.done", {})
    assert WebhookDelivery.objects.count() == 3


def test_old_and_surplus_deliveries_are_forgotten(cast, hook, monkeypatch):
    monkeypatch.setattr(webhooks, "MOST_KEPT", 2)
    found, _ = hook
    rows = [
        WebhookDelivery.objects.create(webhook=found, event="generation.done", body="{}", state="delivered")
        for _ in range(4)
    ]
    WebhookDelivery.objects.filter(pk=rows[3].pk).update(created_at=timezone.now() - timedelta(days=15))
    Webhook.objects.update(delivered_at=timezone.now())
    webhooks.tidy()
    assert set(WebhookDelivery.objects.values_list("pk", flat=True)) == {
        row.pk for row in sorted(rows[:3], key=lambda row: row.pk)[1:]
    }


def test_a_finished_request_is_told_without_its_words(cast, hook):
    row = request(cast, state="running", fence=1)
    row.save()
    fulfilment._finish(row, 1, Result(made_by="fake/x", message={"content": "an answer"}, usage=Usage(3, 4)))
    said = json.loads(WebhookDelivery.objects.get().body)
    assert said["type"] == "generation.done"
    assert said["data"]["id"] == row.public_id
    assert said["data"]["completion_tokens"] == 4
    assert "secret wish" not in str(said)
    assert "an answer" not in str(said)


def test_a_failed_request_is_told_once_with_its_reason(cast, hook):
    row = request(cast, state="running", fence=1)
    row.save()
    for _ in range(2):
        fulfilment._end_badly(row, 1, ProviderError("The engine is away.", code="engine_away"))
    said = json.loads(WebhookDelivery.objects.get().body)
    assert said["type"] == "generation.failed"
    assert said["data"]["error"] == {"code": "engine_away", "message": "The engine is away."}


def test_relayed_answers_are_told_in_one_statement(cast, hook):
    rows = [request(cast, state="succeeded", finished_at=timezone.now()) for _ in range(5)]
    assert records.store(rows) == 5
    assert records.store(rows) == 0
    assert WebhookDelivery.objects.filter(event="generation.done").count() == 5
    assert Generation.objects.count() == 5


def test_a_webhook_is_added_tested_and_removed_on_its_pages(cast, receiver, client):
    client.force_login(cast.alice)
    page = client.post("/t/bees/webhooks", {"url": receiver.url, "events": ["generation.done"]})
    found = Webhook.objects.get()
    assert "whsec_" in page.text
    assert "whsec_" not in client.get(f"/t/bees/webhooks/{found.pk}").text

    answer = client.post(f"/t/bees/webhooks/{found.pk}/test", follow=True)
    assert len(receiver.heard) == 1
    assert "thanks &lt;b&gt;a lot&lt;/b&gt;" in answer.text
    row = WebhookDelivery.objects.get()
    client.post(f"/t/bees/deliveries/{row.pk}/retry")
    assert [headers["webhook-id"] for headers, _ in receiver.heard] == [row.message_id] * 2

    client.post(f"/t/bees/webhooks/{found.pk}/remove")
    assert client.get(f"/t/bees/webhooks/{found.pk}").status_code == 404
    webhooks.tell(cast.bees.pk, "generation.done", {})
    assert WebhookDelivery.objects.count() == 1
    assert set(AuditEvent.objects.filter(action__startswith="webhook.").values_list("action", flat=True)) == {
        "webhook.created",
        "webhook.removed",
    }


def test_a_bad_address_is_told_at_its_field(cast, client):
    client.force_login(cast.alice)
    answer = client.post("/t/bees/webhooks", {"url": "https://10.0.0.1/", "events": ["generation.done"]})
    assert answer.status_code == 422
    assert "must be public" in answer.text
    assert not Webhook.objects.exists()


def test_a_team_has_ten_webhooks_at_most(cast, receiver):
    for _ in range(webhooks.MOST_OF_A_TEAM):
        webhooks.create(cast.bees, receiver.url, ["generation.done"], by=Actor(cast.alice))
    with pytest.raises(BadRequest):
        webhooks.create(cast.bees, receiver.url, ["generation.done"], by=Actor(cast.alice))


async def test_a_slow_answer_ends_in_time(settings):
    from pollweb.lib.fetch import FetchFailed, post

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        await asyncio.sleep(5)
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings.FETCH_ALLOW = [f"127.0.0.1:{port}"]
    with pytest.raises(FetchFailed):
        await post(f"http://127.0.0.1:{port}/", b"{}", {}, seconds=0.2)
    server.close()
