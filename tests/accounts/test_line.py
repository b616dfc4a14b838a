"""The waiting line, against a real server; time is Redis's own, so intervals are short and measured."""

import asyncio
import itertools
import time

import pytest

from pollweb import config
from pollweb.accounts import line
from pollweb.accounts.errors import LineFull, TooManyWaiting
from pollweb.accounts.identity import Principal
from pollweb.lib import redis

ALICE = Principal(key="ip:192.0.2.1", tier="anonymous")
BOB = Principal(key="ip:192.0.2.2", tier="anonymous")


@pytest.fixture
def tier(settings):
    def change(interval: float, concurrency: int) -> None:
        tables = {"tiers": {"anonymous": {"interval": interval, "concurrency": concurrency}}}
        settings.DESIGN = config.parse(tables)

    line._local.clear()
    return change


async def run(principal: Principal, starts: list[float], seconds: float = 0.0) -> None:
    async with line.turn(principal, deadline=time.monotonic() + 10):
        starts.append(time.monotonic())
        await asyncio.sleep(seconds)


async def test_starts_are_an_interval_apart_and_in_order(tier):
    tier(0.2, 1)
    starts: list[float] = []
    await asyncio.gather(*(run(ALICE, starts) for _ in range(4)))
    gaps = [later - earlier for earlier, later in itertools.pairwise(starts)]
    assert min(gaps) >= 0.15


async def test_no_more_run_at_once_than_the_tier_allows(tier):
    tier(0, 2)
    running = most = 0

    async def one() -> None:
        nonlocal running, most
        async with line.turn(ALICE, deadline=time.monotonic() + 10):
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.05)
            running -= 1

    await asyncio.gather(*(one() for _ in range(10)))
    assert most == 2


async def test_the_line_holds_five_times_as_many_and_refuses_the_next(tier):
    tier(0, 1)
    starts: list[float] = []
    waiting = [asyncio.create_task(run(ALICE, starts, 0.3)) for _ in range(5)]
    await asyncio.sleep(0.15)
    with pytest.raises(LineFull) as caught:
        await run(ALICE, starts)
    assert caught.value.status == 429
    assert caught.value.retry_after >= 1
    await run(BOB, starts)  # another caller has a line of its own
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_leaving_frees_the_place_at_once(tier):
    tier(0, 1)
    starts: list[float] = []
    first = asyncio.create_task(run(ALICE, starts, 30))
    await asyncio.sleep(0.05)
    second = asyncio.create_task(run(ALICE, starts))
    await asyncio.sleep(0.05)
    first.cancel()
    await asyncio.wait_for(second, 1)
    assert len(starts) == 2


async def test_the_wait_ends_at_the_deadline(tier):
    tier(60, 1)
    starts: list[float] = []
    await run(ALICE, starts)
    with pytest.raises(TooManyWaiting) as caught:
        async with line.turn(ALICE, deadline=time.monotonic() + 0.1):
            pass
    assert caught.value.status == 503
    # Whoever gave up has left the line.
    assert await redis.client().zcard(redis.key("line", ALICE.key, "order")) == 0


async def test_without_redis_each_process_keeps_a_line_of_its_own(tier, settings):
    tier(0.1, 1)
    settings.REDIS_URL = "unix:///nowhere/at-all.sock"
    redis._clients.clear()
    starts: list[float] = []
    began = time.monotonic()
    await asyncio.gather(*(run(ALICE, starts) for _ in range(3)))
    assert len(starts) == 3
    assert time.monotonic() - began < 3
    assert starts[2] - starts[0] >= 0.18
    redis._clients.clear()


async def test_crashed_members_leave_no_key_without_an_end(tier):
    tier(1, 1)
    await line.step(ALICE, "crashed")
    client = redis.client()
    keys = [key async for key in client.scan_iter(redis.key("line", "*"))]
    assert keys
    assert all([await client.pttl(key) > 0 for key in keys])


async def test_a_model_s_own_line_is_beside_the_caller_s_usual_one(tier):
    tier(0, 1)
    own = line.Own("text:slow", concurrency=2)
    assert (await line.step(ALICE, "usual")).admitted
    assert (await line.step(ALICE, "first", own)).admitted
    assert (await line.step(ALICE, "second", own)).admitted
    assert not (await line.step(ALICE, "third", own)).admitted
    await line.leave(ALICE, "first", own)
    assert (await line.step(ALICE, "third", own)).admitted
    assert (await line.step(BOB, "other", own)).admitted


async def test_a_model_s_own_interval_counts_for_it_alone(tier):
    tier(0, 5)
    own = line.Own("text:rare", interval=60)
    assert (await line.step(ALICE, "first", own)).admitted
    second = await line.step(ALICE, "second", own)
    assert not second.admitted
    assert 50 < second.wait <= 60
    assert (await line.step(ALICE, "usual")).admitted


async def test_a_model_s_own_line_holds_without_redis(tier, monkeypatch):
    tier(0, 5)
    own = line.Own("text:slow", concurrency=1)
    assert line._local_step(ALICE, "first", own).admitted
    assert not line._local_step(ALICE, "second", own).admitted
    assert line._local_step(ALICE, "usual", None).admitted
