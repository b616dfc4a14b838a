"""The waiting line, against a real server; time is Redis's own, so intervals are short and measured."""

import asyncio
import contextlib
import itertools
import threading
import time
from collections.abc import AsyncIterator

import pytest

from pollweb import config
from pollweb.accounts import desk, line, local_line
from pollweb.accounts.errors import LineFull, TooManyWaiting
from pollweb.accounts.identity import Principal
from pollweb.lib import redis

ALICE = Principal(key="ip:192.0.2.1", tier="anonymous")
BOB = Principal(key="ip:192.0.2.2", tier="anonymous")


@pytest.fixture(autouse=True)
async def closed() -> AsyncIterator[None]:
    yield
    await desk.close()
    await redis.close()


@pytest.fixture
def tier(settings):
    def change(interval, concurrency: int, **limits: int) -> None:
        tables = {"tiers": {"anonymous": {"interval": interval, "concurrency": concurrency}}, "limits": limits}
        settings.DESIGN = config.parse(tables)

    local_line.forget()
    return change


def token(number: int, interval: float = 0, concurrency: int = 0) -> Principal:
    """A token of one team, with limits of its own below the team's."""
    return Principal(
        key="team:7",
        tier="anonymous",
        team_id=7,
        token_id=number,
        own_interval=interval or None,
        own_concurrency=concurrency or None,
    )


async def run(principal: Principal, starts: list[float], seconds: float = 0.0, kind: str = "image") -> None:
    async with line.turn(principal, kind, deadline=time.monotonic() + 10):
        starts.append(time.monotonic())
        await asyncio.sleep(seconds)


async def admitted(principal: Principal, kind: str = "image", own: line.Own | None = None) -> line.Turn:
    turn = line.Turn(principal, kind, own)
    assert (await turn.step()).admitted
    return turn


async def waits(principal: Principal, kind: str = "image", own: line.Own | None = None) -> line.Turn:
    turn = line.Turn(principal, kind, own)
    assert not (await turn.step()).admitted
    return turn


async def ended(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_starts_are_an_interval_apart_and_in_order(tier):
    tier(0.2, 1)
    starts: list[tuple[int, float]] = []

    async def one(number: int) -> None:
        async with line.turn(ALICE, "image", deadline=time.monotonic() + 10):
            starts.append((number, time.monotonic()))

    await asyncio.gather(*(one(number) for number in range(5)))
    gaps = [later - earlier for (_, earlier), (_, later) in itertools.pairwise(starts)]
    assert [number for number, _ in starts] == list(range(5))
    assert min(gaps) >= 0.15
    assert max(gaps) < 0.4


async def test_no_more_run_at_once_than_the_tier_allows(tier):
    tier(0, 2)
    running = most = 0

    async def one() -> None:
        nonlocal running, most
        async with line.turn(ALICE, "image", deadline=time.monotonic() + 10):
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.05)
            running -= 1

    await asyncio.gather(*(one() for _ in range(10)))
    assert most == 2


async def test_each_kind_has_a_line_and_an_interval_of_its_own(tier):
    tier({"image": 60, "text": 0.1, "audio": 0}, 1)
    await admitted(ALICE, "image")
    assert 59 < (await waits(ALICE, "image")).last.wait <= 60
    starts: list[float] = []
    await asyncio.gather(*(run(ALICE, starts, kind="text") for _ in range(3)))
    assert 0.15 < starts[2] - starts[0] < 0.6
    await admitted(ALICE, "audio")


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
    await ended(waiting)


async def test_a_refused_and_an_abandoned_request_cost_no_start(tier):
    tier(0.3, 1)
    first = await admitted(ALICE)
    began = time.monotonic()
    waiting = [await waits(ALICE) for _ in range(4)]
    with pytest.raises(LineFull):
        await run(ALICE, [])
    for turn in waiting:
        await turn.leave()
    await first.leave()
    starts: list[float] = []
    await run(ALICE, starts)
    assert 0.25 < starts[0] - began < 0.5


async def test_a_start_that_was_not_used_is_given_back(tier):
    tier(60, 1)
    async with line.turn(ALICE, "image", deadline=time.monotonic() + 1) as turn:
        turn.unused()
    await admitted(ALICE)


