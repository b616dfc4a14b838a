"""Which referrer counts, whose it is, and what it is worth."""

from typing import Any
from urllib.parse import quote, urlencode

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncRequestFactory
from django.utils import timezone

from pollweb.accounts import domains, identity, sightings, tokens
from pollweb.accounts.errors import InvalidReferrer
from pollweb.accounts.models import Referrer, SeenHost, Team
from tests.generation.api.conftest import client  # noqa: F401


@pytest.fixture(autouse=True)
def _nothing_remembered():
    identity.forget()


def register(team: Team, pattern: str, *, verified: bool = True, **fields: Any) -> Referrer:
    claim = domains.claimed(pattern)
    return Referrer.objects.create(
        team=team,
        kind=claim.kind,
        pattern=claim.pattern,
        proof="proof",
        verified_at=timezone.now() if verified and claim.host else None,
        **fields,
    )


@pytest.fixture
def bees(transactional_db: None) -> Team:
    return Team.objects.create(name="Bees", tier="flower")


@pytest.fixture
def wasps(transactional_db: None) -> Team:
    return Team.objects.create(name="Wasps", tier="nectar")


async def who(path: str = "/prompt/x", body: dict[str, Any] | None = None, **headers: str) -> tuple[Any, Any]:
    request = AsyncRequestFactory().get(path, headers=headers)
    request.META["REMOTE_ADDR"] = "192.0.2.9"
    principal = await identity.identify(request, body)
    await sightings.settle()
    return principal, request.reading


async def do(work: Any, *arguments: Any, **named: Any) -> Any:
    return await sync_to_async(work)(*arguments, **named)


# --- what is looked at ------------------------------------------------------------------------------------------------

OTHER = "https://other.example/"
PRECEDENCE = [
    # query, body, headers → which of them counts
    ({"referrer": "q.example", "referer": "r.example"}, {"referrer": "b.example"}, {"Referer": OTHER}, "q.example"),
    ({"referer": "r.example"}, {"referrer": "b.example"}, {"Referer": OTHER}, "r.example"),
    ({}, {"referrer": "b.example", "referer": "c.example"}, {"Referer": OTHER}, "b.example"),
    ({}, {"referer": "c.example"}, {"Referer": OTHER}, "c.example"),
    ({}, {}, {"Referer": "https://h.example/page?x=1", "Referrer": OTHER, "Origin": OTHER}, "h.example"),
    ({}, {}, {"Referrer": "https://i.example:8443", "Origin": OTHER}, "i.example"),
    ({}, {}, {"Origin": "https://o.example"}, "o.example"),
]


@pytest.mark.parametrize(("query", "body", "headers", "counts"), PRECEDENCE)
async def test_the_first_place_that_says_something_counts(bees, query, body, headers, counts):
    await do(register, bees, counts)
    principal, reading = await who(f"/prompt/x?{urlencode(query)}", body, **headers)
    assert (principal.tier, principal.referrer, reading.result) == ("flower", counts, "DB_REFERRER")


async def test_a_referrer_raises_the_tier_and_opens_nothing(bees):
    await do(register, bees, "app.example.com")
    principal, reading = await who(Referer="https://app.example.com/")
    assert (principal.key, principal.team_id, principal.referrer_team_id) == ("ip:192.0.2.9", None, bees.pk)
    assert principal.is_registered
    assert not principal.may("private.read")
    assert not principal.may("usage.read")
    assert (reading.status, reading.reason, reading.has_referrer) == ("authenticated", "registered_referrer", True)


async def test_a_token_counts_before_a_referrer(bees, wasps):
    await do(register, bees, "app.example.com")
    secret = (await do(tokens.create, wasps)).secret
    principal, reading = await who(Referer="https://app.example.com/", Authorization=f"Bearer {secret}")
    assert (principal.team_id, reading.result) == (wasps.pk, "DB_TOKEN")


async def test_a_dummy_token_falls_back_to_the_referrer_and_says_so(bees):
    await do(register, bees, "app.example.com")
    principal, reading = await who(Referer="https://app.example.com/", Authorization="Bearer dummy")
    assert (principal.tier, reading.result, reading.reason) == ("flower", "DB_REFERRER", "unknown_token")


