"""A token's life: made, used, rotated, revoked, expired, and refused from the wrong place."""

import io
import time
from datetime import timedelta
from typing import Any

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.core.management import call_command
from django.utils import timezone

from pollweb.accounts import identity, remembered, sightings, tokens
from pollweb.accounts.errors import AddressNotAllowed, InvalidToken, TokenExpired, TokenRevoked
from pollweb.accounts.models import AuditEvent, Team, Token
from tests.generation.api.conftest import client  # noqa: F401

HERE = "192.0.2.7"


@pytest.fixture(autouse=True)
def _nothing_remembered():
    identity.forget()


@pytest.fixture
def team(transactional_db: None) -> Team:
    return Team.objects.create(name="Bees", tier="nectar")


async def who(secret: str, address: str = HERE, **more: Any) -> identity.Principal | None:
    found = await identity.by_token(secret, address, **more)
    await sightings.settle()
    return found


async def do(work: Any, *arguments: Any, **named: Any) -> Any:
    return await sync_to_async(work)(*arguments, **named)


def test_a_token_has_the_form_that_leak_scanners_look_for(db):
    new = tokens.create(Team.objects.create(name="alice"))
    assert tokens.is_well_formed(new.secret)
    assert not tokens.is_well_formed(new.secret[:-1] + ("a" if new.secret[-1] != "a" else "b"))


def test_only_its_digest_is_kept(db):
    new = tokens.create(Team.objects.create(name="alice"))
    row = Token.objects.values().get()
    assert new.secret not in str(row)
    assert row["last_four"] == new.secret[-4:]


async def test_a_token_is_its_team(team):
    new = await do(tokens.create, team)
    principal = await who(new.secret)
    assert (principal.key, principal.tier, principal.visibility) == (f"team:{team.pk}", "nectar", "private")
    assert principal.may("images")
    assert not principal.may("tokens.manage")


async def test_a_token_that_nobody_has_is_nobodys(team):
    assert await who("dummy") is None
    assert await who(tokens.new_secret()) is None


async def test_a_wrong_checksum_is_refused_without_a_query(team, monkeypatch):
    asked = []

    async def counted(digest: str) -> None:
        asked.append(digest)

    monkeypatch.setattr(identity, "_find", counted)
    right = tokens.new_secret()
    wrong = right[:-1] + ("a" if right[-1] != "a" else "b")
    with pytest.raises(InvalidToken):
        await who(wrong)
    assert asked == []
    assert await who(right) is None
    assert asked == [tokens.digest(right)]


async def test_a_known_token_costs_no_query_a_second_time(team, monkeypatch):
    new = await do(tokens.create, team)
    await who(new.secret)

    async def forbidden(*arguments: Any) -> None:
        raise AssertionError("the database was asked")

    monkeypatch.setattr(identity, "_find", forbidden)
    assert (await who(new.secret)).team_id == team.pk


async def test_a_revoked_token_is_refused_with_the_reason_and_can_be_had_back(team):
    new = await do(tokens.create, team)
    await who(new.secret)
    await do(tokens.revoke, new.token, "left on a train")
    with pytest.raises(TokenRevoked, match="left on a train"):
        await who(new.secret)
    assert await do(tokens.restore, new.token)
    assert await who(new.secret)
    assert await do(lambda: list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))) == [
        "token.created",
        "token.revoked",
        "token.restored",
    ]


async def test_a_revocation_is_final_after_a_while(team):
    new = await do(tokens.create, team)
    await do(tokens.revoke, new.token)
    await do(Token.objects.update, revoked_at=timezone.now() - timedelta(seconds=15))
    assert not await do(tokens.restore, new.token)


async def test_an_expired_token_is_refused_even_while_it_is_remembered(team, monkeypatch):
    new = await do(tokens.create, team, expires_at=timezone.now() + timedelta(days=1))
    await who(new.secret)
    later = timezone.now() + timedelta(days=2)
    monkeypatch.setattr(identity.timezone, "now", lambda: later)
    with pytest.raises(TokenExpired, match="Make a new one"):
        await who(new.secret)