async def test_leaving_frees_the_place_at_once(tier):
    tier(0, 1)
    starts: list[float] = []
    first = asyncio.create_task(run(ALICE, starts, 30))
    await asyncio.sleep(0.05)
    second = asyncio.create_task(run(ALICE, starts))
    await asyncio.sleep(0.3)
    first.cancel()
    await asyncio.wait_for(second, 0.5)
    assert len(starts) == 2


async def test_a_place_that_was_given_back_is_not_taken_again_by_a_renewal(tier):
    """Those of all that runs begin together, and somebody may leave before its own."""
    tier(interval=0, concurrency=1)
    turn = await admitted(ALICE)
    await turn.leave()
    await turn.renew()
    await admitted(ALICE)


async def test_whoever_leaves_the_line_lets_the_next_one_move_up(tier):
    tier(0, 1)
    first = await admitted(ALICE)
    second, third = await waits(ALICE), await waits(ALICE)
    assert third.last.position == 2
    await second.leave()
    assert (await third.step()).position == 1
    await first.leave()
    assert (await third.step()).admitted


@pytest.mark.parametrize("place", ["redis", "one process"])
async def test_whoever_has_room_with_all_before_it_waits_for_none_of_them(place, tier, settings):
    """Those who were called first may be silent for long: jobs of a worker that has ended, say."""
    tier(interval=0, concurrency=3)
    if place == "one process":
        settings.REDIS_URL = "unix:///nowhere/at-all.sock"
        settings.WEB_PROCESSES = 1
        await redis.close()
    running = [await admitted(ALICE) for _ in range(3)]
    fourth, fifth, sixth, seventh = waiting = [line.Turn(ALICE, "image") for _ in range(4)]
    for turn in waiting:
        assert not (await turn.step()).admitted
    for turn in running:
        await turn.leave()
    assert not (await seventh.step()).admitted, "the places are for the three before it"
    assert (await sixth.step()).admitted
    assert not (await seventh.step()).admitted
    assert (await fourth.step()).admitted
    assert (await fifth.step()).admitted
    assert not (await seventh.step()).admitted
    await sixth.leave()
    assert (await seventh.step()).admitted


async def test_those_who_wait_are_called_and_do_not_ask_again_and_again(tier, monkeypatch):
    tier(0, 2)
    asked = 0
    ask = line._ask

    async def counted(wanted: str, *rest):
        nonlocal asked
        asked += wanted == "step"
        return await ask(wanted, *rest)

    await run(ALICE, [])
    starts: list[float] = []
    warm = [asyncio.create_task(run(ALICE, starts, 0.3)) for _ in range(3)]  # the desk listens from now on
    await asyncio.gather(*warm)
    monkeypatch.setattr(line, "_ask", counted)
    await asyncio.gather(*(run(ALICE, starts, 0.3) for _ in range(10)))
    # Once to come, once when called; a call too many happens when two places become free at once.
    assert asked <= 30


async def test_the_wait_ends_at_the_deadline(tier):
    tier(60, 1)
    await run(ALICE, [])
    with pytest.raises(TooManyWaiting) as caught:
        async with line.turn(ALICE, "image", deadline=time.monotonic() + 0.1):
            pass
    assert caught.value.status == 503
    # Whoever gave up has left the line.
    assert await redis.client().zcard(line.limits(ALICE, "image").key + ":order") == 0


async def test_a_process_holds_only_so_many_who_wait(tier):
    tier(60, 5, waiting=2)
    await run(ALICE, [])
    waiting = [asyncio.create_task(run(ALICE, [])) for _ in range(2)]
    await asyncio.sleep(0.1)
    with pytest.raises(TooManyWaiting) as caught:
        await run(ALICE, [])
    assert (caught.value.status, caught.value.code) == (503, "too_many_waiting")
    assert await redis.client().zcard(line.limits(ALICE, "image").key + ":order") == 2
    await ended(waiting)