async def test_a_logo_may_be_left_out_by_a_registered_app(client, bees, working):  # noqa: F811
    await do(register, bees, "app.example.com")
    for headers, spared in (({"Referer": "https://app.example.com/"}, True), ({}, False)):
        answer = await client.get(f"/prompt/bees-{spared}?width=64&height=64&nologo=true", headers=headers)
        assert answer.status_code == 200
        assert working.calls[-1].nologo is spared


async def test_a_model_of_a_higher_tier_answers_a_registered_app(client, bees):  # noqa: F811
    await do(register, bees, "app.example.com")
    path = "/prompt/bees?width=64&height=64&model=rare"
    assert (await client.get(path)).status_code == 403
    answer = await client.get(path, headers={"Referer": "https://app.example.com/x"})
    assert (answer.status_code, answer.headers["x-debug-referrer"]) == (200, "present")


# --- matching ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        "https://app.example.com",
        "http://app.example.com:8080/path?q#f",
        "HTTPS://APP.EXAMPLE.COM/",
        "https://app.example.com./",
        "app.example.com",
        "app.example.com:443",
    ],
)
async def test_a_host_counts_whatever_stands_around_it(bees, value):
    await do(register, bees, "app.example.com")
    assert (await who(Referer=value))[0].tier == "flower"


@pytest.mark.parametrize(
    "value",
    [
        "https://example.com/",
        "https://x.app.example.com/",
        "https://badapp.example.com/",
        "https://app.example.com.evil.test/",
        "https://evil.test/app.example.com",
        "https://evil.test/?https://app.example.com/",
        "https://evil.test#app.example.com",
        "https://app.example.com@evil.test/",
        "https://evil.test\\@app.example.com/",
        "https://evil.test\\.app.example.com/",
        "https://app.example.com\t.evil.test/",
        "//app.example.com/",
        "app.example.com/path",
        "ftp://app.example.com/",
        "https://app.example.com:99999/",
        "https://app%2eexample.com/",
        "https://аpp.example.com/",  # a Cyrillic letter
        "null",
    ],
)
async def test_what_only_looks_like_the_host_does_not_count(bees, value):
    await do(register, bees, "app.example.com")
    principal, reading = await who(f"/prompt/x?referrer={quote(value)}")
    assert (principal.tier, reading.result) == ("anonymous", "NONE")


async def test_a_domain_of_other_letters_is_compared_as_its_ascii_form(bees):
    await do(register, bees, "https://BÜCHER.example/")
    assert (await do(Referrer.objects.get)).pattern == "xn--bcher-kva.example"
    assert (await who(Referer="https://xn--bcher-kva.example/"))[0].tier == "flower"
    assert (await who("/x?referrer=b%C3%BCcher.example"))[0].tier == "flower"


async def test_a_wildcard_is_every_subdomain_and_never_the_domain_itself(bees):
    await do(register, bees, "*.example.com")
    for host in ("a.example.com", "a.b.example.com"):
        assert (await who(Referer=f"https://{host}/"))[0].tier == "flower"
    for host in ("example.com", "badexample.com", "a.example.com.evil.test", "xexample.com"):
        assert (await who(Referer=f"https://{host}/"))[0].tier == "anonymous"


async def test_the_exact_domain_comes_first_then_the_longest_wildcard(bees, wasps):
    third = await do(Team.objects.create, name="Third", tier="seed")
    await do(register, bees, "*.example.com")
    await do(register, wasps, "*.a.example.com")
    await do(register, third, "x.a.example.com")
    assert (await who(Referer="https://x.a.example.com/"))[0].referrer_team_id == third.pk
    assert (await who(Referer="https://y.a.example.com/"))[0].referrer_team_id == wasps.pk
    assert (await who(Referer="https://b.example.com/"))[0].referrer_team_id == bees.pk


async def test_an_unverified_domain_counts_as_anonymous(bees):
    await do(register, bees, "app.example.com", verified=False)
    principal, reading = await who(Referer="https://app.example.com/")
    assert (principal.tier, reading.status, reading.reason) == ("anonymous", "unauthenticated", "unverified_referrer")


async def test_of_two_claims_the_verified_one_has_it(bees, wasps):
    await do(register, bees, "app.example.com", verified=False)
    await do(register, wasps, "app.example.com")
    assert (await who(Referer="https://app.example.com/"))[0].referrer_team_id == wasps.pk


