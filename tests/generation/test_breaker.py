"""A source that mostly fails is left alone for a while, by all processes together."""

import asyncio

import pytest

from generation import breaker
from generation.breaker import Breaker, Circuit
from generation.catalogue import Source
from generation.errors import EngineNotReady, InvalidRequest, ProviderError
from pollweb.lib import redis

GPU = Source("gpu", "big")


def failing(calls: int, failures: int, now: float = 1000) -> Circuit:
    circuit = Circuit()
    circuit.record(calls, failures, now)
    return circuit


@pytest.mark.parametrize(
    ("calls", "failures", "admits"), [(9, 9, True), (10, 4, True), (10, 5, False), (100, 49, True), (100, 50, False)]
)
def test_it_opens_when_half_of_at_least_ten_calls_failed(calls, failures, admits):
    assert failing(calls, failures).admits(1000.1) is admits


def test_what_is_older_than_thirty_seconds_does_not_count():
    circuit = failing(9, 9)
    circuit.record(1, 1, 1031)
    assert circuit.admits(1031)


def test_it_stays_open_for_ten_seconds_and_then_lets_one_through():
    circuit = failing(10, 10)
    assert not circuit.admits(1009.9)
    assert circuit.probe(1010.1)
    assert not circuit.probe(1010.2)


def test_it_stays_open_twice_as_long_each_time_up_to_two_minutes():
    circuit, now, waits = failing(10, 10), 1000.0, []
    for _ in range(6):
        waits.append(circuit.open_until - now)
        now = circuit.open_until + 1
        assert circuit.probe(now)
        circuit.record(1, 1, now)
    assert waits == [10, 20, 40, 80, 120, 120]


def test_a_trial_that_works_closes_it():
    circuit = failing(10, 10)
    assert circuit.probe(1011)
    circuit.record(1, 0, 1012)
    assert circuit == Circuit()


def test_a_trial_that_was_given_up_lets_another_try():
    circuit = failing(10, 10)
    assert circuit.probe(1011)
    circuit.give_back()
    assert circuit.probe(1011.1)


@pytest.fixture
def clock(monkeypatch):
    """Seconds that a test sets."""

    class Clock:
        now = 1000.0

        def time(self) -> float:
            return self.now

        monotonic = time

    monkeypatch.setattr(breaker, "time", Clock)
    made = Clock()
    monkeypatch.setattr(breaker, "time", made)
    return made


async def call(one: Breaker, error: Exception | None = None) -> None:
    async with one.watching():
        if error is not None:
            raise error


async def fail(one: Breaker, times: int = 10) -> None:
    for _ in range(times):
        with pytest.raises(ProviderError):
            await call(one, ProviderError("no"))


@pytest.fixture
async def processes():
    yield Breaker(GPU), Breaker(GPU)
    await redis.close()


async def test_what_one_process_finds_out_the_other_knows_within_a_second(processes, clock):
    one, other = processes
    assert await other.admits()
    await fail(one)
    assert not await one.admits()
    clock.now += 1.1
    assert not await other.admits()
    assert await other.wait() == 9


async def test_only_one_of_all_processes_tries_it_out(processes, clock):
    one, other = processes
    await fail(one)
    clock.now += 11
    assert [await one.admits(), await other.admits(), await one.admits()] == [True, False, False]
    await call(one)
    clock.now += 1.1
    assert await other.admits()


async def test_failures_of_several_processes_are_added_up(processes, clock):
    one, other = processes
    await fail(one, 5)
    await fail(other, 5)
    assert not await other.admits()


async def test_without_redis_each_process_goes_by_itself(processes, clock, monkeypatch):
    one, other = processes

    def away():
        raise redis.RedisError("away")

    monkeypatch.setattr(redis, "client", away)
    await fail(one)
    assert not await one.admits()
    assert await other.admits()


async def test_what_the_caller_is_to_blame_for_says_nothing_about_the_source(processes, clock):
    one, _ = processes
    for _ in range(10):
        for error in (InvalidRequest("no"), EngineNotReady("not yet")):
            with pytest.raises(type(error)):
                await call(one, error)
    assert await one.admits()


async def test_a_call_that_was_given_up_is_no_verdict_and_frees_the_trial(processes, clock):
    one, other = processes
    await fail(one)
    clock.now += 11
    assert await one.admits()
    with pytest.raises(asyncio.CancelledError):
        await call(one, asyncio.CancelledError())
    await asyncio.gather(*breaker._giving)
    assert await other.admits()
