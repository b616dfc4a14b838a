"""The pages on which a team's tokens are made and looked after."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from pollweb.accounts import reports, tokens, usage
from pollweb.accounts.models import AuditEvent, Team, Token, User
from pollweb.accounts.tokens import Actor
from tests.accounts.conftest import Cast

SECRET = re.compile(r"pw_[0-9A-Za-z]{36}")


@pytest.fixture
def visit(cast: Cast):
    def visit(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return visit


def token_of(team: Team, user: User, **fields: object) -> Token:
    return tokens.create(team, str(fields.pop("name", "job")), by=Actor(user), **fields).token


def url(token: Token, action: str = "") -> str:
    return f"/t/bees/tokens/{token.pk}" + (f"/{action}" if action else "")


def test_a_secret_is_shown_once(cast, visit):
    client = visit(cast.bob)
    fields = {
        "name": "nightly",
        "scopes": ["images", "text"],
        "expiry": "30",
        "networks": "192.0.2.9/24\n2001:db8::/32",
    }
    answer = client.post("/t/bees/tokens/new", fields)
    secrets = set(SECRET.findall(answer.content.decode()))
    assert (answer.status_code, answer["Cache-Control"], len(secrets)) == (200, "private, no-store", 1)
    token = Token.objects.get()
    assert tokens.digest(secrets.pop()) == token.digest
    assert (token.created_by, token.scopes, token.networks) == (
        cast.bob,
        ["images", "text"],
        ["192.0.2.0/24", "2001:db8::/32"],
    )
    assert timedelta(days=29) < token.expires_at - timezone.now() < timedelta(days=31)
    for page in ("/t/bees/tokens", url(token)):
        assert not SECRET.search(client.get(page).content.decode())


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": ""}, "This field is required"),
        ({"scopes": ["everything"]}, "Select a valid choice"),
        ({"networks": "192.0.2.0/99"}, "192.0.2.0/99 is no address range"),
        ({"expiry": "date"}, "Choose the date"),
        ({"expiry": "date", "date": "2020-01-01"}, "This day is over"),
        ({"allowed_models": ["nothing"]}, "Select a valid choice"),
        ({"concurrency": "0"}, "greater than or equal to 1"),
    ],
)
def test_a_wrong_wish_is_answered_in_words(cast, visit, fields, said):
    answer = visit(cast.bob).post("/t/bees/tokens/new", {"name": "x", "scopes": ["text"], "expiry": "90", **fields})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not Token.objects.exists()


def test_what_the_form_does_not_ask_for_cannot_be_sent(cast, visit):
    fields = {
        "name": "x",
        "scopes": ["text"],
        "expiry": "90",
        "team": cast.wasps.pk,
        "digest": "0" * 64,
        "created_by": cast.alice.pk,
    }
    assert visit(cast.bob).post("/t/bees/tokens/new", fields).status_code == 200
    token = Token.objects.get()
    assert (token.team, token.created_by, len(set(token.digest)) > 2) == (cast.bees, cast.bob, True)


def test_members_change_their_own_tokens_and_admins_everybodys(cast, visit):
    token = token_of(cast.bees, cast.bob)
    other = token_of(cast.bees, cast.alice)
    fields = {"name": "renamed", "scopes": ["text"]}
    assert visit(cast.bob).post(url(token), fields).status_code == 302
    for action in ("", "rotate", "revoke", "restore"):
        assert visit(cast.bob).post(url(other, action), {**fields, "overlap": "0"}).status_code == 403, action
    assert visit(cast.adam).post(url(other), fields).status_code == 302
    assert visit(cast.vera).get("/t/bees/tokens").status_code == 403
    assert visit(cast.vera).post("/t/bees/tokens/new", fields).status_code == 403


def test_to_a_stranger_a_foreign_token_and_a_missing_one_are_the_same(cast, visit):
    token = token_of(cast.bees, cast.alice)
    client = visit(cast.charlie)
    for path in (url(token), "/t/bees/tokens/999", f"/t/wasps/tokens/{token.pk}", "/t/wasps/tokens/999"):
        assert client.get(path).status_code == 404
    for action in ("rotate", "revoke", "restore"):
        assert client.post(f"/t/wasps/tokens/{token.pk}/{action}").status_code == 404


def test_a_token_is_revoked_with_a_reason_and_had_back(cast, visit):
    token, client = token_of(cast.bees, cast.bob), visit(cast.bob)
    answer = client.post(url(token, "revoke"), {"reason": "left on a train"}, follow=True)
    assert "left on a train" in answer.content.decode()
    assert "Undo" in answer.content.decode()
    assert "works again" in client.post(url(token, "restore"), follow=True).content.decode()
    assert Token.objects.get().revoked_at is None
    client.post(url(token, "revoke"))
    Token.objects.update(revoked_at=timezone.now() - timedelta(minutes=1))
    assert "Undo" not in client.get(url(token)).content.decode()
    assert "too long ago" in client.post(url(token, "restore"), follow=True).content.decode()


def test_a_rotated_token_shows_its_new_secret_once_and_the_old_ones_use(cast, visit):
    token, client = token_of(cast.bees, cast.bob), visit(cast.bob)
    page = client.post(url(token, "rotate"), {"overlap": "24"}).content.decode()
    secret = SECRET.search(page).group()
    token.refresh_from_db()
    assert tokens.digest(secret) == token.digest
    assert timedelta(hours=23) < token.previous_until - timezone.now() < timedelta(hours=25)
    assert "not used since the rotation" in client.get(url(token)).content.decode()
    assert client.post(url(token, "rotate"), {"overlap": "5"}).status_code == 422


def test_the_list_can_be_filtered(cast, visit):
    now = timezone.now()
    token_of(cast.bees, cast.bob, name="first")
    token_of(cast.bees, cast.alice, name="ending", expires_at=now + timedelta(days=3))
    token_of(cast.bees, cast.alice, name="ended", expires_at=now - timedelta(days=3))
    tokens.revoke(token_of(cast.bees, cast.bob, name="gone"))
    Token.objects.filter(name="first").update(last_used_at=now)
    client = visit(cast.bob)

    def listed(query: str) -> set[str]:
        page = client.get(f"/t/bees/tokens?{query}").content.decode()
        return {name for name in ("first", "ending", "ended", "gone") if re.search(rf'row"><a [^>]*>{name}<', page)}

    assert listed("") == {"first", "ending", "ended", "gone"}
    assert listed("state=active") == {"first", "ending"}
    assert listed("state=expiring") == {"ending"}
    assert listed("state=expired") == {"ended"}
    assert listed("state=revoked") == {"gone"}
    assert listed(f"creator={cast.alice.pk}") == {"ending", "ended"}
    assert listed("unused=1") == {"ending", "ended", "gone"}
    assert listed("state=nonsense&creator=x&before=y") == {"first", "ending", "ended", "gone"}


def test_a_long_list_is_paged_and_asks_few_questions(cast, visit, django_assert_max_num_queries):
    for number in range(60):
        token_of(cast.bees, cast.bob, name=f"job {number}")
    client = visit(cast.bob)
    with django_assert_max_num_queries(14):
        page = client.get("/t/bees/tokens").content.decode()
    assert page.count('scope="row"') == 50
    older = re.search(r'rel="next" href="([^"]+)"', page).group(1)
    assert client.get(f"/t/bees/tokens{older}").content.decode().count('scope="row"') == 10


def test_the_list_tells_each_tokens_requests_of_thirty_days(cast, visit, django_assert_num_queries):
    busy, idle = token_of(cast.bees, cast.bob, name="busy"), token_of(cast.bees, cast.bob, name="idle")
    now = timezone.now()
    for days, requests in ((0, 1200), (29, 34), (30, 5000)):
        for model in ("flux", "turbo"):
            key = usage.Key("image", model, cast.bees.pk, token_id=busy.pk)
            usage.count(key, usage.Counts(succeeded=requests - 1, failed=1), at=now - timedelta(days=days))
    usage.count(usage.Key("image", "flux", cast.wasps.pk, token_id=idle.pk), usage.Counts(succeeded=9))
    with django_assert_num_queries(1):
        lately = reports.lately(cast.bees, "token_id", [busy.pk, idle.pk])
    assert lately[busy.pk].requests == 2 * 1234
    assert lately[busy.pk].line.values == (68, *[0] * 28, 2400)
    assert lately[idle.pk].requests == 0
    page = visit(cast.bob).get("/t/bees/tokens").content.decode()
    assert f'href="/t/bees/usage?range=30d&amp;token={busy.pk}"><span class="num">2,468</span><svg' in page
    assert f'token={idle.pk}"><span class="num">0</span></a>' in page


def test_it_says_what_needs_care(cast, visit):
    client = visit(cast.bob)
    assert "No tokens yet" in client.get("/t/bees/tokens").content.decode()
    token = token_of(cast.bees, cast.bob, name="ending", expires_at=timezone.now() + timedelta(days=3))
    assert "expire soon" in client.get("/t/bees/tokens").content.decode()
    Token.objects.update(seen_in_url_at=timezone.now())
    assert "came in an address" in client.get("/t/bees/tokens").content.decode()
    Token.objects.update(expires_at=timezone.now() - timedelta(days=1))
    assert "No token of this team works" in client.get("/t/bees/tokens").content.decode()
    assert "is expired" in client.get(url(token)).content.decode()


def test_the_first_request_is_told_to_the_page_that_waits_for_it(cast, visit):
    token, client = token_of(cast.bees, cast.bob), visit(cast.bob)
    page = client.get(url(token, "first")).content.decode()
    assert "Waiting for the first request" in page
    assert 'hx-trigger="every 2s, pollweb:hint from:document"' in page
    Token.objects.update(last_used_at=timezone.now())
    page = client.get(url(token, "first")).content.decode()
    assert "was received" in page
    assert "hx-trigger" not in page


def test_every_change_is_in_the_audit(cast, visit):
    token, client = token_of(cast.bees, cast.bob), visit(cast.bob)
    client.post(url(token), {"name": "renamed", "scopes": ["text"]})
    client.post(url(token, "rotate"), {"overlap": "0"})
    client.post(url(token, "revoke"))
    rows = AuditEvent.objects.order_by("pk")
    assert [row.action for row in rows] == ["token.created", "token.changed", "token.rotated", "token.revoked"]
    assert not SECRET.search(str(list(rows.values())))
    assert set(rows[1].detail["fields"]) >= {"name", "scopes"}