async def test_an_unverified_claim_does_not_take_a_subdomain_from_a_verified_wildcard(bees, wasps):
    await do(register, bees, "*.example.com")
    await do(register, wasps, "app.example.com", verified=False)
    assert (await who(Referer="https://app.example.com/"))[0].referrer_team_id == bees.pk


async def test_a_blocked_referrer_is_anonymous(bees):
    await do(register, bees, "app.example.com", blocked_at=timezone.now())
    assert (await who(Referer="https://app.example.com/"))[1].reason == "blocked_referrer"


# --- identifiers ------------------------------------------------------------------------------------------------------


async def test_an_identifier_needs_no_proof_and_is_worth_seed_at_most(wasps):
    await do(register, wasps, "MyPythonApp")
    assert (await who("/x?referrer=MyPythonApp"))[0].tier == "seed"
    assert (await who("/x?referrer=mypythonapp"))[0].tier == "anonymous"
    assert (await who(Referer="https://MyPythonApp/"))[0].tier == "anonymous"


async def test_an_identifier_of_an_anonymous_team_gives_nothing(bees):
    await do(Team.objects.update, tier="anonymous")
    await do(register, bees, "MyPythonApp")
    assert (await who("/x?referrer=MyPythonApp"))[0].tier == "anonymous"


async def test_hosts_that_send_an_identifier_are_listed_unless_they_are_registered(bees):
    await do(register, bees, "MyPythonApp")
    await do(register, bees, "*.example.com", verified=False)
    for host in ("stranger.test", "app.example.com", "stranger.test"):
        await who("/x?referrer=MyPythonApp", Referer=f"https://{host}/page")
    seen = await do(SeenHost.objects.get)
    assert seen.host == "stranger.test"
    sightings._seen.update({key: (float("-inf"), times) for key, (_, times) in sightings._seen.items()})
    await who("/x?referrer=MyPythonApp", Referer="https://stranger.test/")
    assert (await do(SeenHost.objects.get)).requests == 3


async def test_a_blocked_host_cannot_use_the_identifier(bees):
    await do(register, bees, "MyPythonApp")
    await do(SeenHost.objects.create, team=bees, host="stranger.test", blocked_at=timezone.now())
    principal, reading = await who("/x?referrer=MyPythonApp", Referer="https://stranger.test/")
    assert (principal.tier, reading.reason) == ("anonymous", "blocked_referrer")
    assert (await who("/x?referrer=MyPythonApp"))[0].tier == "seed"


# --- what can be registered -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind", "pattern"),
    [
        ("https://app.example.com/x?y#z", "domain", "app.example.com"),
        ("App.Example.com:8443", "domain", "app.example.com"),
        ("app.example.com/x", "domain", "app.example.com"),
        ("*.example.com", "wildcard", "*.example.com"),
        ("https://*.Example.com/", "wildcard", "*.example.com"),
        ("例え.テスト.example", "domain", "xn--r8jz45g.xn--zckzah.example"),
        ("alice.github.io", "domain", "alice.github.io"),
        ("MyPythonApp", "identifier", "MyPythonApp"),
    ],
)
def test_it_says_how_a_referrer_is_understood(text, kind, pattern):
    assert domains.claimed(text) == domains.Claim(kind, pattern)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "co.uk",
        "*.co.uk",
        "github.io",
        "*.github.io",
        "*",
        "*.*.example.com",
        "a.*.example.com",
        "**.example.com",
        "192.0.2.1",
        "[2001:db8::1]",
        "https://user@example.com",
        "https://evil.test\\@example.com",
        "ftp://example.com",
        "javascript:alert(1)",
        "ab",
        "a b c",
        "-app.example.com",
        "x" * 64 + ".example.com",
        "http://",
        "localhost:3000",
    ],
)
def test_what_is_nobodys_own_cannot_be_registered(text):
    with pytest.raises(InvalidReferrer):
        domains.claimed(text)


def test_a_host_of_the_operators_network_can_be_registered(settings):
    settings.FETCH_ALLOW = ["localhost:8123", "127.0.0.1:8124"]
    assert domains.claimed("http://localhost:8123/") == domains.Claim("domain", "localhost")
    assert domains.claimed("localhost") == domains.Claim("domain", "localhost")
    assert domains.claimed("127.0.0.1:8124") == domains.Claim("domain", "127.0.0.1")
