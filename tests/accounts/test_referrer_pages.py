"""The pages on which a team registers its domains and shows that they are its own."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from pollweb.accounts import looking, referrers, tasks, verification
from pollweb.accounts.models import AuditEvent, Referrer, SeenHost, User
from pollweb.accounts.tokens import Actor
from tests.accounts.conftest import Cast


@pytest.fixture
def visit(cast: Cast):
    def visit(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return visit


@pytest.fixture(autouse=True)
def no_dns(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What names' TXT records say in this test."""
    said: dict[str, list[str]] = {}

    async def records(name: str) -> list[str]:
        if name not in said:
            raise OSError("no such name")
        return said[name]

    monkeypatch.setattr(verification, "_records", records)
    return said


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What a worker was told; `looking.look` is what it does then."""
    told: list[tuple[Any, ...]] = []
    monkeypatch.setattr(
        tasks.look_for_proof, "apply_async", lambda arguments, **options: told.append(arguments), raising=True
    )
    return told


class Pages(BaseHTTPRequestHandler):
    said: dict[str, tuple[int, str, str]] = {}

    def do_GET(self) -> None:
        status, kind, text = self.said.get(self.path, (404, "text/plain", ""))
        self.send_response(status)
        self.send_header("Location" if status == 302 else "Content-Type", kind)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *arguments: Any) -> None:
        """Quiet."""


@pytest.fixture
def site(settings: Any) -> Iterator[dict[str, tuple[int, str, str]]]:
    """A site at localhost, which the operator lets be fetched; the dictionary is what it says."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.FETCH_ALLOW = [f"localhost:{server.server_port}"]
    Pages.said = {}
    yield Pages.said
    server.shutdown()
    server.server_close()


def mine(cast: Cast, text: str = "localhost") -> Referrer:
    return referrers.register(cast.bees, text, by=Actor(cast.bob))


def test_it_shows_how_a_referrer_was_understood(cast, visit):
    client = visit(cast.bob)
    answer = client.post("/t/bees/referrers", {"text": "https://App.Example.com:8080/x", "app": "Garden"}, follow=True)
    row = Referrer.objects.get()
    assert (row.pattern, row.app.name, row.is_in_force) == ("app.example.com", "Garden", False)
    page = answer.content.decode()
    assert "exactly the host app.example.com" in page
    assert f"pollweb-verification={row.proof}" in page
    assert "the tier Anonymous now, Seed when it is verified" in page
    page = client.post("/t/bees/referrers", {"text": "*.Example.com"}, follow=True).content.decode()
    assert "every host below example.com, and not example.com itself" in page


def test_what_cannot_be_registered_is_said_beside_the_field(cast, visit):
    answer = visit(cast.bob).post("/t/bees/referrers", {"text": "*.co.uk"})
    assert answer.status_code == 422
    assert "co.uk is not one owner&#x27;s" in answer.content.decode()
    assert 'value="*.co.uk"' in answer.content.decode()


def test_an_identifier_is_first_come(cast, visit):
    visit(cast.bob).post("/t/bees/referrers", {"text": "MyPythonApp"})
    assert Referrer.objects.get().is_in_force
    answer = visit(cast.charlie).post("/t/wasps/referrers", {"text": "MyPythonApp"})
    assert answer.status_code == 422
    assert "is taken" in answer.content.decode()


@pytest.mark.parametrize("name", ["example.com", "_pollweb.example.com"])
def test_a_record_in_the_dns_proves_it(cast, visit, no_dns, worker, name):
    row = mine(cast, "*.example.com")
    no_dns[name] = ["v=spf1 -all", f"pollweb-verification={row.proof}"]
    client = visit(cast.bob)
    client.post(f"/t/bees/referrers/{row.pk}/check")
    looking.look(*worker.pop())
    page = client.get(f"/t/bees/referrers/{row.pk}").content.decode()
    row.refresh_from_db()
    assert row.is_in_force
    assert "found" in page
    assert AuditEvent.objects.filter(action="referrer.verified", actor=cast.bob).exists()


def test_a_file_or_a_tag_proves_it(cast, site):
    row = mine(cast)
    site["/.well-known/pollweb.txt"] = (200, "text/plain", f"hello\npollweb-verification={row.proof}\n")
    assert [look.is_right for look in verification.check(row)] == [False, True, False]
    site.clear()
    site["/"] = (200, "text/html", f'<head><meta name="pollweb-verification" content="{row.proof}"></head>')
    assert [look.is_right for look in verification.check(row)] == [False, False, True]