async def test_whoever_waits_knows_its_position_and_about_how_long(tier):
    tier(10, 1)
    await admitted(ALICE)
    stands = [await waits(ALICE) for _ in range(3)]
    assert [turn.last.position for turn in stands] == [1, 2, 3]
    assert [round(turn.last.wait) for turn in stands] == [10, 20, 30]


async def test_the_estimate_follows_how_long_one_takes(tier):
    tier(0, 1)
    await run(ALICE, [], 0.4)
    await admitted(ALICE)
    first, second = await waits(ALICE), await waits(ALICE)
    assert 0.3 < first.last.wait < 0.6
    assert 0.7 < second.last.wait < 1.1


async def test_a_crash_frees_its_places_by_itself(tier, monkeypatch):
    monkeypatch.setattr(line, "PATIENCE", 0.6)
    tier(0, 1)
    await admitted(ALICE)  # never leaves, never renews
    dead = await waits(ALICE)  # nor does this one
    assert dead.last.position == 1
    starts: list[float] = []
    began = time.monotonic()
    await asyncio.wait_for(run(ALICE, starts), 2)
    assert starts[0] - began < 1.2


async def test_a_place_that_runs_long_is_kept(tier, monkeypatch):
    monkeypatch.setattr(line, "PATIENCE", 0.4)
    monkeypatch.setattr(desk, "RENEWAL", 0.1)
    tier(0, 1)
    starts: list[float] = []
    await asyncio.gather(run(ALICE, starts, 1.0), run(ALICE, starts))
    assert starts[1] - starts[0] > 0.95


async def test_limits_hold_again_when_redis_has_forgotten_everything(tier, monkeypatch):
    monkeypatch.setattr(desk, "RENEWAL", 0.1)
    tier(0, 1)
    starts: list[float] = []
    first = asyncio.create_task(run(ALICE, starts, 0.8))
    await asyncio.sleep(0.05)
    client = redis.client()
    await client.delete(*[key async for key in client.scan_iter(redis.key("line", "*"))])
    await client.script_flush()
    await asyncio.sleep(0.2)
    await run(ALICE, starts)
    assert starts[1] - starts[0] > 0.75
    await first


async def test_a_token_has_limits_of_its_own_below_the_team_s(tier):
    tier(0, 3)
    slow, fast = token(1, concurrency=1), token(2)
    first = await admitted(slow)
    held = await waits(slow)
    # The team's line goes on without it.
    await admitted(fast)
    await admitted(fast)
    full = await waits(fast)
    assert full.last.free == 0
    await first.leave()
    assert (await held.step()).admitted
    assert not (await full.step()).admitted


async def test_a_token_s_own_interval_keeps_only_itself_waiting(tier):
    tier(0, 5)
    rare, other = token(1, interval=0.3), token(2)
    starts: list[float] = []
    others: list[float] = []
    began = time.monotonic()
    await asyncio.gather(*(run(rare, starts) for _ in range(3)), *(run(other, others) for _ in range(5)))
    assert 0.55 < starts[2] - starts[0] < 1.0
    assert max(others) - began < 0.3


async def test_a_token_s_line_is_full_before_the_team_s(tier):
    tier(0, 5)
    small = token(1, concurrency=1)
    await admitted(small)
    for _ in range(4):
        await waits(small)
    assert (await waits(small)).last.full
    await admitted(token(2))


async def test_the_team_s_limits_hold_over_all_its_tokens(tier):
    tier(0, 1)
    await admitted(token(1))
    await waits(token(2))


async def test_leaving_may_append_a_record_in_the_same_call(tier):
    tier(0, 1)
    turn = await admitted(ALICE)
    stream = redis.key("some", "stream")
    assert await turn.leave((stream, b"\x00record", 1000))
    assert [fields for _, fields in await redis.client().xrange(stream)] == [{b"r": b"\x00record"}]
    await admitted(ALICE)
    assert await turn.leave()  # a second time changes nothing


async def test_without_redis_each_process_keeps_a_line_of_its_own(tier, settings):
    tier(0.1, 1)
    settings.REDIS_URL = "unix:///nowhere/at-all.sock"
    await redis.close()
    starts: list[float] = []
    began = time.monotonic()
    await asyncio.gather(*(run(ALICE, starts) for _ in range(3)))
    assert len(starts) == 3
    assert time.monotonic() - began < 3
    assert starts[2] - starts[0] >= 0.18
    turn = await admitted(BOB, "text")
    assert not await turn.leave(("stream", b"record", 10)), "who asked must know that it was not kept"
    await redis.close()


