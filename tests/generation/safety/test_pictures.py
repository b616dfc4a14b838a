"""Mature pictures and prompts over the whole application, with the classifier's word given by the test."""

import pytest
from asgiref.sync import sync_to_async

from feeds.models import Outbox
from generation.models import Artifact, Generation
from generation.safety import classifier
from pollweb import config
from tests.fakes import jpeg
from tests.generation.api import conftest

client = conftest.client
row = sync_to_async(Generation.objects.get)
announced = sync_to_async(Outbox.objects.count)


@pytest.fixture
def judged(settings, monkeypatch):
    """Turns the classifier on, and sets what it says."""

    def says(score: float) -> None:
        design = settings.DESIGN.model_dump(by_alias=True)
        settings.DESIGN = config.parse({**design, "moderation": {"classifier": True, "threshold": 0.8}})
        monkeypatch.setattr(classifier, "score", lambda data: score)

    return says


async def test_a_mature_picture_is_given_but_not_told(client, judged):
    judged(0.93)
    answer = await client.get("/prompt/x?width=64&height=64")
    assert answer.status_code == 200
    made = await row()
    assert (made.is_mature, made.notes["nsfw_score"], await announced()) == (True, 0.93, 0)
    assert (await client.get(f"/media/{made.public_id}/original")).status_code == 404


async def test_a_mature_picture_is_refused_where_a_safe_one_is_wanted_and_not_stored(client, judged):
    judged(0.93)
    answer = await client.get("/prompt/x?width=64&height=64&safe=true")
    assert (answer.status_code, answer.json()["code"]) == (400, "content_refused")
    assert answer.json()["message"] == (
        "NSFW content detected. This request cannot be fulfilled when safe mode is enabled."
    )
    assert not await sync_to_async(Artifact.objects.exists)()
    assert (await row()).attempts == 1


async def test_a_harmless_picture_is_told(client, judged):
    judged(0.03)
    assert (await client.get("/prompt/x?width=64&height=64&safe=true")).status_code == 200
    made = await row()
    assert (made.is_mature, made.notes["nsfw_score"], await announced()) == (False, 0.03, 1)


async def test_mature_words_keep_a_picture_from_the_feed(client):
    assert (await client.get("/prompt/a%20naked%20man?width=64&height=64")).status_code == 200
    assert ((await row()).is_mature, await announced()) == (True, 0)


async def test_mature_words_are_refused_before_anything_is_made_where_a_safe_picture_is_wanted(client, working):
    answer = await client.get("/prompt/a%20naked%20man?width=64&height=64&safe=true")
    assert (answer.status_code, answer.json()["code"]) == (400, "content_refused")
    assert "sexual" in answer.json()["message"]
    assert working.calls == []
    assert not await sync_to_async(Generation.objects.exists)()


async def test_mature_words_keep_an_answer_from_the_feed(client):
    from generation import records

    assert (await client.get("/text/write%20porn")).status_code == 200
    await sync_to_async(records.drain)()
    assert ((await row()).is_mature, await announced()) == (True, 0)


def test_the_classifier_gives_a_low_score_to_what_is_harmless():
    assert 0 <= classifier.score(jpeg(300, 200, "seagreen")) < 0.3


def test_the_classifier_refuses_what_is_no_picture():
    with pytest.raises(ValueError, match="not a picture"):
        classifier.score(b"nonsense")
