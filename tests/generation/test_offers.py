"""Models that upstreams list are offered here, and their lists are followed."""

import time

import pytest
from django.conf import settings

from generation import catalogue, offers
from generation.errors import UnknownModel
from generation.providers import registry
from pollweb import config
from pollweb.lib import redis
from tests.upstream import ScriptedUpstream, serving

upstream = pytest.fixture(serving)

OPENAI = {
    "object": "list",
    "data": [{"id": "qwen3"}, {"id": "nomic-embed-text"}, {"id": "flux-schnell"}, {"id": "tts-1"}],
}


@pytest.fixture
def gpu(upstream: ScriptedUpstream, settings):
    """A provider whose list is followed, beside the usual scripted one."""
    upstream.lists = {"/v1/models": OPENAI}
    table = {"kind": "openai", "base_url": f"{upstream.url}/v1", "list_models": True, "list_pack": "standard"}
    providers = {**settings.DESIGN.providers, "gpu": config.Provider.model_validate(table)}
    settings.DESIGN = settings.DESIGN.model_copy(update={"providers": providers})
    registry.provider.cache_clear()
    offers.forget()
    yield upstream
    offers.forget()
    registry.provider.cache_clear()


async def listed() -> None:
    await offers.refresh()
    offers.look()


async def test_what_an_upstream_lists_is_offered_by_what_it_is_for(gpu):
    await listed()
    assert [str(source) for source in catalogue.find("qwen3").sources] == ["gpu/qwen3"]
    assert catalogue.find("nomic-embed-text", ("embedding",)).kind == "embedding"
    assert catalogue.image("flux-schnell").name == "flux-schnell"


async def test_a_listed_model_belongs_to_the_pack_that_the_operator_named(gpu):
    await listed()
    assert catalogue.find("qwen3").tier == "seed"


async def test_a_name_that_stands_for_something_stays_what_it_is(gpu):
    gpu.lists = {"/v1/models": {"data": [{"id": "openai"}, {"id": "tts-1"}]}}
    before = catalogue.find("openai"), catalogue.find("tts-1", ("audio",))
    await listed()
    assert (catalogue.find("openai"), catalogue.find("tts-1", ("audio",))) == before


async def test_a_model_that_is_listed_no_more_is_gone(gpu):
    await listed()
    gpu.lists = {"/v1/models": {"data": [{"id": "llama"}]}}
    await listed()
    assert catalogue.find("llama")
    with pytest.raises(UnknownModel):
        catalogue.find("qwen3")


async def test_an_upstream_that_does_not_answer_keeps_what_it_listed(gpu):
    await listed()
    gpu.always = "status=500"
    await listed()
    assert catalogue.find("qwen3")


async def test_an_emptied_redis_takes_nothing_away(gpu):
    await listed()
    await redis.client().delete(redis.key("offers", "lists"), redis.key("offers", "version"))
    offers.look()
    assert catalogue.find("qwen3")


@pytest.mark.parametrize(
    "said",
    [
        [],
        {},
        "x",
        {"data": "x"},
        {"data": [None, 1, {}, {"id": 7}, {"id": ""}, {"id": "<script>"}, {"id": "x" * 200}, {"id": "a b"}]},
    ],
)
async def test_a_list_that_is_none_offers_nothing(gpu, said):
    gpu.lists = {"/v1/models": said}
    await listed()
    assert catalogue.cards("text").keys() == settings.DESIGN.models.text.keys()


async def test_so_many_and_no_more_are_taken_from_one_list(gpu):
    gpu.lists = {"/v1/models": {"data": [{"id": f"m{n}"} for n in range(2000)]}}
    await listed()
    assert len(catalogue.cards("text")) == len(settings.DESIGN.models.text) + offers.MOST_MODELS


async def test_one_process_asks_in_five_minutes(gpu):
    assert [offers.claim() for _ in range(3)] == [True, False, False]


async def test_without_such_a_provider_nobody_is_asked(db):
    assert not offers.claim()


async def test_the_lists_of_the_guides_service_say_more(upstream: ScriptedUpstream):
    upstream.lists = {
        "/image/models": ["flux", "kontext", 7, {"name": "turbo"}],
        "/text/models": [
            {"name": "mistral", "tools": True, "vision": False, "aliases": "mistral-small", "description": "Mistral"},
            {"name": "deepseek", "tools": False, "reasoning": True, "aliases": ["r1", 5], "maxInputChars": 5000},
            {"name": "openai-audio", "voices": ["alloy", 3], "input_modalities": ["text", "audio"], "aliases": None},
            {"no": "name"},
        ],
    }
    provider = registry.build(
        "polly",
        {"kind": "pollinations", "image_url": f"{upstream.url}/image", "text_url": f"{upstream.url}/text"},
    )
    found = {(offer.ability, offer.name): offer for offer in await provider.offers(deadline=time.monotonic() + 5)}
    assert set(found) == {
        ("image", "flux"),
        ("image", "kontext"),
        ("image", "turbo"),
        ("text", "mistral"),
        ("text", "deepseek"),
        ("audio", "openai-audio"),
        ("transcription", "openai-audio"),
    }
    assert (found["image", "kontext"].edits, found["image", "flux"].edits) == (True, False)
    assert found["text", "mistral"].aliases == ("mistral-small",)
    assert (found["text", "deepseek"].aliases, found["text", "deepseek"].max_input_chars) == (("r1",), 5000)
    assert (found["text", "deepseek"].tools, found["text", "deepseek"].reasoning) == (False, True)
    assert found["audio", "openai-audio"].voices == ("alloy",)


async def test_modalities_count_more_than_a_name(upstream: ScriptedUpstream):
    upstream.lists = {
        "/v1/models": {
            "data": [
                {"id": "a/flux-writer", "architecture": {"input_modalities": ["text"], "output_modalities": ["text"]}},
                {"id": "painter", "output_modalities": ["image"], "input_modalities": ["text", "image"]},
            ]
        }
    }
    provider = registry.build("gpu", {"kind": "openai", "base_url": f"{upstream.url}/v1"})
    writer, painter = await provider.offers(deadline=time.monotonic() + 5)
    assert (writer.ability, writer.vision) == ("text", False)
    assert (painter.ability, painter.edits) == ("image", True)