async def test_without_redis_each_process_has_its_share(tier, settings):
    tier(0.1, 8)
    settings.WEB_PROCESSES = 4
    settings.REDIS_URL = "unix:///nowhere/at-all.sock"
    await redis.close()
    starts: list[float] = []
    await asyncio.gather(*(run(ALICE, starts, 0.1) for _ in range(3)))
    assert min(later - earlier for earlier, later in itertools.pairwise(sorted(starts))) >= 0.38
    await redis.close()


async def test_crashed_members_leave_no_key_without_an_end(tier):
    tier(1, 1)
    await admitted(token(1, interval=1, concurrency=1))
    await waits(token(2))
    client = redis.client()
    keys = [key async for key in client.scan_iter(redis.key("line", "*"))]
    assert len(keys) >= 6
    assert all([await client.pttl(key) > 0 for key in keys])


async def test_a_model_s_own_line_is_beside_the_caller_s_usual_one(tier):
    tier(0, 1)
    own = line.Own("text:slow", concurrency=2)
    await admitted(ALICE, "text")
    first = await admitted(ALICE, "text", own)
    await admitted(ALICE, "text", own)
    third = await waits(ALICE, "text", own)
    await first.leave()
    assert (await third.step()).admitted
    await admitted(BOB, "text", own)


async def test_a_model_s_own_interval_counts_for_it_alone(tier):
    tier(0, 5)
    own = line.Own("text:rare", interval=60)
    await admitted(ALICE, "text", own)
    assert 50 < (await waits(ALICE, "text", own)).last.wait <= 60
    await admitted(ALICE, "text")


async def test_a_model_s_own_line_holds_without_redis(tier, settings):
    tier(0, 5)
    settings.REDIS_URL = "unix:///nowhere/at-all.sock"
    await redis.close()
    own = line.Own("text:slow", concurrency=1)
    await admitted(ALICE, "text", own)
    await waits(ALICE, "text", own)
    await admitted(ALICE, "text")
    await redis.close()


async def test_a_thousand_who_wait_cost_next_to_nothing(tier):
    """They are called, so that the time that a process spends on them does not grow with the time that they wait."""
    tier(0, 100, waiting=1000)
    callers = [Principal(key=f"ip:198.51.100.{n}") for n in range(2)]
    tasks = [asyncio.create_task(run(caller, [], 30)) for caller in callers for _ in range(500)]
    await asyncio.sleep(2)
    assert len(desk.current().waiting) == 800
    cpu = time.process_time()
    await asyncio.sleep(1)
    spent = time.process_time() - cpu
    with contextlib.suppress(asyncio.CancelledError):
        await ended(tasks)
    print(f"800 who wait: {spent * 1000:.1f} CPU-ms a second")
    assert spent < 0.1


async def test_it_is_exact_over_several_event_loops(tier):
    """Four loops in four threads are four processes to Redis: each has its own desk and its own connection."""
    tier(0.1, 2)
    starts: list[float] = []
    running = most = refused = 0
    lock = threading.Lock()

    async def client(number: int) -> None:
        nonlocal running, most, refused
        try:
            async with line.turn(ALICE, "image", deadline=time.monotonic() + 20):
                with lock:
                    starts.append(time.monotonic())
                    running += 1
                    most = max(most, running)
                await asyncio.sleep(0.25)
                with lock:
                    running -= 1
        except LineFull:
            refused += 1

    async def clients() -> None:
        await asyncio.gather(*(client(number) for number in range(4)))
        await desk.close()
        await redis.close()

    await asyncio.gather(*(asyncio.to_thread(asyncio.run, clients()) for _ in range(4)))
    gaps = [later - earlier for earlier, later in itertools.pairwise(sorted(starts))]
    assert (len(starts), refused) == (10, 6)
    assert most <= 2
    assert min(gaps) >= 0.05
    assert sorted(starts)[-1] - sorted(starts)[0] < 3
