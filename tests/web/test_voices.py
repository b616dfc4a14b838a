"""Voices are cards that can be heard: a sample is made when it is first asked for, and then kept."""

import pytest
from django.test import Client

from generation.errors import EngineNotReady
from generation.models import Generation
from tests.fakes import SCRIPT

pytestmark = pytest.mark.usefixtures("working")  # workers, database, Redis


def samples(client: Client) -> dict[str, str]:
    return dict(client.get("/create?mode=speech").context["form"].voices)


def test_each_voice_of_the_form_can_be_heard(client: Client) -> None:
    for voice, address in samples(client).items():
        response = client.get(address)
        assert (response.status_code, response.headers["Content-Type"]) == (200, "audio/mpeg")
        assert SCRIPT.calls[-1].voice == voice
        assert SCRIPT.calls[-1].text == "Hello! This is how I read your text aloud."


def test_a_sample_is_made_once_for_everybody(client: Client) -> None:
    address = samples(client)["nova"]
    for someone in (client, Client(), Client(REMOTE_ADDR="203.0.113.9")):
        assert someone.get(address).content == b"ID3sound"
    assert len(SCRIPT.calls) == 1


def test_a_sample_is_in_no_gallery_and_in_nobodys_list(client: Client) -> None:
    client.get(samples(client)["nova"])
    assert Generation.objects.get().visibility == "private"
    assert not client.get("/").context["tiles"]
    assert not client.get("/jobs").context["tiles"]


def test_it_speaks_the_language_of_the_page(client: Client) -> None:
    address = dict(client.get("/create?mode=speech&hl=zh-hans").context["form"].voices)["nova"]
    client.get(address)
    assert "朗读" in SCRIPT.calls[-1].text


def test_listening_takes_nobodys_turn(client: Client, settings) -> None:
    slow = settings.DESIGN.tiers["anonymous"].model_copy(update={"interval": 60})
    settings.DESIGN = settings.DESIGN.model_copy(update={"tiers": {**settings.DESIGN.tiers, "anonymous": slow}})
    for address in samples(client).values():
        assert client.get(address).status_code == 200
    assert client.get("/create").context["standing"].wait == 0


@pytest.mark.parametrize("query", ["", "voice=nobody", "voice=nobody&model=openai-audio"])
def test_a_voice_that_nobody_has_is_not_made(client: Client, query: str) -> None:
    assert client.get(f"/create/voice?{query}").status_code == 404
    assert not SCRIPT.calls


def test_an_unknown_model_leaves_the_voice_to_one_that_has_it(client: Client) -> None:
    assert client.get("/create/voice?voice=nova&model=nonsense").status_code == 200


def test_an_engine_that_is_not_there_says_so(client: Client) -> None:
    SCRIPT.unready = EngineNotReady("The model file is not here yet.")
    assert client.get(samples(client)["nova"]).status_code == 503
