"""From a wish to its result, through a real queue, with the scripted provider."""

import asyncio
import base64
import time
from contextlib import AsyncExitStack

import pytest
from asgiref.sync import sync_to_async

from feeds.models import Outbox
from generation import catalogue, handoff, intake
from generation.errors import ContentRefused, EngineNotReady, ProviderError, ProviderTimeout, TierTooLow, UnknownModel
from generation.models import Generation, State
from generation.requests import ChatRequest, ImageRequest
from pollweb import config
from pollweb.accounts import quota
from pollweb.accounts.errors import LineFull, QuotaExceeded
from pollweb.accounts.identity import Principal
from pollweb.accounts.models import Team, UsageHour
from pollweb.lib import redis
from pollweb.lib.errors import PollwebError
from tests.fakes import jpeg

ALICE = Principal(key="ip:192.0.2.1")
BOB = Principal(key="ip:192.0.2.2")

rows = sync_to_async(lambda: list(Generation.objects.order_by("pk")))
count = sync_to_async(lambda model: model.objects.count())


def picture(text: str = "a red fox", **values) -> ImageRequest:
    return ImageRequest(model="flux", text=text, **({"width": 64, "height": 48} | values))


def question(text: str = "Hello?", **values) -> ChatRequest:
    return ChatRequest(model="openai", messages=({"role": "user", "content": text},), **values)


async def ask(request, principal=ALICE, **context) -> tuple[Generation, str]:
    async with intake.generate(request, intake.Context(principal=principal, **context)) as answer:
        return await answer.result(), answer.cache


async def until(condition) -> None:
    async with asyncio.timeout(15):
        while not await sync_to_async(condition)():
            await asyncio.sleep(0.01)


async def test_it_makes_a_picture_and_counts_stores_and_announces_it_once(working):
    row, said = await ask(picture())
    assert (said, row.state, row.made_by) == ("MISS", State.SUCCEEDED, "scripted/picture")
    assert (row.artifact.width, row.artifact.height) == (64, 48)
    assert await count(Outbox) == 1
    usage = await sync_to_async(UsageHour.objects.get)()
    assert (usage.kind, usage.model, usage.succeeded) == ("image", "flux", 1)


async def test_it_serves_the_second_asker_from_cache(working):
    first, _ = await ask(picture())
    second, said = await ask(picture(), BOB)
    assert (said, second.pk) == ("HIT", first.pk)
    assert len(working.calls) == 1
    assert await count(Outbox) == 1


async def test_another_seed_is_another_picture(working):
    first, _ = await ask(picture(seed=1))
    second, said = await ask(picture(seed=2))
    assert said == "MISS"
    assert first.pk != second.pk


async def test_a_private_result_is_given_to_its_own_asker_only(working):
    mine, _ = await ask(picture(private=True))
    assert mine.visibility == "private"
    assert (await ask(picture(private=True)))[1] == "HIT"
    assert (await ask(picture(private=True), BOB))[1] == "MISS"
    assert (await ask(picture(), BOB))[1] == "MISS"
    assert await count(Outbox) == 1


async def test_fifty_equal_requests_share_one_job_and_the_first_may_leave(working):
    working.held = True
    first = asyncio.create_task(ask(picture()))
    await until(lambda: Generation.objects.filter(state="running").exists())
    others = [asyncio.create_task(ask(picture(), BOB)) for _ in range(49)]
    (bells,) = handoff.exchange().bells.values()
    async with asyncio.timeout(10):
        while len(bells) < 50:
            await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    working.held = False
    answers = await asyncio.gather(*others)
    assert {said for _, said in answers} == {"JOIN"}
    assert len({row.artifact_id for row, _ in answers}) == 1
    assert len(working.calls) == 1


async def test_whoever_leaves_while_they_begin_to_wait_is_waited_for_by_nobody(working, monkeypatch):
    """Redis is told of them meanwhile: they would be said to be waiting every second for ever."""
    exchange, telling, told = handoff.exchange(), asyncio.Event(), asyncio.Event()
    present = exchange._present

    async def slowly(jobs: list[str]) -> None:
        await present(jobs)
        telling.set()
        await told.wait()

    monkeypatch.setattr(exchange, "_present", slowly)
    asking = asyncio.create_task(ask(picture()))
    async with asyncio.timeout(5):
        await telling.wait()
    (job,) = exchange.bells
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert (exchange.bells, exchange.ready) == ({}, {})
    assert not redis.sync_client().exists(redis.key("job", job, "waiters"))


