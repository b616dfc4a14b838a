"""The short cut: relayed by the web process, stored a moment later, each record once."""

import asyncio
import json
import time

import pytest
from asgiref.sync import sync_to_async

from feeds.models import Outbox
from generation import intake, records, relay, ticker
from generation.errors import ProviderError, QueueAway
from generation.models import Generation, State
from generation.requests import ChatRequest
from pollweb.accounts.identity import Principal
from pollweb.accounts.models import UsageHour
from pollweb.lib import redis

ALICE, BOB = Principal(key="ip:192.0.2.1"), Principal(key="ip:192.0.2.2")
store = sync_to_async(records.drain)


def question(text: str = "Hello?", **values) -> ChatRequest:
    return ChatRequest(model="openai", messages=({"role": "user", "content": text},), **values)


async def ask(request, principal=ALICE, **context) -> tuple[Generation, str]:
    async with intake.generate(request, intake.Context(principal=principal, **context)) as answer:
        return await answer.result(), answer.cache


@pytest.fixture(autouse=True)
def _working(working):
    return working


async def test_a_relayed_answer_has_no_job_and_is_stored_counted_and_announced_once(working):
    row, said = await ask(question())
    assert (said, row.state, row.response) == ("MISS", State.SUCCEEDED, "Hello")
    assert await sync_to_async(Generation.objects.count)() == 0
    assert await store() == 1
    stored = await sync_to_async(Generation.objects.get)()
    for name in ("pk", "public_id", "message", "fingerprint", "params", "made_by", "completion_tokens"):
        assert getattr(stored, name) == getattr(row, name), name
    assert await sync_to_async(Outbox.objects.count)() == 1
    assert (await sync_to_async(UsageHour.objects.get)()).succeeded == 1


async def test_a_record_that_comes_twice_is_stored_once():
    row, _ = await ask(question())
    await redis.client().xadd(records.stream_key(), {b"r": records.as_json(row)})
    assert await store() == 1
    assert await sync_to_async(Outbox.objects.count)() == 1
    assert (await sync_to_async(UsageHour.objects.get)()).succeeded == 1


async def test_a_record_that_comes_again_later_is_passed_over_and_holds_up_nobody():
    row, _ = await ask(question())
    assert await store() == 1
    await redis.client().xadd(records.stream_key(), {b"r": records.as_json(row)})
    await ask(question("Another?"))
    assert await store() == 1
    assert await sync_to_async(records.waiting)() == 0
    assert await sync_to_async(Outbox.objects.count)() == 2


async def test_a_record_of_another_release_is_read_as_far_as_it_is_known():
    row, _ = await ask(question())
    told = json.loads(records.as_json(row))
    del told["words_gone"]
    read = records.from_json(json.dumps({**told, "a_new_column": 1}))
    assert (read.pk, read.created_at, read.message, read.words_gone) == (row.pk, row.created_at, row.message, False)


async def test_the_next_asker_is_served_from_cache_before_and_after_storing(working):
    await ask(question())
    assert (await ask(question(), BOB))[1] == "HIT"
    await store()
    from generation import cache

    cache.forget()
    assert (await ask(question(), BOB))[1] == "HIT"
    assert len(working.calls) == 1


async def test_equal_requests_join_and_the_first_may_leave(working):
    working.held = True
    first = asyncio.create_task(ask(question()))
    while not relay._flights:
        await asyncio.sleep(0.01)
    (flight,) = relay._flights.values()
    others = [asyncio.create_task(ask(question(), BOB)) for _ in range(20)]
    while flight.listeners < 21:
        await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    working.held = False
    answers = await asyncio.gather(*others)
    assert {said for _, said in answers} == {"JOIN"}
    assert len(working.calls) == 1


async def test_the_upstream_call_ends_when_the_last_asker_leaves(working):
    working.held = True
    asking = asyncio.create_task(ask(question()))
    while not working.calls:
        await asyncio.sleep(0.01)
    began = time.monotonic()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert working.stopped == 1
    assert time.monotonic() - began < 1
    assert relay._flights == {}
    assert await redis.client().zcard(redis.key("line", f"{{{ALICE.key}:text}}:running")) == 0


async def test_a_failure_is_recorded_too(working):
    working.error = ProviderError("No.")
    with pytest.raises(ProviderError):
        await ask(question())
    await store()
    assert (await sync_to_async(Generation.objects.get)()).state == State.FAILED
    assert (await sync_to_async(UsageHour.objects.get)()).failed == 1


async def test_without_redis_the_process_stores_its_records_itself(monkeypatch):
    async def away(*args, **kwargs):
        raise redis.RedisError("away")

    monkeypatch.setattr(redis, "run", away)
    await ask(question())
    assert await sync_to_async(Generation.objects.count)() == 1


async def test_an_answer_that_cannot_be_recorded_is_not_given(monkeypatch):
    async def away(*args, **kwargs):
        raise redis.RedisError("away")

    def full(rows):
        raise OSError("no space left")

    monkeypatch.setattr(redis, "run", away)
    monkeypatch.setattr(records, "store", full)
    with pytest.raises(QueueAway) as caught:
        await ask(question())
    assert caught.value.status == 503


def test_the_ticker_has_records_stored(working):
    asyncio.run(ask(question()))
    ticker.store_relayed()
    until = time.monotonic() + 5
    while records.waiting():
        assert time.monotonic() < until
        time.sleep(0.01)
    assert Generation.objects.count() == 1


async def test_a_key_makes_it_a_job(working):
    row, _ = await ask(question(), idempotency_key="k")
    assert await sync_to_async(Generation.objects.filter(pk=row.pk).exists)()
