"""Moderation of texts and pictures in OpenAI's shape."""

import base64

import pytest

from generation.safety import classifier
from pollweb import config
from tests.fakes import jpeg

PICTURE = {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64," + base64.b64encode(jpeg()).decode()}}


async def test_texts_are_judged_one_by_one(client):
    answer = await client.post("/v1/moderations", json={"input": ["a red fox", "a naked man", "heil hitler"]})
    assert answer.status_code == 200
    body = answer.json()
    assert body["id"].startswith("modr-")
    assert [result["flagged"] for result in body["results"]] == [False, True, True]
    naked, hate = body["results"][1:]
    assert (naked["categories"]["sexual"], naked["category_scores"]["sexual"]) == (True, 1.0)
    assert naked["category_applied_input_types"]["sexual"] == ["text"]
    assert (hate["categories"]["hate"], hate["categories"]["sexual"]) == (True, False)
    assert set(naked["categories"]) == set(naked["category_scores"]) >= {"violence", "self-harm", "illicit"}


async def test_one_text_gives_one_result(client):
    body = (await client.post("/v1/moderations", json={"model": "omni-moderation-latest", "input": "hello"})).json()
    assert len(body["results"]) == 1


@pytest.mark.parametrize(("score", "flagged"), [(0.95, True), (0.1, False)])
async def test_a_picture_is_judged_by_the_classifier(client, settings, monkeypatch, score, flagged):
    design = settings.DESIGN.model_dump(by_alias=True)
    settings.DESIGN = config.parse({**design, "moderation": {"classifier": True}})
    monkeypatch.setattr(classifier, "score", lambda data: score)
    answer = await client.post("/v1/moderations", json={"input": [{"type": "text", "text": "a fox"}, PICTURE]})
    [result] = answer.json()["results"]
    assert (result["flagged"], result["category_scores"]["sexual"]) == (flagged, score)
    assert result["category_applied_input_types"]["sexual"] == ["image"]


@pytest.mark.parametrize(
    "given",
    [None, [], 5, [5], [{"type": "video"}], [{"type": "image_url"}], ["a"] * 33, "a" * 100_001],
)
async def test_what_cannot_be_read_is_refused(client, given):
    answer = await client.post("/v1/moderations", json={"input": given})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_parameter")


async def test_an_address_inside_is_refused(client):
    part = {"type": "image_url", "image_url": {"url": "http://127.0.0.1/x.png"}}
    answer = await client.post("/v1/moderations", json={"input": [part]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "url_refused")