@pytest.mark.parametrize(
    "page",
    [
        '<head></head><body><meta name="pollweb-verification" content="{proof}">',
        '<head><title><meta name="pollweb-verification" content="{proof}"></title>',
        '<head><!-- <meta name="pollweb-verification" content="{proof}"> -->',
        '<head><meta name="description" content="pollweb-verification={proof}">',
        '<head><meta name="pollweb-verification" content="{proof}x">',
    ],
)
def test_what_a_visitor_could_have_written_proves_nothing(cast, site, page):
    row = mine(cast)
    site["/"] = (200, "text/html", page.format(proof=row.proof))
    verification.check(row)
    assert not row.is_in_force


def test_a_redirect_to_another_host_proves_nothing(cast, site, settings):
    row = mine(cast)
    port = settings.FETCH_ALLOW[0].rpartition(":")[2]
    settings.FETCH_ALLOW = [*settings.FETCH_ALLOW, f"127.0.0.1:{port}"]
    site["/.well-known/pollweb.txt"] = (302, f"http://127.0.0.1:{port}/theirs.txt", "")
    site["/theirs.txt"] = (200, "text/plain", f"pollweb-verification={row.proof}")
    looks = verification.check(row)
    assert not row.is_in_force
    assert "redirects to another host" in looks[1].found


def test_an_address_inside_is_never_asked(cast, settings):
    """What the fetcher refuses is said, and no reason that would tell about our network."""
    row = Referrer.objects.create(team=cast.bees, kind="domain", pattern="127.0.0.1", proof="x")
    looks = verification.check(row)
    assert "not fetched" in looks[1].found


def test_it_says_what_was_found_instead(cast, visit, site, no_dns, worker):
    row = mine(cast)
    no_dns["localhost"] = ["pollweb-verification=another"]
    site["/.well-known/pollweb.txt"] = (200, "text/plain", "something else")
    client = visit(cast.bob)
    client.post(f"/t/bees/referrers/{row.pk}/check")
    looking.look(*worker.pop())
    page = client.get(f"/t/bees/referrers/{row.pk}").content.decode()
    for words in ("pollweb-verification=another", "something else", "status 404", "none of the three places"):
        assert words in page


def test_the_page_waits_for_nobodys_server(cast, visit, worker):
    """A worker looks, once at a time; the page says that it does, and loads itself anew when that is over."""
    row, client = mine(cast, "example.com"), visit(cast.bob)
    path = f"/t/bees/referrers/{row.pk}"
    page = client.post(f"{path}/check", follow=True).content.decode()
    assert "Looking in three places" in page
    assert client.get(f"{path}/check").status_code == 204
    client.post(f"{path}/check")
    assert worker == [(row.pk, cast.bob.pk, "en")]
    looking.look(*worker.pop())
    answer = client.get(f"{path}/check")
    assert (answer.status_code, answer["HX-Refresh"]) == (200, "true")
    page = client.get(path).content.decode()
    assert "no such record" in page
    assert "Looking in three places" not in page


def test_where_no_worker_looks_that_is_said(cast, visit, worker, monkeypatch):
    row, client = mine(cast, "example.com"), visit(cast.bob)
    client.post(f"/t/bees/referrers/{row.pk}/check")
    monkeypatch.setattr(looking, "PATIENCE", -1)
    assert "Nobody has looked" in client.get(f"/t/bees/referrers/{row.pk}").content.decode()
    client.post(f"/t/bees/referrers/{row.pk}/check")  # and one may try again
    assert len(worker) == 2


