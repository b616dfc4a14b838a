"""Calls to an upstream: within their limits, and past nothing that the environment or the upstream says."""

import asyncio
import time

import httpx
import pytest

from generation import attempts, breaker
from generation.catalogue import Source
from generation.errors import ProviderError
from generation.providers import registry
from generation.providers.upstream import calls
from generation.results import Result
from pollweb.lib import redis
from pollweb.lib.errors import PollwebError
from tests.generation.providers.contract import WISHES, failure, pieces, until
from tests.generation.providers.test_openai import TIMES
from tests.upstream import ScriptedUpstream

WISH = WISHES["text"]


def built(upstream, name: str = "gpu", **options):
    return registry.build(name, {"kind": "openai", "base_url": f"{upstream.url}/v1", **TIMES, **options})


@pytest.mark.parametrize("engine", ["direct", "aiohttp", "httpcore"])
async def test_no_proxy_of_the_environment_is_asked_and_no_redirect_followed(upstream, settings, monkeypatch, engine):
    settings.HTTP_TRANSPORT = engine
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert (await pieces(built(upstream), WISH))[-1].message["content"] == "Hello there"
    upstream.always = "redirect"
    assert (await failure(built(upstream), WISH)).code == "provider_refused"
    assert len(upstream.calls) == 2


async def test_who_finds_no_place_until_its_deadline_says_nothing_against_the_upstream(upstream):
    provider = built(upstream, max_parallel=1, first_byte=30)
    upstream.always = "stall"
    first = asyncio.create_task(pieces(provider, WISH))
    await until(lambda: upstream.calls, 10)
    error = await failure(provider, WISH, seconds=0.1)
    assert isinstance(error, ProviderError)
    assert (error.status, error.code, error.unwell) == (503, "provider_busy", False)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert len(upstream.calls) == 1


@pytest.mark.parametrize("fault", ["shout=500", "mumble=500"])
async def test_of_a_refusal_no_more_is_read_than_comes_soon_and_is_little(upstream, monkeypatch, fault):
    monkeypatch.setattr(calls, "ERROR_SECONDS", 0.2)
    upstream.always = fault
    error = await failure(built(upstream, idle=30), WISH)
    assert (error.code, error.details["status"]) == ("provider_failed", 500)
    assert len(error.details["excerpt"]) <= 300
    await until(lambda: upstream.open == 0, 10)


class Full:
    """A channel whose pool never has room."""

    async def send(self, *args, **more):
        raise httpx.PoolTimeout("no room")

    async def close(self):
        pass


async def test_a_pool_that_is_full_three_times_in_ten_seconds_is_replaced(upstream, monkeypatch):
    provider = built(upstream)
    clock = [1000.0]
    monkeypatch.setattr(calls, "time", type("Clock", (), {"monotonic": lambda: clock[0]}))
    opened = provider.upstream.opened()
    full = opened.channel = Full()

    async def ask() -> str:
        return (await failure(provider, WISH)).code

    monkeypatch.setattr("tests.generation.providers.contract.soon", lambda seconds: clock[0] + seconds)
    for seconds in (6, 6, 1):  # three, but not within ten seconds
        assert await ask() == "provider_unavailable"
        clock[0] += seconds
    assert opened.channel is full
    assert await ask() == "provider_unavailable"
    assert opened.channel is not full
    monkeypatch.undo()
    assert isinstance((await pieces(provider, WISH))[-1], Result)


@pytest.fixture
async def asked(monkeypatch):
    """`await asked(provider, …)`: what the loop that tries again makes of these sources, without its pauses."""
    monkeypatch.setattr(attempts, "PAUSES", ((0.0, 0.01),))
    for module in (attempts, breaker):
        module.forget()

    async def ask(*providers, wish=WISH):
        known = {provider.name: provider for provider in providers}
        monkeypatch.setattr(registry, "provider", known.__getitem__)
        sources = [Source(name, "m") for name in known]
        return [one async for one in attempts.generate(sources, wish, deadline=time.monotonic() + 30)][-1]

    yield ask
    await redis.close()


FAULTS = ["drop", "reset", "lie", "html", "empty", "garbage", "latin1", "status=500", "status=503", "error_frame=429"]


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_failing_upstream_is_asked_three_times_for_one_wish(upstream, asked, fault):
    upstream.always = fault
    with pytest.raises(ProviderError) as caught:
        await asked(built(upstream))
    assert caught.value.status in (502, 503)
    assert len(upstream.calls) == 3


async def test_a_picture_that_is_cut_is_asked_for_again(upstream, asked):
    upstream.faults = ["truncated_jpeg", "truncated_jpeg"]
    assert (await asked(built(upstream), wish=WISHES["image"])).width == 96
    assert len(upstream.calls) == 3


@pytest.mark.parametrize("fault", ["status=400", "status=404", "refused_content"])
async def test_what_an_upstream_refuses_is_not_asked_again(upstream, asked, fault):
    upstream.always = fault
    with pytest.raises(PollwebError):
        await asked(built(upstream))
    assert len(upstream.calls) == 1


async def test_another_upstream_answers_for_one_that_is_silent(upstream, asked):
    with ScriptedUpstream() as silent:
        silent.always = "stall"
        result = await asked(built(silent, "silent"), built(upstream))
        assert (result.made_by, len(silent.calls), len(upstream.calls)) == ("gpu/m", 1, 1)
