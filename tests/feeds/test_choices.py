"""What a wall's address may say."""

import pytest

from feeds.choices import Choices


def test_an_address_says_everything_about_a_screen():
    said = {
        "kind": "image",
        "model": "flux",
        "layout": "spotlight",
        "speed": "calm",
        "density": "dense",
        "captions": "1",
        "sound": "1",
        "theme": "dark",
        "lang": "zh-hans",
        "words": "boat,  sea",
        "mute": "war",
        "qr": "create",
        "title": "Demo day",
    }
    choices = Choices.read(said)
    assert choices.as_dict() == {**said, "captions": True, "sound": True, "words": "boat, sea"}
    assert Choices.read(dict(pair.split("=") for pair in choices.query()[1:].split("&"))).layout == "spotlight"


@pytest.mark.parametrize(
    "said",
    [
        {"layout": "pyramid", "speed": "7", "kind": "video", "qr": "evil", "theme": "neon"},
        {"captions": "0", "sound": "off"},
        {"other": "x"},
        {"title": "\0"},
    ],
)
def test_what_is_unknown_is_as_usual(said):
    assert Choices.read(said) == Choices()
    assert Choices.read(said).query() == ""


def test_nothing_is_longer_than_its_bound():
    choices = Choices.read({"title": "t" * 900, "mute": ",".join("x" * 300 for _ in range(90))})
    assert len(choices.title) == 100
    assert len(choices.mute.split(", ")) == 20
