"""Equal requests in several processes: one makes it, the others hear it. The other process is played by this one, which
is kept from finding its own flights.
"""

import asyncio
import time

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from generation import attempts, cache, intake, records, relay, sharing
from generation.errors import ProviderError, QueueAway
from generation.models import Generation, State
from generation.requests import ChatRequest
from pollweb import config
from pollweb.accounts import line, tallies
from pollweb.accounts.identity import Principal
from pollweb.accounts.models import UsageHour
from pollweb.lib import redis

ALICE, BOB = Principal(key="ip:192.0.2.1"), Principal(key="ip:192.0.2.2")


def question(text: str = "Hello?") -> ChatRequest:
    return ChatRequest(model="openai", messages=({"role": "user", "content": text},))


async def ask(principal=ALICE, **context) -> tuple[Generation, str]:
    async with intake.generate(question(), intake.Context(principal=principal, **context)) as answer:
        return await answer.result(), answer.cache


@pytest.fixture(autouse=True)
async def _apart(working, monkeypatch):
    monkeypatch.setattr(relay, "joined", lambda key: None)
    working.held = True
    yield
    await sharing.close()


async def begun(working) -> tuple[asyncio.Task, str]:
    """Alice's request, when its upstream was called; and what is told of its maker."""
    first = asyncio.create_task(ask())
    while not working.calls:
        await asyncio.sleep(0.01)
    (key,) = await redis.client().keys(redis.key("made", "*"))
    return first, key.decode()


async def heard(others: int) -> None:
    """Wait until so many listen."""
    while sum(flight.listeners for flight in relay._flights.values()) < 2:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05 * bool(others))


async def test_they_share_one_upstream_call_and_the_first_may_leave(working):
    first, _ = await begun(working)
    others = [asyncio.create_task(ask(BOB)) for _ in range(20)]
    await heard(20)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    working.held = False
    answers = await asyncio.gather(*others)
    assert {(row.response, said) for row, said in answers} == {("Hello", "JOIN")}
    assert len({row.pk for row, _ in answers}) == len(working.calls) == 1


async def test_who_hears_it_costs_no_start_and_is_counted_as_given_again(working):
    first, _ = await begun(working)
    other = asyncio.create_task(ask(BOB))
    await heard(1)
    assert not await redis.client().exists(redis.key("line", f"{{{BOB.key}:text}}:state"))
    working.held = False
    await asyncio.gather(first, other)
    await sync_to_async(records.drain)()
    await sync_to_async(tallies.write)()
    hours = await sync_to_async(lambda: list(UsageHour.objects.values_list("succeeded", "cached")))()
    assert sorted(map(sum, zip(*hours, strict=True))) == [1, 1]


async def test_a_failure_is_heard_too(working):
    working.error = ProviderError("No.")
    first, _ = await begun(working)
    other = asyncio.create_task(ask(BOB))
    await heard(1)
    working.held = False
    told = await asyncio.gather(first, other, return_exceptions=True)
    assert [str(error) for error in told] == ["No.", "No."]
    assert len(working.calls) == attempts.MOST  # all of them the first one's


async def test_when_all_have_left_the_call_ends_and_nobody_holds_it(working):
    first, key = await begun(working)
    other = asyncio.create_task(ask(BOB))
    await heard(1)
    for task in (first, other):
        task.cancel()
    await asyncio.gather(first, other, return_exceptions=True)
    async with asyncio.timeout(3):
        while not working.stopped:
            await asyncio.sleep(0.01)
    assert not await redis.client().exists(key)


async def test_the_next_one_makes_it_when_its_maker_has_died(working):
    working.held = False
    made = intake._wish(question(), intake.Context(principal=BOB)).dedupe_key
    await redis.client().set(redis.key("made", made), b"dead.1", px=300)
    assert (await ask(BOB))[1] == "MISS"
    assert len(working.calls) == 1


async def test_one_that_is_dead_for_ever_is_an_error_not_a_hang(working, monkeypatch):
    monkeypatch.setattr(sharing, "LOOK_SECONDS", 0.05)
    made = intake._wish(question(), intake.Context(principal=BOB)).dedupe_key

    async def refreshed(self) -> bool:
        return False

    monkeypatch.setattr(sharing.Heard, "_is_made", refreshed)
    await redis.client().set(redis.key("made", made), b"dead.1", ex=60)
    with pytest.raises(QueueAway):
        await ask(BOB)
    assert working.calls == []


async def test_who_wants_a_new_one_shares_nothing(working):
    first, _ = await begun(working)
    other = asyncio.create_task(ask(fresh=True))
    while len(working.calls) < 2:
        await asyncio.sleep(0.01)
    working.held = False
    assert {said for _, said in await asyncio.gather(first, other)} == {"MISS"}


async def test_who_comes_between_its_end_and_its_storing_is_given_it(working):
    working.held = False
    row, _ = await ask()
    cache.forget()  # another process remembers nothing
    again, said = await ask(BOB)
    assert await sync_to_async(Generation.objects.count)() == 0
    assert (said, again.pk, again.message, again.state) == ("HIT", row.pk, row.message, row.state)
    assert len(working.calls) == 1
    assert not await redis.client().exists(redis.key("line", f"{{{BOB.key}:text}}:state"))


async def test_a_private_answer_and_a_failed_one_are_given_to_nobody_else(working):
    working.held = False
    await ask(ALICE, may_be_public=False)
    assert (await ask(BOB, may_be_public=False))[1] == "MISS"
    working.error = ProviderError("No.")
    with pytest.raises(ProviderError):
        await ask()
    working.error = None
    assert (await ask(BOB))[1] == "MISS"


async def test_who_stood_in_line_while_another_made_it_is_given_it(working, settings):
    design = settings.DESIGN.model_dump(by_alias=True)
    design["tiers"]["anonymous"]["concurrency"] = 1
    settings.DESIGN = config.parse(design)
    made = intake._wish(question(), intake.Context(principal=ALICE)).row()
    made.state, made.finished_at, made.dedupe_key = State.SUCCEEDED, timezone.now(), None
    made.message = {"role": "assistant", "content": "Hello"}
    async with line.turn(BOB, "text", deadline=time.monotonic() + 30):
        other = asyncio.create_task(ask(BOB))
        while not await redis.client().zcard(redis.key("line", f"{{{BOB.key}:text}}:order")):
            await asyncio.sleep(0.01)
        await sync_to_async(records.store)([made])
    again, said = await other
    assert (said, again.pk, working.calls) == ("HIT", made.pk, [])


async def test_who_hears_it_to_its_end_is_not_told_that_its_maker_is_gone():
    heard = sharing.Heard("desk.1", "made", time.monotonic() + 5)
    await redis.client().set(redis.key("made", "made"), b'{"id": "x"}')
    assert not await heard._is_made()  # nothing was heard: ask again, and be given it
    heard.row = Generation()
    assert await heard._is_made()
