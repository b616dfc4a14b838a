"""What every provider promises. A test class inherits it and says how its provider is built, and what it makes."""

import asyncio
import time
from contextlib import aclosing
from typing import Any

import pytest

from generation.errors import ProviderError
from generation.providers.base import Provider
from generation.requests import ChatRequest, ImageRequest, Request, SpeechRequest
from generation.results import Delta, Result, Sound
from pollweb.lib.errors import PollwebError
from tests.upstream import ScriptedUpstream

WISHES: dict[str, Request] = {
    "image": ImageRequest(model="wished", text="a red fox", width=96, height=64, seed=7),
    "text": ChatRequest(model="wished", messages=({"role": "user", "content": "Hello?"},)),
    "audio": SpeechRequest(model="wished", text="Good morning."),
}


def soon(seconds: float = 20) -> float:
    return time.monotonic() + seconds


async def pieces(provider: Provider, request: Request, model: str = "m", seconds: float = 20) -> list[Any]:
    async with aclosing(provider.generate(request, model=model, deadline=soon(seconds))) as stream:
        return [piece async for piece in stream]


async def failure(provider: Provider, request: Request, seconds: float = 20) -> PollwebError:
    with pytest.raises(PollwebError) as caught:
        await pieces(provider, request, seconds=seconds)
    return caught.value


