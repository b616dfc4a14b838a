"""Word rules: what they find, and what they leave in peace."""

import pytest

from generation import safety
from generation.requests import ChatRequest, ImageRequest
from pollweb import config


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("a naked woman on a beach", "sexual"),
        ("NUDE portraits", "sexual"),
        ("p0rn", "sexual"),
        ("n4ked man", "sexual"),
        ("f u c k this", "sexual"),
        ("n.u.d.e art", "sexual"),
        ("na\u200bked", "sexual"),
        ("ｎａｋｅｄ", "sexual"),
        ("nakéd", "sexual"),
        ("two people having   sex", "sexual"),
        ("一个裸体女人", "sexual"),
        ("a gory battle, dismembered soldiers", "violence/graphic"),
        ("a severed head on a plate", "violence/graphic"),
        ("lolicon drawing", "sexual/minors"),
        ("heil hitler banner", "hate"),
    ],
)
def test_mature_words_are_found(text, category):
    assert category in safety.categories(text)
    assert safety.is_mature(ImageRequest(model="flux", text=text))


@pytest.mark.parametrize(
    "text",
    [
        "Scunthorpe United", "Essex and Middlesex in spring", "a cockatoo", "a rooster, a cock at dawn",
        "blue tits on a branch", "breast cancer awareness poster", "Moby Dick and captain Ahab",
        "bloody mary cocktail", "an assassin in the class", "shiitake mushrooms", "pussy willow branches",
        "a pussycat asleep", "the naked eye", "a naked mole-rat", "a rapeseed field", "virgin olive oil",
        "a gay couple dancing", "sex education class", "Al Gore speaks", "a screwdriver", "god in heaven",
        "grapes and drapes", "therapist", "penistone village", "a fat cat", "hell in a painting by Bosch", "x x y",
        "", "a red fox in deep snow", "红色的船",
    ],
)  # fmt: skip
def test_plain_words_are_left_in_peace(text):
    assert safety.categories(text) == []
    assert not safety.is_mature(ImageRequest(model="flux", text=text))


def test_what_people_say_in_a_conversation_counts():
    said = (
        {"role": "user", "content": [{"type": "text", "text": "draw porn"}]},
        {"role": "assistant", "content": "No."},
    )
    assert safety.is_mature(ChatRequest(model="openai", messages=said))


def test_an_operator_adds_words_of_his_own(settings):
    settings.DESIGN = config.parse({"moderation": {"words": ["Durian", "very secret", "内部"]}})
    for text in ("a ripe durian", "d u r i a n", "a Very Secret plan", "内部文件"):
        assert safety.categories(text) == ["sexual"]
    assert safety.categories("a secret plan") == []


def test_a_text_of_any_length_takes_little_time():
    import time

    began = time.perf_counter()
    safety.categories("a b c d e f g h " * 20_000)
    safety.categories("f" * 300_000)
    assert time.perf_counter() - began < 2