async def test_whoever_has_heard_the_end_does_not_write_that_nobody_waits_any_more(working, monkeypatch):
    asked = []
    monkeypatch.setattr(intake, "_cancel_unkept", asked.append)
    await ask(picture())
    assert asked == []


async def test_it_stops_the_work_when_the_last_asker_leaves(working):
    working.held = True
    asking = asyncio.create_task(ask(picture()))
    await until(lambda: Generation.objects.filter(state="running").exists())
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await until(lambda: Generation.objects.filter(state="cancelled").exists())
    await until(lambda: working.stopped == 1)
    assert await count(Outbox) == 0


async def test_pieces_arrive_as_they_are_made_and_late_joiners_hear_all(working):
    working.words = ["one ", "two ", "three"]

    async def listen():
        async with intake.generate(question(), intake.Context(principal=ALICE)) as answer:
            return [piece["delta"]["content"] async for piece in answer.pieces()], answer

    heard, answer = await listen()
    assert heard == ["one ", "two ", "three"]
    assert answer.row.message == {"role": "assistant", "content": "one two three"}
    again, answer = await listen()
    assert (again, answer.cache, answer.row.response) == ([], "HIT", "one two three")


async def test_a_failure_is_tried_again_while_nothing_was_said(working):
    working.failures = 2
    row, _ = await ask(picture())
    assert (row.state, row.attempts, len(working.calls)) == (State.SUCCEEDED, 1, 3)


async def test_it_gives_up_after_three_attempts(working):
    working.failures = 99
    with pytest.raises(ProviderError) as caught:
        await ask(picture())
    assert caught.value.status == 502
    assert len(working.calls) == 3
    usage = await sync_to_async(UsageHour.objects.get)()
    assert (usage.succeeded, usage.failed) == (0, 1)


async def test_it_does_not_begin_again_once_a_piece_was_heard(working):
    working.error, working.error_after = ProviderError("reset"), 1
    with pytest.raises(ProviderError):
        await ask(question())
    assert len(working.calls) == 1


@pytest.mark.parametrize(
    ("error", "status", "state"),
    [
        (ContentRefused("No."), 400, "failed"),
        (ProviderTimeout("Late."), 504, "expired"),
        (ValueError("a bug"), 502, "failed"),
    ],
)
async def test_an_error_reaches_the_asker_as_it_was_meant(working, error, status, state):
    working.error = error
    with pytest.raises(PollwebError) as caught:
        await ask(picture())
    assert caught.value.status == status
    assert "a bug" not in caught.value.message
    assert (await rows())[0].state == state


async def test_an_unknown_picture_model_is_the_default_and_an_unknown_text_model_is_an_error(working):
    row, _ = await ask(ImageRequest(model="nonsense", text="x", width=64, height=64))
    assert row.model == "flux"
    with pytest.raises(UnknownModel):
        await ask(ChatRequest(model="nonsense", messages=({"role": "user", "content": "x"},)))


async def test_a_model_above_the_tier_is_refused_and_nothing_is_made(working):
    with pytest.raises(TierTooLow) as caught:
        await ask(ImageRequest(model="rare", text="x"))
    assert caught.value.status == 403
    assert await count(Generation) == 0


async def test_a_persona_speaks_first_and_the_callers_system_message_follows(working):
    messages = ({"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"})
    await ask(ChatRequest(model="pirate", messages=messages))
    assert working.calls[0].messages[0] == {"role": "system", "content": "You are a pirate.\n\nBe brief."}


async def test_media_make_a_request_private(working):
    url = "data:image/jpeg;base64," + base64.b64encode(jpeg()).decode()
    content = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": url}}]
    row, _ = await ask(ChatRequest(model="openai", messages=({"role": "user", "content": content},)))
    assert (row.visibility, row.prompt) == ("private", "What is it?\n[image]")
    assert await count(Outbox) == 0


async def test_many_different_requests_at_once_all_succeed(working):
    async with AsyncExitStack():
        answers = await asyncio.gather(*(ask(picture(seed=seed), Principal(key=f"ip:{seed}")) for seed in range(40)))
    assert all(row.state == State.SUCCEEDED for row, _ in answers)
    assert await count(Outbox) == 40


