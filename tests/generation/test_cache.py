"""Finished results by fingerprint, asked for by many at once."""

import asyncio
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from generation import cache
from generation.models import Generation, State


@pytest.fixture(autouse=True)
def _empty(transactional_db):
    cache.forget()
    yield
    cache.forget()


def finished(fingerprint: str, scope: str = "public", **values) -> Generation:
    return Generation.objects.create(
        kind="text",
        model="openai",
        params={},
        slot="s",
        fingerprint=fingerprint,
        scope=scope,
        state=State.SUCCEEDED,
        deadline=timezone.now(),
        **values,
    )


async def test_many_that_ask_at_once_cost_few_queries(monkeypatch):
    asked: list[int] = []
    look_up = cache._look_up

    def counted(keys):
        asked.append(len(keys))
        return look_up(keys)

    monkeypatch.setattr(cache, "_look_up", counted)
    row = await sync_to_async(finished)("f7")
    found = await asyncio.gather(*(cache.find(f"f{number}", "public") for number in range(50)))
    assert [one.pk for one in found if one] == [row.pk]
    assert found[7] == row
    assert sum(asked) == 50
    assert len(asked) <= 2


async def test_one_that_leaves_takes_nothing_from_the_others():
    row = await sync_to_async(finished)("f")
    leaving, staying = (asyncio.create_task(cache.find("f", "public")) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == row


async def test_each_scope_gets_its_own_newest_and_nothing_that_is_hidden():
    mine = await sync_to_async(finished)("f", "team:1")
    await sync_to_async(finished)("f", "public", hidden_at=timezone.now())
    old = await sync_to_async(finished)("g")
    new = await sync_to_async(finished)("g")
    assert old.pk < new.pk
    keys = [("f", "team:1"), ("f", "team:2"), ("f", "public"), ("g", "public")]
    assert await asyncio.gather(*(cache.find(*key) for key in keys)) == [mine, None, None, new]


async def test_a_failure_of_the_database_is_told_to_all_and_the_next_is_asked_again(monkeypatch):
    def away(keys):
        raise OSError("away")

    with monkeypatch.context() as patched:
        patched.setattr(cache, "_look_up", away)
        failures = await asyncio.gather(*(cache.find(name, "public") for name in "ab"), return_exceptions=True)
    assert [type(failure) for failure in failures] == [OSError, OSError]
    assert await cache.find("a", "public") is None


def test_a_row_made_by_its_columns_is_the_same():
    values = {
        "kind": "text",
        "model": "m",
        "params": {"a": 1},
        "fingerprint": "f",
        "scope": "s",
        "slot": "x",
        "team_id": None,
        "deadline": timezone.now() + timedelta(seconds=1),
    }
    quick, usual = Generation.new(**values), Generation(**values)
    fresh = {"id", "public_id", "created_at", "queued_at"}
    for field in Generation._meta.concrete_fields:
        if field.attname not in fresh:
            assert getattr(quick, field.attname) == getattr(usual, field.attname), field.attname
    assert quick._state.adding
    assert quick.public_id != usual.public_id
    assert quick.notes is not Generation.new(**values).notes
    with pytest.raises(TypeError, match="nonsense"):
        Generation.new(nonsense=1)