async def until(condition: Any, seconds: float = 1.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


class ProviderContract:
    """Fixtures wanted: `provider`. `models` says, for each kind of result, by which model it is made; each test that
    takes a `wish` runs once for each of them (conftest.py)."""

    models: dict[str, str]

    async def test_it_ends_with_exactly_one_result(self, provider, wish):
        heard = await pieces(provider, wish, self.models[wish.kind])
        assert isinstance(heard[-1], Result)
        assert sum(isinstance(piece, Result) for piece in heard) == 1

    async def test_its_pieces_add_up_to_the_result(self, provider, wish):
        *parts, result = await pieces(provider, wish, self.models[wish.kind])
        words = [part.delta.get("content", "") for part in parts if isinstance(part, Delta)]
        sounds = [part.data for part in parts if isinstance(part, Sound)]
        if words:
            assert "".join(words) == result.message["content"]
        if sounds:
            assert len(b"".join(sounds)) > 0

    async def test_its_result_is_of_the_wished_kind_and_size_and_says_who_made_it(self, provider, wish):
        result = (await pieces(provider, wish, self.models[wish.kind]))[-1]
        assert result.made_by == f"{provider.name}/{self.models[wish.kind]}"
        if isinstance(wish, ImageRequest):
            assert (result.width, result.height) == (wish.width, wish.height)
            assert result.media_type in ("image/jpeg", "image/png")
        elif isinstance(wish, SpeechRequest):
            assert result.media_type == "audio/mpeg"
            assert result.duration > 0
        else:
            assert result.message["role"] == "assistant"

    async def test_a_slot_has_a_short_name_and_room(self, provider):
        for model in self.models.values():
            name, size = provider.slot(model)
            assert 0 < len(name) <= 40
            assert size >= 1

    async def test_nothing_runs_on_after_its_end(self, provider, wish):
        before = asyncio.all_tasks()
        await pieces(provider, wish, self.models[wish.kind])
        await until(lambda: not {t for t in asyncio.all_tasks() - before if not t.done()})

    async def test_leaving_at_once_leaves_nothing_running(self, provider, wish):
        before = asyncio.all_tasks()
        asking = asyncio.ensure_future(pieces(provider, wish, self.models[wish.kind]))
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await until(lambda: not {t for t in asyncio.all_tasks() - before if not t.done()})


class RemoteContract(ProviderContract):
    """Of providers with an upstream: also wanted is the fixture `upstream`."""

    upstream: ScriptedUpstream

    @pytest.mark.parametrize("fault", ["stall", "drip"])
    async def test_a_client_that_leaves_closes_the_upstream_connection_within_a_second(
        self, provider, upstream, wish, fault
    ):
        upstream.always = fault
        asking = asyncio.ensure_future(pieces(provider, wish, self.models[wish.kind]))
        await until(lambda: upstream.calls)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await until(lambda: upstream.open == 0)

    async def test_closing_the_iterator_in_a_stream_closes_the_upstream_connection(self, provider, upstream):
        upstream.always = "stall_later"
        stream = provider.generate(WISHES["text"], model="m", deadline=soon())
        await anext(stream)
        await stream.aclose()
        await until(lambda: upstream.open == 0)

    @pytest.mark.parametrize(
        "fault", ["drop", "reset", "lie", "html", "empty", "garbage", "redirect", "status=500", "bomb", "flood"]
    )
    async def test_a_broken_answer_is_an_error_of_ours(self, provider, upstream, wish, fault):
        upstream.always = fault
        error = await failure(provider, wish)
        assert isinstance(error, ProviderError)
        assert error.status in (502, 503)
        await until(lambda: upstream.open <= 1)

    async def test_a_silent_upstream_is_left_at_the_limit_of_the_first_byte(self, provider, upstream, wish):
        upstream.always = "stall"
        began = time.monotonic()
        error = await failure(provider, wish)
        assert (error.status, error.code) == (504, "provider_silent")
        assert time.monotonic() - began < 2

    async def test_a_dripping_upstream_is_left_at_the_deadline(self, provider, upstream, wish):
        upstream.always = "drip"
        began = time.monotonic()
        error = await failure(provider, wish, seconds=0.5)
        assert (error.status, error.code) == (504, "deadline_exceeded")
        assert 0.45 < time.monotonic() - began < 1

    @pytest.mark.parametrize(
        ("status", "ours", "code", "again"),
        [
            (400, 400, "provider_rejected_request", None),
            (422, 400, "provider_rejected_request", None),
            (401, 502, "provider_refused", False),
            (403, 502, "provider_refused", False),
            (404, 502, "provider_refused", False),
            (408, 502, "provider_failed", True),
            (425, 502, "provider_failed", True),
            (429, 503, "provider_busy", True),
            (500, 502, "provider_failed", True),
            (502, 502, "provider_failed", True),
            (503, 503, "provider_busy", True),
            (504, 502, "provider_failed", True),
        ],
    )
    async def test_a_status_is_told_in_our_words(self, provider, upstream, wish, status, ours, code, again):
        upstream.always = f"status={status}"
        error = await failure(provider, wish)
        assert (error.status, error.code, getattr(error, "again", None)) == (ours, code, again)
        assert error.details["status"] == status
        assert error.details["provider"] == provider.name
        assert "abcdef123" not in f"{error.message} {error.details}"

    async def test_it_keeps_the_retry_after_of_a_busy_upstream(self, provider, upstream, wish):
        upstream.always = "status=429/7"
        assert (await failure(provider, wish)).retry_after == 7

    async def test_refused_content_is_a_matter_of_the_caller(self, provider, upstream, wish):
        upstream.always = "refused_content"
        error = await failure(provider, wish)
        assert (error.status, error.code) == (400, "content_refused")

    async def test_an_address_where_nobody_listens_is_unavailable(self, provider, upstream, wish):
        upstream.stop()
        error = await failure(provider, wish)
        assert (error.status, error.code) == (503, "provider_unavailable")

    async def test_no_more_calls_run_at_once_than_it_may(self, provider, upstream, wish):
        upstream.always = "stall"
        asking = [asyncio.ensure_future(pieces(provider, wish)) for _ in range(8)]
        await until(lambda: len(upstream.calls) == 4)
        await asyncio.sleep(0.05)
        assert len(upstream.calls) == 4
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    async def test_a_hundred_that_leave_do_not_harm_the_next(self, provider, upstream, wish):
        upstream.always = "stall"
        for _ in range(25):
            asking = [asyncio.ensure_future(pieces(provider, wish)) for _ in range(4)]
            await asyncio.sleep(0.005)
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
        upstream.always = ""
        for _ in range(5):
            assert isinstance((await pieces(provider, wish, self.models[wish.kind]))[-1], Result)
