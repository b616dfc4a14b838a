"""The auth API in the shapes of the guide's time, and what was added to it."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from asgiref.sync import sync_to_async
from django.test import Client
from django.utils import timezone

from pollweb.accounts import identity, referrers, tokens
from pollweb.accounts.auth import jwts, redirects
from pollweb.accounts.models import Membership, Referrer, Team, Token, User
from pollweb.accounts.tokens import Actor
from tests.factories import UserFactory
from tests.generation.api.conftest import client  # noqa: F401

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _operator(settings: Any) -> None:
    settings.ADMIN_KEY = "the operator's key"
    identity.forget()


ADMIN = {"Authorization": "Bearer the operator's key"}


@pytest.fixture
def alice(transactional_db: None) -> User:
    return UserFactory.create(username="alice")


def as_(user: User) -> dict[str, str]:
    return {"Authorization": f"Bearer {jwts.issue(user)}"}


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


async def do(work: Any, *arguments: Any, **named: Any) -> Any:
    return await sync_to_async(work)(*arguments, **named)


# --- who somebody is --------------------------------------------------------------------------------------------------


async def test_a_person_is_told_by_their_session_token(client, alice):  # noqa: F811
    answer = await client.get("/auth/api/user", headers=as_(alice))
    assert answer.json() == {"github_user_id": str(alice.pk), "user_id": str(alice.pk), "username": "alice"}
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-headers"] == "Content-Type, Authorization"
    assert "access-control-allow-credentials" not in answer.headers
    assert (await client.get("http://auth.localhost:8000/api/user", headers=as_(alice))).status_code == 200


async def test_an_api_token_is_no_session_token(client, alice):  # noqa: F811
    secret = (await do(tokens.create, alice.personal_team)).secret
    answer = await client.get("/auth/api/user", headers=bearer(secret))
    body = answer.json()
    assert answer.status_code == 401
    assert body["error"] is True
    assert body["message"].startswith("Invalid token")
    assert body["code"] == "not_identified"
    assert body["request_id"] == answer.headers["x-request-id"]


def forged(**changes: Any) -> str:
    claims = {
        "sub": "1",
        "username": "alice",
        "aud": jwts.AUDIENCE,
        "exp": timezone.now() + timedelta(hours=1),
        **changes,
    }
    return jwt.encode(claims, jwts._key(), algorithm="HS256")


@pytest.mark.parametrize(
    "value",
    [
        forged(exp=timezone.now() - timedelta(seconds=1)),
        forged(aud="another"),
        forged(sub="nobody"),
        jwt.encode(
            {"sub": "1", "aud": jwts.AUDIENCE, "exp": 2**31}, "another key, which is long enough", algorithm="HS256"
        ),
        jwt.encode({"sub": "1", "aud": jwts.AUDIENCE, "exp": 2**31}, None, algorithm="none"),
        jwt.encode({"sub": "1", "aud": jwts.AUDIENCE}, jwts._key(), algorithm="HS256"),
        "a.b.c",
    ],
)
def test_a_session_token_that_is_not_ours_is_none(value):
    assert jwts.read(value) is None


def test_a_session_token_holds_for_an_hour(alice):
    claims = jwt.decode(jwts.issue(alice), options={"verify_signature": False})
    assert (claims["sub"], claims["username"], claims["exp"] - claims["iat"]) == (str(alice.pk), "alice", 3600)


async def test_a_cookie_never_authenticates_the_api(client, alice):  # noqa: F811
    session = Client()
    await do(session.force_login, alice)
    cookie = {"Cookie": f"sessionid={session.cookies['sessionid'].value}"}
    for path in ("/auth/api/user", f"/auth/api/token?user_id={alice.pk}", "/auth/preferences", "/auth/api/tokens"):
        assert (await client.get(path, headers=cookie)).status_code == 401
    assert (await client.get("/auth/api/whoami", headers=cookie)).json()["credential"] == "none"


async def test_who_am_i_says_how_any_credential_was_read(client, alice):  # noqa: F811
    async def ask(path: str = "/auth/api/whoami", **headers: str) -> dict[str, Any]:
        return (await client.get(path, headers=headers)).json()

    secret = (await do(tokens.create, alice.personal_team, scopes=["text"])).secret
    told = await ask(**bearer(secret))
    assert (told["credential"], told["source"], told["tier"], told["scopes"]) == (
        "token",
        "header:authorization",
        "seed",
        ["text"],
    )
    assert secret not in str(told)
    assert (await ask(f"/auth/api/whoami?token={secret}"))["source"] == "query:token"
    told = await ask(**as_(alice))
    assert (told["credential"], told["username"], told["team"]) == ("jwt", "alice", alice.personal_team.slug)
    await do(referrers.register, alice.personal_team, "MyPythonApp")
    told = await ask("/auth/api/whoami?referrer=MyPythonApp")
    assert (told["credential"], told["reason"], told["limited_by"]) == ("referrer", "registered_referrer", "address")
    assert (await ask(Authorization="Bearer dummy"))["reason"] == "unknown_token"
    assert (await ask(**ADMIN))["credential"] == "admin_key"
    answer = await client.post("/auth/api/whoami", json={"token": secret})
    assert answer.json()["source"] == "body:token"


async def test_an_unknown_path_is_404(client):  # noqa: F811
    answer = await client.get("/auth/api/nothing")
    assert (answer.status_code, answer.json()["message"]) == (404, "Resource not found")
    assert (await client.get("/auth/admin/database-dump", headers=ADMIN)).status_code == 404


# --- domains ----------------------------------------------------------------------------------------------------------


async def test_domains_are_listed_and_replaced(client, alice):  # noqa: F811
    path = f"/auth/api/domains?user_id={alice.pk}"
    assert (await client.get(path, headers=as_(alice))).json()["domains"] == []
    said = {"domains": ["https://App.Example.com/", "MyPythonApp"]}
    answer = await client.post(path, headers=as_(alice), json=said)
    assert (answer.json()["success"], answer.json()["domains"]) == (True, ["MyPythonApp", "app.example.com"])
    assert [each["domain"] for each in answer.json()["pending"]] == ["app.example.com"]
    await client.post(path, headers=as_(alice), json={"domains": ["MyPythonApp"]})
    assert (await client.get(path, headers=as_(alice))).json()["domains"] == ["MyPythonApp"]
    answer = await client.post(path, headers=as_(alice), json={"domains": ["MyPythonApp", "co.uk"]})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_referrer")
    assert (await client.post(path, headers=as_(alice), json={"domains": "x"})).status_code == 400


async def test_nobody_reads_or_writes_for_somebody_else(client, alice):  # noqa: F811
    bob = await do(UserFactory.create, username="bob")
    for path in ("domains", "token", "user-tier"):
        assert (await client.get(f"/auth/api/{path}", headers=as_(bob))).status_code == 400
        assert (await client.get(f"/auth/api/{path}?user_id={alice.pk}")).status_code == 401
        assert (await client.get(f"/auth/api/{path}?user_id={alice.pk}", headers=as_(bob))).status_code == 403
    answer = await client.post(f"/auth/api/token?user_id={alice.pk}", headers=as_(bob))
    assert answer.status_code == 403
    assert not await do(Token.objects.exists)


async def test_whether_a_domain_is_somebodys_can_be_asked(client, alice):  # noqa: F811
    row = await do(referrers.register, alice.personal_team, "*.example.com")
    path = f"/auth/api/check-domain?user_id={alice.pk}&domain="
    assert (await client.get(f"{path}a.example.com")).json() == {"allowed": False}
    await do(Referrer.objects.filter(pk=row.pk).update, verified_at=timezone.now())
    assert (await client.get(f"{path}a.example.com")).json() == {"allowed": True}
    assert (await client.get(f"{path}example.com")).json() == {"allowed": False}
    assert (await client.get(path)).status_code == 400


async def test_a_referrer_is_validated(client, alice):  # noqa: F811
    await do(referrers.register, alice.personal_team, "MyPythonApp")
    answer = await client.get("/auth/api/validate-referrer?referrer=MyPythonApp")
    assert answer.json() == {"valid": True, "user_id": str(alice.pk), "username": "alice", "tier": "seed"}
    answer = await client.get("/auth/api/validate-referrer", headers={"Referer": "https://stranger.test/"})
    assert answer.json() == {"valid": False, "message": "unknown_referrer"}
    assert (await client.get("/auth/api/validate-referrer")).status_code == 400


# --- tokens -----------------------------------------------------------------------------------------------------------


async def test_the_guides_one_token_is_replaced_and_never_told_again(client, alice):  # noqa: F811
    path = f"/auth/api/token?user_id={alice.pk}"
    assert (await client.get(path, headers=as_(alice))).json() == {"token": None, "has_token": False}
    kept = (await do(tokens.create, alice.personal_team, "mine")).secret
    first = (await client.post(path, headers=as_(alice))).json()
    assert first["generated"] is True
    assert (await client.get(path, headers=as_(alice))).json() == {"token": None, "has_token": True}
    second = (await client.post(path, headers=as_(alice))).json()["token"]
    assert (await client.get("/text/x", headers=bearer(first["token"]))).status_code == 401
    for secret in (second, kept):
        assert (await client.get("/text/x", headers=bearer(secret))).headers["x-auth-status"] == "authenticated"


async def test_a_token_is_validated_with_200_whatever_it_is(client, alice):  # noqa: F811
    secret = (await do(tokens.create, alice.personal_team)).secret
    valid = {"valid": True, "userId": str(alice.pk), "username": "alice", "tier": "seed"}
    answer = await client.get(f"/auth/api/validate-token/{secret}")
    assert (answer.json(), answer.headers["cache-control"]) == (valid, "public, max-age=60")
    assert (await client.get("/auth/api/validate-token", headers=bearer(secret))).json() == valid
    assert (await client.post("/auth/api/validate-token", json={"token": secret})).json() == valid
    for wrong in ("dummy", tokens.new_secret(), secret[:-1] + ("a" if secret[-1] != "a" else "b")):
        answer = await client.get(f"/auth/api/validate-token/{wrong}")
        assert (answer.status_code, answer.json()) == (
            200,
            {"valid": False, "userId": None, "username": None, "tier": None},
        )


async def test_guessing_is_slowed_down_and_the_right_ones_are_not(client, alice):  # noqa: F811
    secret = (await do(tokens.create, alice.personal_team)).secret
    statuses = [(await client.get("/auth/api/validate-token/dummy")).status_code for _ in range(12)]
    assert statuses == [200] * 10 + [429] * 2
    assert (await client.get(f"/auth/api/validate-token/{secret}")).status_code == 200
    answer = await client.get("/auth/api/user-tiers", headers={"Authorization": "Bearer wrong"})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")


async def test_a_token_with_the_scope_makes_rotates_and_revokes(client, alice):  # noqa: F811
    boss = (await do(tokens.create, alice.personal_team, scopes=["text", "images", "tokens.manage"])).secret
    answer = await client.post("/auth/api/tokens", headers=bearer(boss), json={"name": "child", "scopes": ["text"]})
    made = answer.json()
    assert (answer.status_code, made["scopes"], tokens.is_well_formed(made["token"])) == (201, ["text"], True)
    listed = (await client.get("/auth/api/tokens", headers=bearer(boss))).json()["tokens"]
    assert [each["name"] for each in listed] == ["child", "token"]
    assert "token" not in listed[0]
    path = f"/auth/api/tokens/{made['id']}"
    answer = await client.post(f"{path}/rotate", headers=bearer(boss), json={"overlap_hours": 0})
    again = answer.json()["token"]
    assert (await client.get("/text/x", headers=bearer(made["token"]))).json()["code"] == "token_expired"
    assert (await client.get("/text/x", headers=bearer(again))).status_code == 200
    assert (await client.post(f"{path}/revoke", headers=bearer(boss), json={"reason": "done"})).json()[
        "state"
    ] == "revoked"
    assert (await client.get("/text/x", headers=bearer(again))).json()["code"] == "token_revoked"
    assert (await client.get(f"{path}", headers=bearer(boss))).json()["last_four"] == again[-4:]


async def test_without_the_scope_nothing_is_managed(client, alice):  # noqa: F811
    secret = (await do(tokens.create, alice.personal_team)).secret
    answer = await client.post("/auth/api/tokens", headers=bearer(secret), json={"name": "x"})
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert (await client.get("/auth/api/tokens")).status_code == 401


async def test_a_token_gives_no_more_than_it_has(client, alice):  # noqa: F811
    end = timezone.now() + timedelta(days=10)
    boss = await do(
        tokens.create,
        alice.personal_team,
        scopes=["text", "tokens.manage"],
        allowed_models=["openai"],
        networks=["127.0.0.0/8"],
        interval=2.0,
        concurrency=2,
        monthly_quota=100,
        monthly_budget=2_500_000,
        expires_at=end,
    )
    more: list[dict[str, Any]] = [
        {"scopes": ["images"]},
        {"scopes": []},
        {"allowed_models": ["openai", "mistral"]},
        {"allowed_models": []},
        {"networks": ["0.0.0.0/0"]},
        {"networks": []},
        {"interval": 1},
        {"concurrency": 3},
        {"monthly_quota": 101},
        {"monthly_budget": 2.51},
        {"expires_at": (end + timedelta(days=1)).isoformat()},
    ]
    for wish in more:
        answer = await client.post("/auth/api/tokens", headers=bearer(boss.secret), json={"name": "x", **wish})
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing"), wish
    answer = await client.post("/auth/api/tokens", headers=bearer(boss.secret), json={"name": "x"})
    child = answer.json()
    assert answer.status_code == 201
    assert (child["scopes"], child["allowed_models"], child["concurrency"], child["monthly_quota"]) == (
        ["text"],
        ["openai"],
        2,
        100,
    )
    assert child["monthly_budget"] == 2.5
    assert child["expires_at"] == boss.token.expires_at.isoformat()
    mightier = await do(tokens.create, alice.personal_team, "mightier")
    answer = await client.post(f"/auth/api/tokens/{mightier.token.pk}/rotate", headers=bearer(boss.secret), json={})
    assert answer.status_code == 403


async def test_a_members_token_manages_their_own_only(client, alice):  # noqa: F811
    bob = await do(UserFactory.create, username="bob")
    team = alice.personal_team
    await do(Membership.objects.create, team=team, user=bob, role="member")
    boss = await do(tokens.create, team, "bob's", by=Actor(bob), scopes=["text", "tokens.manage"])
    other = await do(tokens.create, team, "alice's", by=Actor(alice), scopes=["text"])
    listed = (await client.get("/auth/api/tokens", headers=bearer(boss.secret))).json()["tokens"]
    assert [each["name"] for each in listed] == ["bob's"]
    for path in (f"/auth/api/tokens/{other.token.pk}/revoke", "/auth/api/tokens/99999/revoke"):
        assert (await client.post(path, headers=bearer(boss.secret), json={})).status_code == 404


@pytest.mark.parametrize(
    "wish",
    [
        {"name": ""},
        {"name": 7},
        {"scopes": ["everything"]},
        {"scopes": "text"},
        {"networks": ["192.0.2.0/99"]},
        {"interval": -1},
        {"interval": True},
        {"concurrency": 0},
        {"expires_at": "yesterday"},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"visibility": "secret"},
    ],
)
async def test_a_wrong_wish_is_400(client, alice, wish):  # noqa: F811
    answer = await client.post("/auth/api/tokens", headers=as_(alice), json={"name": "x", **wish})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")


# --- tiers, preferences, the operator ---------------------------------------------------------------------------------


async def test_tiers_are_given_by_the_operator_and_hold_at_once(client, alice):  # noqa: F811
    secret = (await do(tokens.create, alice.personal_team)).secret
    path = "/prompt/bees?width=64&height=64&model=rare"
    assert (await client.get(path, headers=bearer(secret))).status_code == 403
    said = {"user_id": str(alice.pk), "tier": "flower"}
    assert (await client.post("/auth/api/user-tier", json=said, headers=as_(alice))).status_code == 401
    answer = await client.post("/auth/api/user-tier", json=said, headers=ADMIN)
    assert answer.json() == {"success": True, "userId": str(alice.pk), "tier": "flower"}
    assert (await client.get(path, headers=bearer(secret))).status_code == 200
    answer = await client.get(f"/auth/api/user-tier?user_id={alice.pk}", headers=as_(alice))
    assert answer.json() == {"tier": "flower"}
    for wrong in ({"tier": "gold"}, {"tier": "anonymous"}, {"user_id": "x"}):
        assert (await client.post("/auth/api/user-tier", json={**said, **wrong}, headers=ADMIN)).status_code == 400
    answer = await client.get("/auth/api/user-tiers", headers=ADMIN)
    assert answer.json() == {"users": [{"user_id": str(alice.pk), "username": "alice", "tier": "flower"}], "count": 1}


async def test_without_a_key_set_nobody_is_the_operator(client, alice, settings):  # noqa: F811
    settings.ADMIN_KEY = ""
    for key in ("", "x"):
        assert (await client.get("/auth/api/user-tiers", headers={"Authorization": f"Bearer {key}"})).status_code == 401


async def test_preferences_are_kept_within_bounds(client, alice):  # noqa: F811
    answer = await client.get("/auth/preferences")
    assert answer.status_code == 401
    assert isinstance(answer.json()["error"], str)
    secret = (await do(tokens.create, alice.personal_team)).secret
    answer = await client.post("/auth/preferences", headers=bearer(secret), json={"key": "theme", "value": "dark"})
    assert answer.json() == {"user_id": str(alice.pk), "preferences": {"theme": "dark"}}
    answer = await client.post("/auth/preferences", headers=as_(alice), json={"preferences": {"a": [1]}})
    assert answer.json()["preferences"] == {"theme": "dark", "a": [1]}
    for wrong in ({}, {"key": "k" * 101, "value": 1}, {"key": "k", "value": "v" * 10_001}):
        assert (await client.post("/auth/preferences", headers=as_(alice), json=wrong)).status_code == 400
    full = {"preferences": {f"k{n}": "v" * 9_000 for n in range(12)}}
    assert (await client.post("/auth/preferences", headers=as_(alice), json=full)).status_code == 400
    shared = await do(Team.objects.create, name="Bees")
    answer = await client.get("/auth/preferences", headers=bearer((await do(tokens.create, shared)).secret))
    assert answer.status_code == 403


async def test_the_operator_reads_and_counts(client, alice):  # noqa: F811
    path = f"/auth/admin/metrics?user_id={alice.pk}"
    await client.post(path, headers=ADMIN, json={"increment": {"key": "seen", "by": 2}})
    answer = await client.post(path, headers=ADMIN, json={"increment": {"key": "seen"}})
    assert answer.json()["metrics"] == {"seen": 3}
    assert (await client.post(path, headers=ADMIN, json={"key": "x", "value": 1})).json()["metrics"]["x"] == 1
    answer = await client.get(f"/auth/admin/user-info?user_id={alice.pk}", headers=ADMIN)
    assert answer.json()["username"] == "alice"
    assert "password" not in answer.text
    assert (await client.get(f"/auth/admin/user-info?user_id={alice.pk}")).status_code == 401
    assert (
        await client.get(f"/auth/admin/preferences?user_id={alice.pk}&api_key=the operator's key")
    ).status_code == 200


# --- letting a program in ---------------------------------------------------------------------------------------------


async def test_authorize_leads_to_the_consent_page(client):  # noqa: F811
    assert (await client.get("/auth/authorize")).status_code == 400
    answer = await client.get("/auth/authorize?redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fcb&state=7")
    assert answer.status_code == 302
    assert answer.headers["location"] == (
        "http://localhost:8000/authorize?redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fcb&state=7"
    )


@pytest.fixture
def browser(alice: User) -> Client:
    session = Client()
    session.force_login(alice)
    return session


def test_it_asks_before_it_gives(browser, alice):
    page = browser.get("/authorize", {"redirect_uri": "http://127.0.0.1:3000/cb?x=1", "state": "7"})
    assert page.status_code == 200
    assert "127.0.0.1" in page.content.decode()
    assert "form-action 'self' http://127.0.0.1:3000" in page["Content-Security-Policy"]
    answer = browser.post("/authorize", {"redirect_uri": "http://127.0.0.1:3000/cb?x=1", "state": "7"})
    there = urlsplit(answer["Location"])
    assert (there.netloc, there.path, there.query) == ("127.0.0.1:3000", "/cb", "x=1")
    told = parse_qs(there.fragment)
    assert jwts.read(told["token"][0]) == alice.pk
    assert (told["username"], told["user_id"], told["state"]) == (["alice"], [str(alice.pk)], ["7"])
    assert answer["Cache-Control"] == "private, no-store"


def test_the_query_is_used_only_where_the_operator_allows_it(browser, settings):
    from pollweb import config

    settings.DESIGN = settings.DESIGN.model_copy(update={"auth": config.Auth(token_in_query=True)})
    answer = browser.post("/authorize", {"redirect_uri": "http://localhost:3000/cb?x=1"})
    there = urlsplit(answer["Location"])
    assert there.fragment == ""
    assert there.query.startswith("x=1&token=")


def test_it_needs_somebody_who_is_signed_in():
    answer = Client().get("/authorize", {"redirect_uri": "http://localhost:3000/"})
    assert answer.status_code == 302
    assert answer["Location"].startswith("/account/login/?next=/authorize")
    assert Client().post("/authorize", {"redirect_uri": "http://localhost:3000/"}).status_code == 302


def test_the_form_is_guarded_against_other_sites(alice):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    assert strict.post("/authorize", {"redirect_uri": "http://localhost:3000/"}).status_code == 403


HOSTILE = [
    "",
    "//evil.test/",
    "evil.test",
    "https://evil.test/",
    "https://evil.test/#http://localhost/",
    "https://localhost.evil.test/",
    "http://localhost@evil.test/",
    "http://evil.test\\@localhost/",
    "http://localhost\\.evil.test/",
    "http://localhost:80@evil.test/",
    "http://127.0.0.1.evil.test/",
    "http://localhost\t.evil.test/",
    "http://localhost%2eevil.test/",
    "javascript:alert(1)//localhost",
    "data:text/html,localhost",
    "localhost:javascript:alert(1)",
    "myapp://localhost/",
    "file:///etc/passwd",
    "https://xmine.example.com.evil.test/",
    "https://pending.example.org/",
    "https://theirs.example.net/",
    "http://mine.example.com/",  # not encrypted
    "https://MyPythonApp/",
    "http://localhost/#fragment",
    "http://localhost/" + "x" * 3000,
    "http://2130706433/",
    "http://[::ffff:192.0.2.1]/",
    "https://аpple.example.com/",
]


@pytest.mark.parametrize("address", HOSTILE)
def test_a_hostile_redirect_is_refused(browser, alice, address):
    stranger = UserFactory.create(username="stranger")
    for user, domain, verified in (
        (alice, "mine.example.com", True),
        (alice, "pending.example.org", False),
        (stranger, "theirs.example.net", True),
        (alice, "MyPythonApp", False),
    ):
        row = referrers.register(user.personal_team, domain, by=Actor(user))
        if verified:
            Referrer.objects.filter(pk=row.pk).update(verified_at=timezone.now())
    for ask in (browser.get, browser.post):
        answer = ask("/authorize", {"redirect_uri": address})
        assert answer.status_code == 400
        assert "Location" not in answer
    with pytest.raises(redirects.RedirectRefused):
        redirects.checked(address, alice)


@pytest.mark.parametrize(
    "address",
    ["https://mine.example.com/cb", "https://x.wild.example.com:8443/", "http://[::1]:5000/", "http://localhost/cb"],
)
def test_ones_own_pages_are_allowed(alice, address):
    for domain in ("mine.example.com", "*.wild.example.com"):
        row = referrers.register(alice.personal_team, domain)
        Referrer.objects.filter(pk=row.pk).update(verified_at=timezone.now())
    assert redirects.checked(address, alice)


async def test_no_address_with_a_token_is_logged(client, alice, caplog):  # noqa: F811
    secret = (await do(tokens.create, alice.personal_team)).secret
    caplog.set_level("DEBUG")
    await client.get(f"/auth/api/validate-token/{secret}")
    await client.get(f"/text/x?token={secret}")
    await client.get(f"/auth/api/nothing/{secret}")
    own = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    assert any(record.name == "pollweb.access" for record in own)
    assert secret not in str([(record.getMessage(), getattr(record, "fields", "")) for record in own])


def test_a_refused_address_is_told_in_the_reader_s_language(browser):
    refused = browser.get("/authorize", {"redirect_uri": "https://evil.example/", "hl": "zh-hans"})
    assert refused.status_code == 400
    assert "evil.example 两者都不是" in refused.text
