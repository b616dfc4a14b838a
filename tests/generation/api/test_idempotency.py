"""`Idempotency-Key` over the whole application."""

import asyncio

import pytest
from asgiref.sync import sync_to_async

from generation import intake
from generation.models import Generation, IdempotencyKey
from tests.generation.api.test_jobs import finished

ASK = {"model": "openai", "messages": [{"role": "user", "content": "Hello?"}]}
KEY = {"Idempotency-Key": "order-1", "no-cache": "1"}


async def test_the_same_key_and_body_get_the_same_answer(client, working):
    first = await client.post("/v1/chat/completions", json=ASK, headers=KEY)
    working.words = ["something else"]
    again = await client.post("/v1/chat/completions", json=ASK, headers=KEY)
    assert again.json() == first.json()
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert len(working.calls) == 1


async def test_twenty_at_once_make_one(client, working):
    answers = await asyncio.gather(*(client.post("/v1/chat/completions", json=ASK, headers=KEY) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert len(working.calls) == 1
    assert await sync_to_async(Generation.objects.count)() == 1


async def test_another_body_under_the_key_is_refused(client):
    await client.post("/v1/chat/completions", json=ASK, headers=KEY)
    answer = await client.post("/v1/chat/completions", json={**ASK, "temperature": 1}, headers=KEY)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "idempotency_key_reused")


async def test_what_no_worker_could_be_told_of_ends_at_once_and_its_key_is_free(client, alice, working, monkeypatch):
    told = []
    with monkeypatch.context() as away:
        away.setattr("generation.tasks.send", lambda row: False)
        away.setattr("generation.intake.BLINK_SECONDS", 0.0)
        away.setattr("generation.notices.tell_end", told.extend)
        refused = await client.get("/prompt/a%20boat?width=64&height=64", headers={**KEY, **alice})
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    row = await Generation.objects.aget()
    assert (row.state, row.error_code, row.dedupe_key) == ("failed", "worker_away", None)
    assert [each.pk for each in told] == [row.pk]
    assert not await IdempotencyKey.objects.aexists()
    made = await client.get("/prompt/a%20boat?width=64&height=64", headers={**KEY, **alice})
    assert (made.status_code, "idempotency-replayed" in made.headers) == (200, False)


async def test_keys_of_different_callers_do_not_meet(client, alice, working):
    await client.post("/v1/chat/completions", json={**ASK, "private": True}, headers=KEY)
    await client.post("/v1/chat/completions", json={**ASK, "private": True}, headers={**KEY, **alice})
    assert len(working.calls) == 2


async def test_a_refused_request_leaves_no_key(client):
    answer = await client.post("/v1/chat/completions", json={**ASK, "model": "none"}, headers=KEY)
    assert answer.status_code == 404
    assert await sync_to_async(IdempotencyKey.objects.count)() == 0
    assert (await client.post("/v1/chat/completions", json=ASK, headers=KEY)).status_code == 200


async def test_a_failure_is_replayed_as_it_was(client, working):
    working.failures = 99
    first = await client.post("/v1/chat/completions", json=ASK, headers=KEY)
    working.failures = 0
    again = await client.post("/v1/chat/completions", json=ASK, headers=KEY)
    assert (first.status_code, again.status_code) == (502, 502)


DRAWN = [
    ("/v1/images/generations", {"prompt": "a boat", "size": "64x64"}, 200),
    ("/v1/images/generations", {"prompt": "a boat", "size": "64x64", "seed": -1, "n": 2}, 200),
    ("/prompt/a%20boat", {"width": 64, "height": 64, "seed": -1}, 200),
    ("/v1/chat/completions", {**ASK, "seed": -1}, 200),
]


@pytest.mark.parametrize(("path", "body", "status"), DRAWN)
async def test_a_seed_that_is_drawn_each_time_is_no_other_request(client, working, path, body, status):
    first = await client.post(path, json=body, headers=KEY)
    again = await client.post(path, json=body, headers=KEY)
    assert (first.status_code, again.status_code) == (status, status)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.content == first.content
    assert len(working.calls) == body.get("n", 1)


ASYNC = {**KEY, "Prefer": "respond-async"}


async def test_a_job_that_is_asked_for_again_is_the_same_job(client, working):
    body = {"width": 64, "height": 64, "seed": -1}
    first = await client.post("/prompt/a%20boat", json=body, headers=ASYNC)
    again = await client.post("/prompt/a%20boat", json=body, headers=ASYNC)
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json()["id"] == first.json()["id"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    other = await client.post("/prompt/a%20boat", json={**body, "width": 128}, headers=ASYNC)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert await sync_to_async(Generation.objects.count)() == 1


async def test_a_job_that_failed_is_not_made_again_under_its_key(client, working):
    working.failures = 99
    first = (await client.post("/v1/chat/completions", json=ASK, headers=ASYNC)).json()
    assert (await finished(client, first["url"]))["status"] == "failed"
    again = (await client.post("/v1/chat/completions", json=ASK, headers=ASYNC)).json()
    assert (again["id"], again["status"]) == (first["id"], "failed")


async def test_twenty_jobs_under_one_key_are_one(client):
    body = {"width": 64, "height": 64, "seed": -1}
    asked = (client.post("/prompt/a%20boat", json=body, headers=ASYNC) for _ in range(20))
    answers = await asyncio.gather(*asked)
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await sync_to_async(Generation.objects.count)() == 1


async def test_the_key_is_there_with_its_row(client, working, monkeypatch):
    """A web process may be killed between any two lines: then whoever asks again finds both, or neither."""

    async def killed(*args):
        raise asyncio.CancelledError

    monkeypatch.setattr(intake, "_attach", killed)
    with pytest.raises(asyncio.CancelledError):
        await client.post("/v1/chat/completions", json={**ASK, "private": True}, headers=KEY)
    row = await Generation.objects.aget()
    assert (await IdempotencyKey.objects.aget()).generation_id == row.pk


@pytest.mark.parametrize("key", ["x" * 256, "tab\there", "é"])
async def test_a_key_that_is_none_is_refused(client, key):
    headers = {"Idempotency-Key": key.encode()}
    answer = await client.post("/v1/chat/completions", json=ASK, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_idempotency_key")


async def test_a_key_may_lead_to_an_answer_that_is_not_stored_yet(client, working, monkeypatch):
    """A relayed answer is in the cache at once, and in the database a moment later."""
    from generation import records

    with monkeypatch.context() as nobody:
        nobody.setattr(records, "drain", lambda: 0)
        first = await client.post("/v1/chat/completions", json=ASK)
        assert not await sync_to_async(Generation.objects.exists)()
    assert await sync_to_async(records.waiting)() == 1
    for replayed in (None, "true"):
        again = await client.post("/v1/chat/completions", json=ASK, headers={"Idempotency-Key": "order-2"})
        assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
        assert again.headers.get("idempotency-replayed") == replayed
    assert await sync_to_async(Generation.objects.count)() == 1