async def test_a_rotated_token_works_beside_the_new_one_for_its_overlap(team):
    new = await do(tokens.create, team)
    second = await do(tokens.rotate, new.token, timedelta(hours=1))
    assert (await who(second.secret)).token_id == (await who(new.secret)).token_id == new.token.pk
    token = await do(Token.objects.get)
    assert (token.previous_used_at is not None, token.previous_uses) == (True, 1)
    third = await do(tokens.rotate, second.token, timedelta(0))
    assert await who(third.secret)
    with pytest.raises(TokenExpired, match="replaced"):
        await who(second.secret)
    assert await who(new.secret) is None  # the one before the one before is nobody's


async def test_a_token_with_address_ranges_works_from_these_only(team):
    new = await do(tokens.create, team, networks=["192.0.2.0/24", "2001:db8::/32"])
    assert await who(new.secret, "192.0.2.200")
    assert await who(new.secret, "2001:db8::1")
    with pytest.raises(AddressNotAllowed):
        await who(new.secret, "198.51.100.1")


async def test_its_last_use_is_told_once_a_minute(team):
    new = await do(tokens.create, team)
    await who(new.secret, "192.0.2.77", client="curl/8.5 pw_" + "0" * 36)
    token = await do(Token.objects.get)
    assert (token.last_used_from, token.last_used_by) == ("192.0.2", "curl/8.5 [secret]")
    first = token.last_used_at
    sightings.forget()
    await who(new.secret)
    assert (await do(Token.objects.get)).last_used_at == first


async def test_a_token_in_an_address_is_flagged_to_its_owner(client, team):  # noqa: F811
    new = await do(tokens.create, team)
    answer = await client.get(f"/text/hello?token={new.secret}")
    assert (answer.status_code, answer.headers["x-auth-status"]) == (200, "authenticated")
    await sightings.settle()
    assert (await do(Token.objects.get)).seen_in_url_at is not None


async def test_a_change_in_another_process_is_heard_within_its_time(team, monkeypatch):
    new = await do(tokens.create, team)
    await who(new.secret)
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(remembered, "forget", lambda: None)  # it is another process that forgets
        await do(tokens.revoke, new.token)
    monkeypatch.setattr(remembered, "_looked_at", time.monotonic())
    assert await who(new.secret)  # remembered here, since it has looked just now
    monkeypatch.setattr(remembered, "_looked_at", float("-inf"))  # two seconds later
    with pytest.raises(TokenRevoked):
        await who(new.secret)
    assert remembered.LOOK_SECONDS + 1 < remembered.ALONE_SECONDS + 1 <= 5


async def test_without_redis_nothing_is_believed_for_long(team, monkeypatch):
    new = await do(tokens.create, team)

    def away() -> None:
        raise ConnectionError

    monkeypatch.setattr(remembered.redis, "client", away)
    monkeypatch.setattr(remembered, "_looked_at", float("-inf"))
    await who(new.secret)
    await do(Token.objects.update, revoked_at=timezone.now())
    assert await who(new.secret)
    clock = remembered.time.monotonic
    monkeypatch.setattr(remembered.time, "monotonic", lambda: clock() + remembered.ALONE_SECONDS)
    with pytest.raises(TokenRevoked):
        await who(new.secret)


def test_createtoken_prints_the_token_alone_on_stdout(db):
    out, err = io.StringIO(), io.StringIO()
    call_command("createtoken", team="alice", tier="nectar", stdout=out, stderr=err)
    secret = out.getvalue()
    assert tokens.is_well_formed(secret.strip())
    assert secret.count("\n") == 1
    assert secret.strip() not in err.getvalue()
    assert Team.objects.get().tier == "nectar"


# --- at the doors -----------------------------------------------------------------------------------------------------


async def ask(client: httpx.AsyncClient, path: str = "/prompt/bees?width=64&height=64", **headers: str) -> Any:  # noqa: F811
    return await client.get(path, headers=headers)


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


async def test_every_place_for_a_token_is_looked_at(client, team):  # noqa: F811
    secret = (await do(tokens.create, team)).secret
    for headers in (bearer(secret), {"Authorization": secret}, {"X-Pollinations-Token": secret}, {"X-Api-Key": secret}):
        answer = await ask(client, **headers)
        assert answer.headers["x-auth-result"] == "DB_TOKEN"
        assert answer.headers["x-debug-token"] == f"pw_{secret[3]}...{secret[-4:]}"
        assert secret not in str(answer.headers)
    assert answer.headers["x-debug-token-source"] == "header:x-api-key"
    answer = await client.post("/openai", json={"messages": [{"role": "user", "content": "x"}], "token": secret})
    assert answer.headers["x-auth-status"] == "authenticated"
    assert "x-debug-token" not in answer.headers  # the text host never said so much


