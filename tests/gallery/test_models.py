"""/models: what can be asked, and how it is."""

import html
import re

import pytest

from generation import wellbeing

NAME = re.compile(r'href="/models/([^"]+)"')


def names(client, **filters) -> list[str]:
    return NAME.findall(client.get("/models", filters).content.decode())


@pytest.mark.django_db
def test_every_model_is_there_by_kind(client, db):
    listed = names(client)
    assert listed[:2] == ["flux", "turbo"]
    assert {"openai", "openai-audio", "whisper-1"} <= set(listed)


@pytest.mark.django_db
def test_filters_leave_out_the_rest(client):
    assert names(client, kind="audio") == ["openai-audio"]
    assert names(client, can="edits") == ["kontext"]
    assert names(client, can="vision") == ["openai", "openai-large", "claude-hybridspace"]
    assert names(client, kind="audio", can="vision") == []
    assert "No model is both." in client.get("/models", {"kind": "audio", "can": "vision"}).content.decode()
    assert len(names(client, kind="nonsense", can="nonsense")) > 5


@pytest.mark.django_db
def test_it_says_how_quick_and_how_well_each_is(client, script, make):
    from datetime import timedelta

    from django.utils import timezone

    now = timezone.now()
    make("image", started_at=now - timedelta(seconds=3), finished_at=now)
    assert "Not looked at yet" in client.get("/models").content.decode()
    wellbeing.look()
    page = client.get("/models", {"kind": "image"}).content.decode()
    assert page.count("Works") == 4
    assert "3 s" in page


@pytest.mark.django_db
def test_one_model_has_its_facts_its_code_and_what_it_made_lately(client, make, settings):
    make("image", "a fox of the model's page")
    make("image", "a secret fox", visibility="private")
    page = html.unescape(client.get("/models/flux").content.decode())
    assert "scripted/picture" in page
    assert f"{settings.IMAGE_URL}/prompt/" in page
    assert "a fox of the model's page" in page
    assert "a secret fox" not in page


@pytest.mark.django_db
def test_a_model_that_hears_has_code_too(client, settings):
    page = html.unescape(client.get("/models/whisper-1").content.decode())
    assert f"{settings.SITE_URL}/v1/audio/transcriptions" in re.sub(r"<[^>]+>", "", page)


@pytest.mark.django_db
def test_an_unknown_model_is_no_page(client):
    assert client.get("/models/nonsense").status_code == 404