def test_where_no_worker_can_be_told_it_is_unavailable(cast, visit, monkeypatch):
    def away(*arguments: Any, **options: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr(tasks.look_for_proof, "apply_async", away)
    row, client = mine(cast, "example.com"), visit(cast.bob)
    assert client.post(f"/t/bees/referrers/{row.pk}/check").status_code == 503
    assert "Looking in three places" not in client.get(f"/t/bees/referrers/{row.pk}").content.decode()


def test_of_two_who_can_show_it_the_first_keeps_it(cast, no_dns):
    first, second = mine(cast, "example.com"), referrers.register(cast.wasps, "example.com")
    no_dns["example.com"] = [verification.line_of(first), verification.line_of(second)]
    verification.check(first)
    verification.check(second)
    assert (first.is_in_force, second.is_in_force) == (True, False)
    assert "can show it too" in second.problem


def test_a_domain_that_changed_hands_goes_to_whoever_can_show_it_now(cast, no_dns):
    first, second = mine(cast, "example.com"), referrers.register(cast.wasps, "example.com")
    no_dns["example.com"] = [verification.line_of(first)]
    verification.check(first)
    no_dns["example.com"] = [verification.line_of(second)]
    verification.check(second)
    first.refresh_from_db()
    assert (first.is_in_force, second.is_in_force) == (False, True)


def test_a_domain_whose_proof_is_gone_fails_first_and_lapses_after_a_week(cast, no_dns):
    row = mine(cast, "example.com")
    no_dns["example.com"] = [verification.line_of(row)]
    verification.check(row)
    no_dns.clear()
    day = timedelta(days=1)
    Referrer.objects.update(checked_at=timezone.now() - 2 * day)
    assert verification.check_again() == 1
    row.refresh_from_db()
    assert row.is_in_force
    assert row.problem
    assert verification.check_again() == 0  # looked at today
    Referrer.objects.update(checked_at=timezone.now() - 2 * day, verified_at=timezone.now() - 8 * day)
    verification.check_again()
    row.refresh_from_db()
    assert not row.is_in_force


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("https://x.example.com/a", "<strong>Seed</strong>: x.example.com is registered as *.example.com"),
        ("pending.example.org", "nobody has shown that the domain is theirs"),
        ("https://stranger.test", "nobody has registered stranger.test"),
        ("https://user@x.example.com/", "more than one way"),
    ],
)
def test_a_referrer_can_be_tested(cast, visit, asked, said):
    row = mine(cast, "*.example.com")
    Referrer.objects.filter(pk=row.pk).update(verified_at=timezone.now())
    mine(cast, "pending.example.org")
    assert said in visit(cast.bob).get("/t/bees/referrers", {"test": asked}).content.decode()


def test_a_seen_host_is_registered_or_blocked_with_one_click(cast, visit):
    host = SeenHost.objects.create(team=cast.bees, host="stranger.example.net", requests=3)
    page = visit(cast.bob).get("/t/bees/referrers").content.decode()
    assert "stranger.example.net" in page
    assert visit(cast.bob).post(f"/t/bees/referrers/seen/{host.pk}/block").status_code == 403
    assert visit(cast.charlie).post(f"/t/wasps/referrers/seen/{host.pk}/block").status_code == 404
    visit(cast.adam).post(f"/t/bees/referrers/seen/{host.pk}/block")
    host.refresh_from_db()
    assert host.blocked_at
    visit(cast.adam).post(f"/t/bees/referrers/seen/{host.pk}/block")
    visit(cast.bob).post("/t/bees/referrers", {"text": host.host})
    assert not SeenHost.objects.exists()
    assert Referrer.objects.get().pattern == "stranger.example.net"


def test_members_look_after_their_own_referrers_and_admins_after_all(cast, visit):
    row, other = mine(cast, "example.com"), referrers.register(cast.bees, "example.org", by=Actor(cast.alice))
    assert visit(cast.bob).get(f"/t/bees/referrers/{other.pk}").status_code == 200
    assert visit(cast.bob).post(f"/t/bees/referrers/{other.pk}/remove").status_code == 403
    assert visit(cast.bob).post(f"/t/bees/referrers/{other.pk}/check").status_code == 403
    assert visit(cast.vera).post("/t/bees/referrers", {"text": "example.net"}).status_code == 403
    for path in (f"/t/wasps/referrers/{row.pk}", "/t/wasps/referrers/999", f"/t/bees/referrers/{row.pk}"):
        assert visit(cast.charlie).get(path).status_code == 404
    assert visit(cast.bob).post(f"/t/bees/referrers/{row.pk}/remove").status_code == 302
    assert visit(cast.adam).post(f"/t/bees/referrers/{other.pk}/remove").status_code == 302
    assert not Referrer.objects.exists()


def test_addreferrer_registers_and_verifies(cast, capsys):
    call_command("addreferrer", "*.example.com", team="bees")
    assert capsys.readouterr().out == "*.example.com\twildcard\tbees\tseed\n"
    assert Referrer.objects.get().is_in_force
    with pytest.raises(CommandError, match="verified by the team Bees"):
        call_command("addreferrer", "*.example.com", team="wasps")
    with pytest.raises(CommandError, match="not one owner"):
        call_command("addreferrer", "co.uk", team="wasps")
