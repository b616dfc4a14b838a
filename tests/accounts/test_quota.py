"""Monthly quotas: held, counted once, given back once, and never more than the ledger allows."""

import asyncio
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from asgiref.sync import sync_to_async

from pollweb.accounts import quota, usage
from pollweb.accounts.errors import QuotaExceeded
from pollweb.accounts.identity import Principal
from pollweb.accounts.models import Team, Token
from pollweb.lib import redis

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def clean():
    quota._untold.clear()
    yield
    quota._untold.clear()


@pytest.fixture
def alice() -> Principal:
    """A token of alice's team with 3 requests a month; the team has 5."""
    team = Team.objects.create(name="alice", tier="nectar", monthly_quota=5)
    token = Token.objects.create(team=team, digest="a" * 64, last_four="aaaa", monthly_quota=3)
    return Principal(
        key=f"team:{team.pk}", tier="nectar", team_id=team.pk, token_id=token.pk, own_quota=3, team_quota=5
    )


@pytest.fixture
def sibling(alice) -> Principal:
    """Another token of the same team, without a quota of its own."""
    token = Token.objects.create(team_id=alice.team_id, digest="b" * 64, last_four="bbbb")
    return Principal(key=alice.key, tier="nectar", team_id=alice.team_id, token_id=token.pk, team_quota=5)


def named(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


def hold(principal: Principal, name: str) -> quota.Hold:
    held = quota.reserve_sync(principal, named(name), patience=60)
    assert held is not None
    return held


def spend(principal: Principal, id: str) -> None:
    """A request that succeeds: held, counted in the ledger, settled."""
    held = hold(principal, id)
    count(principal)
    quota.settle(held)


def count(principal: Principal) -> None:
    usage.count(principal.usage_key("image", "flux"), usage.Counts(succeeded=1))


def counter(principal: Principal) -> int | None:
    """What Redis has of the team's month."""
    found = redis.sync_client().hget(hold_of(principal).keys[0], "team")
    return int(found) if found is not None else None


def hold_of(principal: Principal) -> quota.Hold:
    return quota.Hold("x", principal.team_id or 0, principal.token_id)


def test_a_token_s_quota_ends_before_the_team_s_and_says_when_it_renews(alice, sibling):
    for n in range(3):
        spend(alice, f"a{n}")
    with pytest.raises(QuotaExceeded) as caught:
        hold(alice, "a3")
    assert (caught.value.status, caught.value.code) == (429, "quota_exceeded")
    renews = quota.renewal()
    assert f"3 of 3 requests. It renews on {renews:%Y-%m-%d}" in caught.value.message
    assert 0 < caught.value.retry_after <= 31 * 86400
    for n in range(2):
        spend(sibling, f"b{n}")
    with pytest.raises(QuotaExceeded, match="of this team is used up: 5 of 5"):
        hold(sibling, "b2")
    assert counter(alice) == quota.used(alice.team_id).requests == 5


def test_what_is_on_its_way_is_held_and_given_back_once(alice):
    holds = [hold(alice, f"a{n}") for n in range(3)]
    with pytest.raises(QuotaExceeded):
        hold(alice, "a3")
    quota.release(holds[0])
    quota.release(holds[0])
    hold(alice, "a4")
    with pytest.raises(QuotaExceeded):
        hold(alice, "a5")
    assert counter(alice) == quota.used(alice.team_id).requests == 0


def test_an_end_that_is_told_twice_counts_once(alice):
    held = hold(alice, "a0")
    count(alice)
    quota.settle(held)
    quota.settle(held)
    quota.release(held)
    hold(alice, "a1")
    assert counter(alice) == quota.used(alice.team_id).requests == 1


def test_holding_twice_for_one_request_holds_once(alice):
    for _ in range(4):
        hold(alice, "same")
    hold(alice, "other")


def test_whoever_has_no_quota_asks_nobody(monkeypatch):
    monkeypatch.setattr(redis, "run_sync", None)
    assert quota.reserve_sync(Principal(key="ip:192.0.2.1"), "x", patience=1) is None
    assert quota.reserve_sync(Principal(key="team:1", team_id=1), "x", patience=1) is None


def test_many_at_once_get_exactly_what_is_left(alice):
    def one(n: int) -> bool:
        from django.db import connection

        try:
            hold(alice, str(n))
        except QuotaExceeded:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(one, range(40))) == 3


def test_an_emptied_redis_is_filled_from_the_ledger(alice):
    spend(alice, "a0")
    spend(alice, "a1")
    held = hold(alice, "a2")
    redis.sync_client().delete(*held.keys)
    spend(alice, "a3")
    count(alice)  # what was held before the loss ends now
    quota.settle(held)
    with pytest.raises(QuotaExceeded):
        hold(alice, "a4")
    assert counter(alice) == quota.used(alice.team_id).requests == 4


def test_a_request_that_ends_while_the_ledger_is_read_counts_once(alice, monkeypatch):
    """Its end is in the sums already, but not yet told to Redis."""
    held = hold(alice, "a0")
    redis.sync_client().delete(held.keys[0])
    ended: set[str] = set()
    monkeypatch.setattr(quota, "counted_among", lambda ids: ended & set(ids))
    adds_up = quota.used

    def used(*of):
        if not ended:
            count(alice)
            ended.add(named("a0"))
        return adds_up(*of)

    monkeypatch.setattr(quota, "used", used)
    other = hold(alice, "a1")
    assert counter(alice) == 1
    quota.settle(held)
    assert counter(alice) == 1
    quota.release(other)
    assert counter(alice) == adds_up(alice.team_id).requests == 1


def test_a_hold_that_nobody_ends_is_given_up(alice):
    for n in range(3):
        quota.reserve_sync(alice, named(f"a{n}"), patience=0.005)
    time.sleep(0.02)
    hold(alice, "a3")


def test_without_redis_the_ledger_decides(alice, settings):
    spend(alice, "a0")
    url = settings.REDIS_URL
    settings.REDIS_URL = "unix:///nowhere/at-all.sock"
    for n in (1, 2):
        spend(alice, f"a{n}")
    with pytest.raises(QuotaExceeded):
        hold(alice, "a3")
    settings.REDIS_URL = url
    # What was counted meanwhile is known afterwards.
    with pytest.raises(QuotaExceeded):
        hold(alice, "a4")
    assert counter(alice) == quota.used(alice.team_id).requests == 3


async def test_it_is_the_same_without_a_thread(alice):
    for n in range(3):
        assert await quota.reserve(alice, named(f"a{n}"), patience=60)
    with pytest.raises(QuotaExceeded):
        await quota.reserve(alice, named("a3"), patience=60)
    quotas = await asyncio.gather(*(quota.reserve(alice, named("a1"), patience=60) for _ in range(5)))
    assert all(quotas)
    await sync_to_async(quota.release)(quotas[0])
    async with quota.held(alice, patience=5):
        pass
    await redis.close()


def test_it_renews_on_the_first_of_the_next_month():
    assert quota.renewal(datetime(2026, 12, 31, 23, 59, tzinfo=UTC)) == datetime(2027, 1, 1, tzinfo=UTC)
    assert quota.renewal(datetime(2026, 2, 1, tzinfo=UTC)) == datetime(2026, 3, 1, tzinfo=UTC)
