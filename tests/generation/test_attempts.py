"""Trying again: over all sources, at most three times, before the first word only."""

import time
from collections.abc import AsyncIterator

import orjson
import pytest

from generation import attempts, breaker, drains, faults
from generation.catalogue import Source
from generation.errors import (
    InvalidRequest,
    ProviderBusy,
    ProviderError,
    ProviderRefused,
    ProviderTimeout,
    ProviderUnavailable,
)
from generation.providers import registry
from generation.providers.base import Provider
from generation.requests import ChatRequest
from generation.results import Delta, Result
from pollweb.lib import redis
from pollweb.lib.errors import PollwebError

WISH = ChatRequest(model="m", messages=({"role": "user", "content": "Hi"},))


class House(Provider):
    """Fails with the errors it was given, one after the other; then works."""

    kind = "house"

    def __init__(self, name: str, *errors: Exception, after: int = 0) -> None:
        super().__init__(name, {})
        self.errors, self.after, self.calls = list(errors), after, 0

    def slot(self, model: str) -> tuple[str, int]:
        return self.name, 1

    async def generate(self, request, *, model, deadline, streamed=True) -> AsyncIterator:
        self.calls += 1
        for _ in range(self.after):
            yield Delta({"content": "x"})
        if self.errors:
            raise self.errors.pop(0)
        yield Result(made_by=self.name, message={"role": "assistant", "content": "done"})


@pytest.fixture
async def houses(monkeypatch):
    """Providers by name, for this test; no pause takes long."""
    known: dict[str, House] = {}

    def add(name: str, *errors: Exception, **more) -> House:
        known[name] = House(name, *errors, **more)
        return known[name]

    monkeypatch.setattr(registry, "provider", known.__getitem__)
    monkeypatch.setattr(attempts, "PAUSES", ((0.0, 0.01),))
    for module in (attempts, breaker, drains):
        module.forget()
    yield add
    await redis.close()


async def make(*names: str, seconds: float = 10) -> str:
    sources = [Source(name, "m") for name in names]
    pieces = [p async for p in attempts.generate(sources, WISH, deadline=time.monotonic() + seconds)]
    return pieces[-1].made_by


async def failure(*names: str, seconds: float = 10) -> PollwebError:
    with pytest.raises(PollwebError) as caught:
        await make(*names, seconds=seconds)
    return caught.value


async def test_it_asks_the_same_source_again_when_there_is_no_other(houses):
    one = houses("one", ProviderError("a"), ProviderUnavailable("b"))
    assert await make("one") == "one"
    assert one.calls == 3


async def test_it_gives_up_after_three_attempts(houses):
    one = houses("one", *[ProviderError("no")] * 9)
    assert (await failure("one")).status == 502
    assert one.calls == 3


async def test_another_source_is_asked_at_once(houses):
    one, two = houses("one", ProviderTimeout("silent", code="provider_silent")), houses("two")
    assert await make("one", "two") == "two"
    assert (one.calls, two.calls) == (1, 1)


async def test_three_attempts_are_all_for_all_sources_together(houses):
    made = [houses(name, *[ProviderError("no")] * 9) for name in ("one", "two", "three", "four")]
    await failure("one", "two", "three", "four")
    assert [one.calls for one in made] == [1, 1, 1, 0]


@pytest.mark.parametrize("error", [InvalidRequest("wrong"), ProviderRefused("no key"), ProviderTimeout("late")])
async def test_what_would_fail_again_is_not_tried_again(houses, error):
    one = houses("one", error)
    assert await failure("one") is error
    assert one.calls == 1


async def test_a_request_that_is_to_blame_is_not_given_to_another_source(houses):
    houses("one", InvalidRequest("wrong"))
    two = houses("two")
    assert (await failure("one", "two")).status == 400
    assert two.calls == 0


async def test_nothing_is_tried_again_once_a_word_was_said(houses):
    one, two = houses("one", ProviderError("reset"), after=1), houses("two")
    await failure("one", "two")
    assert (one.calls, two.calls) == (1, 0)


async def test_it_waits_as_long_as_a_busy_source_asks(houses):
    one, began = houses("one", ProviderBusy("wait", retry_after=0.2)), time.monotonic()
    assert await make("one") == "one"
    assert one.calls == 2
    assert time.monotonic() - began >= 0.2


async def test_a_wait_that_does_not_fit_the_deadline_is_the_callers(houses):
    one, began = houses("one", ProviderBusy("wait", retry_after=60)), time.monotonic()
    error = await failure("one", seconds=5)
    assert (error.status, error.retry_after, one.calls) == (503, 60, 1)
    assert time.monotonic() - began < 1


async def test_repetitions_are_paid_from_a_budget(houses, monkeypatch):
    one = houses("one", *[ProviderError("no")] * 100)
    monkeypatch.setattr(breaker, "SHARE", 2)  # it would open first
    monkeypatch.setattr(attempts.Budget, "PER_SECOND", 0.0)
    for _ in range(30):
        await failure("one")
    # 30 requests, 10 repetitions to begin with, and one for every five requests.
    assert 30 + 10 <= one.calls <= 30 + 10 + 30 / 5


async def test_a_source_that_is_left_alone_is_not_asked_and_with_no_other_the_answer_comes_at_once(houses):
    one, two = houses("one", *[ProviderRefused("no")] * 99), houses("two")
    for _ in range(10):
        await failure("one")
    assert one.calls == 10
    assert await make("one", "two") == "two"
    began = time.monotonic()
    error = await failure("one")
    assert (error.status, error.code) == (503, "provider_unavailable")
    assert 1 <= error.retry_after <= 10
    assert (one.calls, two.calls) == (10, 1)
    assert time.monotonic() - began < 0.5


async def drained(*names: str) -> None:
    """These are, as far as the processes have been told."""
    await redis.client().set(redis.key("drained"), orjson.dumps(names))
    drains._asked_at = float("-inf")  # a second later


async def test_a_drained_provider_is_passed_over(houses):
    one, two = houses("one"), houses("two")
    await drained("one")
    assert await make("one", "two") == "two"
    assert (one.calls, two.calls) == (0, 1)
    await drained()
    assert await make("one", "two") == "one"


async def test_when_all_are_drained_it_says_so_with_a_503(houses):
    one = houses("one")
    await drained("one")
    refused = await failure("one")
    assert (refused.status, refused.retry_after) == (503, 60)
    assert "out of service" in str(refused)
    assert one.calls == 0


async def test_what_was_drained_stays_so_while_redis_is_away_or_was_emptied(houses, monkeypatch):
    houses("one")
    await drained("one")
    await failure("one")
    await redis.client().delete(redis.key("drained"))
    drains._asked_at = float("-inf")
    assert (await failure("one")).status == 503

    def away():
        raise redis.RedisError

    monkeypatch.setattr(redis, "client", away)
    drains._asked_at = float("-inf")
    assert await drains.current() == {"one"}


async def test_the_last_failure_is_remembered_for_operators(houses):
    houses("one", ProviderRefused("no such key"))
    await failure("one")
    fault, _probe = faults.last("one")
    assert (fault["code"], fault["words"], fault["model"]) == ("provider_refused", "no such key", "m")
