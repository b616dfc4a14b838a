"""What the painter understands of a prompt."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.providers.local.painter import vocabulary
from generation.providers.local.painter.reading import MOST_OF_ONE, read
from generation.providers.local.painter.scene import Scene


def scene(prompt: str, chance: int = 1) -> Scene:
    return read(prompt, np.random.default_rng(chance))


def things(prompt: str) -> list[tuple[int, str, str]]:
    return [(wanted.count, wanted.colour, wanted.subject.name) for wanted in scene(prompt).subjects]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("three red boats", [(3, "red", "boat")]),
        ("two white cats", [(2, "white", "cat")]),
        ("a dozen balloons", [(12, "", "balloon")]),
        ("5 blue hot-air balloons", [(5, "blue", "hot air balloon")]),
        ("a black cat and a white cat", [(1, "black", "cat"), (1, "white", "cat")]),
        ("a red boat and a cat", [(1, "red", "boat"), (1, "", "cat")]),
        ("a pair of wolves", [(2, "", "wolf")]),
        ("puppies", [(3, "", "dog")]),
        ("an astronaut riding a horse", [(1, "", "astronaut"), (1, "", "horse")]),
        ("three fluffy little yellow ducks", [(3, "yellow", "duck")]),
        ("999 cats", [(3, "", "cat")]),
        ("99 cats", [(MOST_OF_ONE, "", "cat")]),
        ("a cat. The cat is black.", [(1, "", "cat")]),
    ],
)
def test_it_counts_and_colours_what_is_named(prompt, expected):
    assert things(prompt) == expected


@pytest.mark.parametrize("word", ["sailboat", "yacht", "Sailing-Boat", "sail boats", "帆船"])
def test_synonyms_mean_the_same_thing(word):
    assert scene(word).subjects[0].subject.name == "boat"


def test_chinese_is_read_like_english():
    english, chinese = scene("three red boats on a lake at sunset"), scene("湖面上三艘红色的帆船，日落")
    assert chinese == english


@pytest.mark.parametrize(
    ("prompt", "style"),
    [
        ("a watercolor painting of a fox", "watercolour"),
        ("a fox, oil on canvas", "oil"),
        ("pencil sketch of a fox", "pencil"),
        ("pixel art fox, 8-bit", "pixel"),
        ("一只狐狸，水彩画", "watercolour"),
        ("a sumi-e painting of a fox", "ink"),
        ("一只狐狸，水墨画", "ink"),
        ("a fox in a comic book", "comic"),
        ("anime fox", "comic"),
        ("a stained glass window of a fox", "glass"),
        ("low-poly fox", "polygons"),
        ("低多边形狐狸", "polygons"),
        ("a fox", "illustration"),
    ],
)
def test_style_words_choose_a_style_and_are_never_drawn(prompt, style):
    read_scene = scene(prompt)
    assert read_scene.style == style
    assert [wanted.subject.name for wanted in read_scene.subjects] == ["fox"]


@pytest.mark.parametrize(
    ("prompt", "environment"),
    [
        ("a cat in deep snow", "snow"),
        ("waves on the ocean", "sea"),
        ("a lake", "sea"),
        ("deep in the woods", "forest"),
        ("a cyberpunk street", "city"),
        ("sand dunes", "desert"),
        ("a distant galaxy", "space"),
        ("snow-free alpine peaks", "snow"),
        ("misty mountains", "mountain"),
        ("a meadow", "field"),
        ("an astronaut", "space"),
        ("a camel", "desert"),
        ("a whale", "sea"),
    ],
)
def test_environment_words_set_the_place_and_are_not_drawn(prompt, environment):
    read_scene = scene(prompt)
    assert read_scene.environment == environment
    assert all(wanted.subject.name not in ("wave", "mountain", "lake") for wanted in read_scene.subjects)


def test_a_boat_in_dry_country_is_on_a_lake_there():
    there = scene("a boat in the mountains")
    assert (there.environment, there.backdrop, there.water) == ("sea", "mountain", "lake")


def test_time_and_weather_are_read():
    stormy = scene("a lighthouse at night in a thunderstorm")
    assert (stormy.time, stormy.weather) == ("night", "storm")
    assert scene("a sunset over the sea").time == "sunset"
    assert scene("foggy morning in the forest").weather == "fog"


def test_sun_and_moon_belong_to_the_sky():
    read_scene = scene("a crescent moon over the desert")
    assert read_scene.subjects == ()
    assert (read_scene.time, read_scene.wonders) == ("night", ("crescent moon",))


def test_what_the_prompt_rules_out_is_not_drawn():
    assert [wanted.subject.name for wanted in scene("a beach without people, with palm trees").subjects] == ["palm"]


def test_nonsense_draws_nothing_at_random():
    assert scene("blorp quixotic zzyzx the of justice").subjects == ()


def test_a_portrait_comes_nearer():
    assert scene("a portrait of a lion").close
    assert not scene("a lion").close


def test_the_sky_can_be_asked_to_have_a_colour():
    pink = scene("a pink sky over the sea")
    assert (pink.sky, pink.subjects) == ("pink", ())


def test_what_rides_is_told_from_what_carries_it():
    rider, horse = scene("an astronaut riding a horse").subjects
    assert rider.rides
    assert not horse.rides


@given(st.text())
def test_any_text_can_be_read(prompt):
    assert scene(prompt).words().endswith(".")


def test_nothing_at_all_leaves_the_scene_to_chance():
    scenes = [scene(prompt, chance) for chance in range(40) for prompt in ("", " \n")]
    assert len({empty.environment for empty in scenes}) >= 4
    assert all(empty.subjects for empty in scenes)


def test_a_scene_tells_itself_in_words():
    assert scene("three red boats on a lake at sunset, watercolor").words() == (
        "Three red boats on a lake at sunset, in watercolour."
    )
    assert scene("mountains at dawn").words() == "A mountain landscape at sunrise."
    assert scene("an owl at night in the forest").words() == "An owl in the forest at night."


def test_every_subject_has_its_stickers_and_a_place():
    from generation.providers.local.painter import icons

    subjects = vocabulary.subjects()
    assert len(subjects) >= 120
    for subject in subjects.values():
        assert subject.lives in ("ground", "water", "deep", "air", "space"), subject
        assert 0.2 <= subject.size <= 2.5, subject
        for icon in subject.icons:
            assert 0.1 < icons.height(icon) < 3, icon


def test_every_word_of_the_subject_list_is_understood():
    for phrase, meanings in vocabulary.english().items():
        assert meanings, phrase
        assert phrase == vocabulary.plain(phrase).strip(), phrase