async def test_a_dummy_beside_a_token_is_passed_over(client, team):  # noqa: F811
    secret = (await do(tokens.create, team)).secret
    answer = await ask(client, f"/prompt/bees?width=64&height=64&token={secret}", Authorization="Bearer sk-dummy")
    assert (answer.headers["x-auth-result"], answer.headers["x-debug-token-source"]) == ("DB_TOKEN", "query:token")


async def test_a_dummy_alone_is_anonymous_and_told_so(client):  # noqa: F811
    answer = await ask(client, Authorization="Bearer dummy")
    assert answer.status_code == 200
    assert (answer.headers["x-auth-status"], answer.headers["x-auth-reason"]) == ("unauthenticated", "unknown_token")
    assert answer.headers["x-debug-token"] == "..."
    answer = await ask(client)
    assert answer.headers["x-auth-reason"] == "no_credentials"


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"revoked_at": timezone.now(), "revoked_reason": "leaked"}, 401, "token_revoked"),
        ({"expires_at": timezone.now() - timedelta(days=1)}, 401, "token_expired"),
        ({"networks": ["203.0.113.0/24"]}, 403, "address_not_allowed"),
        ({"scopes": ["text"]}, 403, "scope_missing"),
        ({"allowed_models": ["turbo"]}, 403, "model_not_allowed"),
    ],
)
async def test_what_a_token_may_not_is_refused_with_the_reason(client, team, fields, status, code):  # noqa: F811
    new = await do(tokens.create, team, **fields)
    answer = await ask(client, **bearer(new.secret))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    if status == 401:
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["x-auth-reason"] == code


SPEECH = {"input": "hi"}
DOORS = {
    "images": ("GET", "/prompt/bees?width=64&height=64", None),
    "text": ("GET", "/text/hello", None),
    "speech": ("POST", "/v1/audio/speech", SPEECH),
    "embeddings": ("POST", "/v1/embeddings", {"input": "bees"}),
}


async def test_each_scope_opens_its_own_door_only(client, team):  # noqa: F811
    for held in DOORS:
        new = await do(tokens.create, team, scopes=[held])
        for needed, (method, path, body) in DOORS.items():
            answer = await client.request(method, path, json=body, headers=bearer(new.secret))
            if needed == held:
                assert answer.status_code in (200, 503), (held, answer.text)  # no engine for embeddings here
            else:
                assert (answer.status_code, answer.json().get("code") or answer.json()["error"]["code"]) == (
                    403,
                    "scope_missing",
                )


async def test_without_the_feeds_scope_nothing_is_public(client, team):  # noqa: F811
    await do(Team.objects.update, visibility="public")
    for scopes, said in ((["images"], "private"), (["images", "feed.write"], "public")):
        new = await do(tokens.create, team, scopes=scopes)
        answer = await ask(client, **bearer(new.secret))
        assert answer.headers["x-visibility"] == said


async def test_a_teams_policy_holds_whatever_a_request_says(client, team, working):  # noqa: F811
    new = await do(tokens.create, team, visibility="public")
    await do(Team.objects.update, always_private=True, always_safe=True)
    identity.forget()
    answer = await ask(client, "/prompt/bees?width=64&height=64&private=false&safe=false", **bearer(new.secret))
    assert answer.headers["x-visibility"] == "private"
    assert working.calls[-1].safe


async def test_the_token_is_taken_out_of_the_address_before_a_view_sees_it(team):
    from django.test import AsyncRequestFactory

    secret = (await do(tokens.create, team)).secret
    request = AsyncRequestFactory().get(f"/prompt/x?a=1&%74oken={secret}&token=other&b=%20")
    identity.take_from_address(request)
    assert request.META["QUERY_STRING"] == "a=1&b=%20"
    assert request.GET.dict() == {"a": "1", "b": " "}
    assert secret not in str(request.scope)
