"""A model that an upstream lists is asked like any other."""

from generation import offers
from tests.generation.test_offers import gpu, upstream  # noqa: F401


async def test_a_listed_model_answers_and_stands_in_the_lists(client, alice, working, gpu):  # noqa: F811
    await offers.refresh()
    offers.look()
    names = [model["id"] for model in (await client.get("/v1/models")).json()["data"]]
    assert {"qwen3", "nomic-embed-text", "flux-schnell"} <= set(names)
    asked = {"model": "qwen3", "messages": [{"role": "user", "content": "Hello?"}]}
    answer = await client.post("/v1/chat/completions", json=asked, headers=alice)
    assert (answer.status_code, answer.headers["x-model-used"]) == (200, "gpu/qwen3")
    assert answer.json()["choices"][0]["message"]["content"] == "Hello there"


async def test_it_is_not_for_tiers_below_its_pack(client, working, gpu):  # noqa: F811
    await offers.refresh()
    offers.look()
    asked = {"model": "qwen3", "messages": [{"role": "user", "content": "Hello?"}]}
    answer = await client.post("/v1/chat/completions", json=asked)
    assert (answer.status_code, answer.json()["error"]["code"]) == (402, "tier_too_low")