def test_the_site_queues_a_job_and_it_is_made_though_nobody_waits(working):
    row = intake.enqueue(picture("made to be kept"), intake.Context(principal=ALICE))
    for _ in range(500):
        row.refresh_from_db()
        if row.is_final:
            break

        time.sleep(0.01)
    assert (row.state, row.keep) == (State.SUCCEEDED, True)
    assert intake.enqueue(picture("made to be kept"), intake.Context(principal=ALICE)).pk == row.pk


def test_the_site_may_cancel_a_job_in_every_state(working):
    working.held = True
    row = intake.enqueue(picture("never"), intake.Context(principal=ALICE))
    assert intake.cancel(row, BOB) is False
    assert intake.cancel(row, ALICE) is True
    row.refresh_from_db()
    assert row.state == State.CANCELLED
    assert intake.cancel(row, ALICE) is False


async def test_waiting_for_a_row_that_is_not_there_yet_is_no_end(working, monkeypatch):
    """The poller looks every second; a request may take longer than that to insert its row."""
    monkeypatch.setattr(handoff, "POLL_SECONDS", 0.01)
    insert = intake._insert

    def slowly(*arguments) -> bool:
        time.sleep(0.3)
        return insert(*arguments)

    monkeypatch.setattr(intake, "_insert", slowly)
    row, _ = await ask(picture())
    assert row.state == State.SUCCEEDED


async def test_a_model_with_a_pace_of_its_own_has_a_line_of_its_own(working, settings):
    design = settings.DESIGN.model_dump(by_alias=True)
    design["models"]["image"]["flux"]["concurrency"] = 1
    settings.DESIGN = config.parse(design)
    catalogue.forget()
    working.held = True
    asking = [asyncio.create_task(ask(picture(seed=seed))) for seed in range(1, 6)]
    key = redis.key("line", f"{{{ALICE.key}:image:flux}}:order")
    await until(lambda: redis.sync_client().zcard(key) == 4 and Generation.objects.filter(state="running").exists())
    with pytest.raises(LineFull, match="max: 5"):
        await ask(picture(seed=9))
    assert await count(Generation) == 1
    working.held = False
    assert {row.state for row, _ in await asyncio.gather(*asking)} == {State.SUCCEEDED}
    catalogue.forget()


async def test_an_engine_that_is_not_ready_costs_no_turn(working):
    working.unready = EngineNotReady("This engine is getting ready: 35 % is here.")
    with pytest.raises(EngineNotReady):
        await ask(picture())
    assert await count(Generation) == 0
    assert await redis.client().exists(redis.key("line", f"{{{ALICE.key}:image}}:state")) == 0
    working.unready = None
    await ask(picture())
    working.unready = EngineNotReady("Gone again.")
    assert (await ask(picture()))[1] == "HIT"


async def with_quota(left: int) -> Principal:
    team = await Team.objects.acreate(name="quota", tier="nectar", monthly_quota=left)
    return Principal(key=f"team:{team.pk}", tier="nectar", team_id=team.pk, team_quota=left)


async def test_a_monthly_quota_counts_what_succeeds_and_nothing_else(working):
    caller = await with_quota(2)
    working.error = ProviderError("No.")
    with pytest.raises(ProviderError):
        await ask(picture("fails"), caller)
    working.error = None
    await ask(picture("one"), caller)
    await ask(picture("one"), caller)  # from the cache
    working.held = True
    leaving = asyncio.create_task(ask(picture("left"), caller))
    await until(lambda: Generation.objects.filter(state="running").exists())
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    await until(lambda: Generation.objects.filter(state="cancelled").exists())
    working.held = False
    await ask(picture("two"), caller)
    with pytest.raises(QuotaExceeded, match="2 of 2 requests"):
        await ask(picture("three"), caller)
    assert (await sync_to_async(quota.used)(caller.team_id)).requests == 2
    assert await count(Generation) == 4


async def test_a_used_up_quota_costs_no_turn_and_is_said_before_a_job_is_queued(working):
    caller = await with_quota(1)
    row = await sync_to_async(intake.enqueue)(picture("kept"), intake.Context(principal=caller))
    await until(lambda: Generation.objects.filter(pk=row.pk, state="succeeded").exists())
    with pytest.raises(QuotaExceeded):
        await sync_to_async(intake.enqueue)(picture("another"), intake.Context(principal=caller))
    with pytest.raises(QuotaExceeded):
        await ask(picture("a third"), caller)
    running = redis.key("line", f"{{{caller.key}:image}}:running")
    await until(lambda: redis.sync_client().zcard(running) == 0)
    assert await count(Generation) == 1
