"""Which steps an instruction asks for."""

import time

import pytest

from generation.providers.local.editor import editing, reading
from generation.providers.local.editor.reading import Step, read


@pytest.mark.parametrize(
    ("prompt", "steps"),
    [
        ("bake_a_cake_from_this_logo", [Step("object", "cake")]),
        ("a mug with this logo", [Step("object", "mug")]),
        ("print it on a white t-shirt", [Step("object", "shirt")]),
        ("make a movie poster of this", [Step("object", "poster")]),
        ("upscale 2x", [Step("upscale", "", 2)]),
        ("upscale it by 4 times", [Step("upscale", "", 4)]),
        ("4x upscale", [Step("upscale", "", 4)]),
        ("放大", [Step("upscale", "", 2)]),
        ("crop to a square", [Step("crop", "square")]),
        ("crop it to 16:9", [Step("crop", "16:9")]),
        ("fit into 4:3", [Step("fit", "4:3")]),
        ("keep the left half", [Step("half", "left")]),
        ("rotate left", [Step("rotate", "", -90)]),
        ("rotate it by 45 degrees", [Step("rotate", "", 45)]),
        ("turn it upside down", [Step("rotate", "", 180)]),
        ("flip it upside down", [Step("flip", "vertical")]),
        ("mirror it", [Step("flip", "horizontal")]),
        ("black and white", [Step("grey")]),
        ("make it black", [Step("tint", "black")]),
        ("make it blue", [Step("tint", "blue")]),
        ("make the car red", [Step("recolour", "red")]),
        ("make the sky pink", [Step("recolour", "pink", reading.SKY)]),
        ("make the background white", [Step("background", "white")]),
        ("add a red border", [Step("border", "red")]),
        ("sepia", [Step("sepia")]),
        ("blur the background", [Step("bokeh")]),
        ("let it snow", [Step("weather", "snow")]),
        ("make it night", [Step("hour", "night")]),
        ("as a watercolour painting", [Step("style", "watercolour")]),
        ("in oil", [Step("style", "oil")]),
        ("cartoon style", [Step("style", "cartoon")]),
        ("把它变成水彩画", [Step("style", "watercolour")]),
        ("add a red balloon", [Step("add", "a red balloon|")]),
        ("put two cats on the left", [Step("add", "two cats on the left|left")]),
        ("give him a hat", [Step("add", "him a hat|")]),
    ],
)
def test_it_reads_an_instruction(prompt, steps):
    assert list(read(prompt)) == steps


def test_it_reads_several_instructions_of_one_sentence():
    kinds = {
        step.kind for step in read("Crop it to a square, upscale 2x, make it warmer and add a red balloon at the top")
    }
    assert kinds == {"crop", "upscale", "warmth", "add"}


def test_what_is_added_ends_where_the_next_instruction_begins():
    assert read("add three balloons and make it sunset") == (Step("add", "three balloons|"), Step("hour", "sunset"))


def test_a_little_is_less_than_much():
    (little,), (plain,), (much,) = (read(f"make it {words} brighter") for words in ("a little", "", "much"))
    assert 1 < little.amount < plain.amount < much.amount


@pytest.mark.parametrize(
    "prompt", ["", "hello", "what is the meaning of life", "please improve my essay", "12345", "\0"]
)
def test_it_finds_nothing_where_nothing_is_asked_for(prompt):
    assert read(prompt) == ()


def test_every_instruction_has_its_step():
    assert {step.kind for _, step in reading._patterns()} | {"add", "hour"} == set(editing.ORDER)


@pytest.mark.parametrize(
    "prompt",
    [
        "the " * 1000,
        "a a " * 1000,
        "make the " * 450,
        "crop " * 800,
        "add a " * 660,
        "1:" * 2000,
        "upscale " * 500,
        "x" * 4000,
    ],
)
def test_a_hostile_prompt_is_read_in_a_moment(prompt):
    began = time.process_time()
    read(prompt)
    assert time.process_time() - began < 2
