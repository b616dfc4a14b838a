"""What is done to a picture after its provider made it: the operator's label and logo, and the words in its file."""

import asyncio
import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from PIL import Image

from feeds.models import Outbox
from generation import checks, label, logo
from generation.marking import EXIF_TABLE, MAKE, USER_COMMENT
from generation.models import Generation
from generation.requests import ChatRequest, ImageRequest
from pollweb.accounts.models import Team

TOMATO, LOGO = (255, 99, 71), (0, 0, 255)
SIZE = "width=400&height=300"


def opened(body: bytes) -> Image.Image:
    return Image.open(io.BytesIO(body))


def settings_in(body: bytes) -> dict:
    return json.loads(opened(body).getexif().get_ifd(EXIF_TABLE)[USER_COMMENT][8:])


def corner(body: bytes) -> tuple[int, ...]:
    """The middle of where the logo is: 30 % of 400 wide, half as high, 10 pixels from the edges."""
    return opened(body).convert("RGB").getpixel((400 - 10 - 60, 300 - 10 - 30))


def is_near(colour: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return all(abs(a - b) < 12 for a, b in zip(colour, other, strict=True))


@pytest.fixture
def with_logo() -> Iterator[Path]:
    """An operator's logo: a blue picture, twice as wide as high."""
    file = Path(settings.POLLWEB_HOME) / "logo.png"
    Image.new("RGB", (200, 100), LOGO).save(file)
    object.__setattr__(settings.DESIGN.site, "logo", "logo.png")
    yield file
    object.__setattr__(settings.DESIGN.site, "logo", "")
    file.unlink(missing_ok=True)


# --- what stands in the file ------------------------------------------------------------------------------------------


async def test_a_picture_tells_how_it_was_made(client):
    body = (await client.get(f"/prompt/a%20fox?{SIZE}&seed=7&model=turbo&token=dummy")).content
    assert opened(body).getexif()[MAKE] == "turbo"
    said = settings_in(body)
    assert {k: said[k] for k in ("prompt", "originalPrompt", "seed", "width", "height", "model")} == {
        "prompt": "a fox",
        "originalPrompt": "a fox",
        "seed": 7,
        "width": 400,
        "height": 300,
        "model": "turbo",
    }
    assert (said["isMature"], said["isChild"], said["nsfw"]) == (False, False, False)
    assert b"digitalsourcetype/trainedAlgorithmicMedia" in opened(body).info["xmp"]
    assert b"dummy" not in body


async def test_a_private_prompt_is_never_written(client):
    body = (await client.get(f"/prompt/my%20secret?{SIZE}&private=true&seed=9")).content
    assert b"secret" not in body
    assert settings_in(body)["seed"] == 9


async def test_the_same_wish_made_anew_gives_the_same_bytes(client, working):
    first = await client.get(f"/prompt/fox?{SIZE}")
    again = await client.get(f"/prompt/fox?{SIZE}", headers={"no-cache": "1"})
    assert len(working.calls) == 2
    assert again.content == first.content


async def test_where_the_operator_says_who_produces_the_file_tells_it_and_the_items_name(client, monkeypatch):
    monkeypatch.setitem(settings.DESIGN.marking.__dict__, "producer", "alice's company")
    body = (await client.get(f"/prompt/x?{SIZE}")).content
    row = await sync_to_async(Generation.objects.get)()
    xmp = opened(body).info["xmp"].decode()
    assert f'"ContentProducer":"alice\'s company","ProduceID":"{row.public_id}"' in xmp
    assert settings_in(body)["prompt"] == "x"


# --- the label --------------------------------------------------------------------------------------------------------


@pytest.fixture
def with_label() -> Iterator[str]:
    object.__setattr__(settings.DESIGN.marking, "label", True)
    yield label.WORDS
    object.__setattr__(settings.DESIGN.marking, "label", False)


def labelled(body: bytes) -> bool:
    """Whether the plate stands where it belongs: its ground along its upper edge, inside."""
    picture = opened(body).convert("RGB")
    left, top, right, bottom = label.box(label.WORDS, picture.size)
    y = top + (bottom - top) // 6
    return all(is_near(picture.getpixel((x, y)), label.GROUND[:3]) for x in range(left + 12, right - 12))


async def test_without_a_label_there_is_none(client):
    assert not labelled((await client.get(f"/prompt/x?{SIZE}")).content)


@pytest.mark.parametrize("query", ["", "&nologo=true", "&private=true", "&nologo=true&private=true", "&safe=true"])
async def test_the_label_stays_whatever_is_asked(client, alice, with_label, with_logo, query):
    assert labelled((await client.get(f"/prompt/x?{SIZE}{query}", headers=alice)).content)
    assert labelled((await client.get(f"/prompt/x?{SIZE}{query}")).content)


@pytest.mark.parametrize("tier", ["seed", "flower", "nectar"])
async def test_no_tier_is_spared_the_label(client, alice, with_label, tier):
    await sync_to_async(Team.objects.filter(name="alice").update)(tier=tier)
    assert labelled((await client.get(f"/prompt/x?{SIZE}&nologo=true", headers=alice)).content)


async def test_pictures_by_openais_doors_have_the_label_too(client, with_label):
    made = await client.post("/v1/images/generations", json={"prompt": "x", "size": "400x300"})
    assert labelled(base64.b64decode(made.json()["data"][0]["b64_json"]))


async def test_a_picture_from_before_the_label_is_not_given_again(client, with_label):
    object.__setattr__(settings.DESIGN.marking, "label", False)
    await client.get(f"/prompt/x?{SIZE}")
    object.__setattr__(settings.DESIGN.marking, "label", True)
    made = await client.get(f"/prompt/x?{SIZE}")
    assert made.headers["x-cache"] == "MISS"
    assert labelled(made.content)


async def test_a_picture_asked_for_before_the_label_was_wanted_gets_it_when_it_is_made(client, working, with_label):
    object.__setattr__(settings.DESIGN.marking, "label", False)
    working.held = True
    answer = asyncio.ensure_future(client.get(f"/prompt/x?{SIZE}"))
    async with asyncio.timeout(10):
        while not working.calls:
            await asyncio.sleep(0.01)
    object.__setattr__(settings.DESIGN.marking, "label", True)
    working.held = False
    assert labelled((await answer).content)


async def test_the_label_of_a_picture_to_be_changed_is_not_there_twice(client, working, with_label):
    first = (await client.get(f"/prompt/x?{SIZE}")).content
    working.made = lambda request: request.pictures[0]
    address = "data:image/jpeg;base64," + base64.b64encode(first).decode()
    again = await client.post("/prompt", json={"prompt": "x", "model": "kontext", "image": address})
    assert labelled(again.content)
    before, after = (np.asarray(opened(each).convert("L"), int) for each in (first, again.content))
    assert before.shape == after.shape
    assert np.abs(before - after).max() < 40


async def test_where_the_label_takes_the_corner_of_a_small_picture_the_logo_is_left_out(client, with_label, with_logo):
    picture = opened((await client.get("/prompt/x?width=64&height=64")).content).convert("RGB")
    assert not any(is_near(picture.getpixel((x, y)), LOGO) for x in range(64) for y in range(64))


async def test_the_label_and_the_logo_do_not_cover_each_other(client, with_label, with_logo):
    object.__setattr__(settings.DESIGN.marking, "label", "Generated by a machine of ours")
    picture = opened((await client.get(f"/prompt/x?{SIZE}")).content).convert("RGB")
    box = label.box("Generated by a machine of ours", picture.size)
    assert box.right > 400 - 10 - 120
    blue = [(x, y) for x in range(400) for y in range(300) if is_near(picture.getpixel((x, y)), LOGO)]
    assert max(y for _, y in blue) <= box.top - 9
    assert len(blue) > 110 * 55


# --- the logo ---------------------------------------------------------------------------------------------------------


async def test_without_a_logo_there_is_none(client):
    assert is_near(corner((await client.get(f"/prompt/x?{SIZE}")).content), TOMATO)


async def test_the_logo_is_in_the_lower_right_corner(client, with_logo):
    body = (await client.get(f"/prompt/x?{SIZE}")).content
    picture = opened(body).convert("RGB")
    assert picture.size == (400, 300)
    blue = [(x, y) for x in range(0, 400, 2) for y in range(0, 300, 2) if is_near(picture.getpixel((x, y)), LOGO)]
    assert (min(x for x, _ in blue), min(y for _, y in blue)) == (270, 230)
    assert (max(x for x, _ in blue), max(y for _, y in blue)) == (388, 288)
    assert settings_in(body)["nologo"] is False


async def test_nologo_of_someone_unknown_is_ignored(client, with_logo):
    first = await client.get(f"/prompt/x?{SIZE}")
    again = await client.get(f"/prompt/x?{SIZE}&nologo=true")
    assert again.headers["x-cache"] == "HIT"
    assert again.content == first.content


async def test_nologo_of_someone_registered_leaves_it_out(client, alice, with_logo):
    assert is_near(corner((await client.get(f"/prompt/x?{SIZE}", headers=alice)).content), LOGO)
    bare = await client.get(f"/prompt/x?{SIZE}&nologo=true", headers=alice)
    assert bare.headers["x-cache"] == "MISS"
    assert is_near(corner(bare.content), TOMATO)


async def test_a_private_picture_has_no_logo(client, with_logo):
    assert is_near(corner((await client.get(f"/prompt/x?{SIZE}&private=true")).content), TOMATO)


async def test_another_logo_is_another_picture(client, with_logo):
    await client.get(f"/prompt/x?{SIZE}")
    Image.new("RGB", (200, 100), "black").save(with_logo)
    changed = await client.get(f"/prompt/x?{SIZE}")
    assert changed.headers["x-cache"] == "MISS"
    assert is_near(corner(changed.content), (0, 0, 0))


async def test_a_picture_of_a_few_pixels_stays_as_it_is(client, with_logo):
    assert opened((await client.get("/prompt/x?width=8&height=8")).content).size == (8, 8)


def test_a_logo_that_cannot_be_read_is_told_at_the_start(with_logo):
    assert checks.logo_is_a_picture(None) == []
    with_logo.write_text("no picture")
    (error,) = checks.logo_is_a_picture(None)
    assert error.id == "generation.E002"
    with_logo.unlink()
    assert checks.logo_is_a_picture(None)
    assert logo.current() == ""


# --- prompts rewritten ------------------------------------------------------------------------------------------------


def heard(working) -> list[str]:
    return [call.text for call in working.calls if isinstance(call, ImageRequest)]


def asked(working) -> list[ChatRequest]:
    return [call for call in working.calls if isinstance(call, ChatRequest)]


async def test_enhance_puts_the_rewritten_prompt_first(client, working):
    working.words = ['"A fox', ' in golden light."']
    body = (await client.get(f"/prompt/a%20fox?{SIZE}&enhance=true")).content
    assert heard(working) == ["A fox in golden light.\n\na fox"]
    said = settings_in(body)
    assert (said["prompt"], said["originalPrompt"]) == ("A fox in golden light.\n\na fox", "a fox")
    event = (await sync_to_async(Outbox.objects.get)()).payload
    assert event["prompt"] == "A fox in golden light.\n\na fox"
    assert event["parameters"]["wasPimped"] is True


async def test_an_enhanced_prompt_is_remembered(client, working):
    for _ in range(2):
        await client.get(f"/prompt/a%20fox?{SIZE}&enhance=true")
    assert len(asked(working)) == 1


async def test_without_enhance_nobody_is_asked(client, working):
    await client.get(f"/prompt/a%20fox?{SIZE}", headers={"accept-language": "zh-CN"})
    assert heard(working) == ["a fox"]
    assert asked(working) == []


async def test_a_prompt_in_another_language_is_translated(client, working):
    working.words = ["a red fox in the snow"]
    await client.get(f"/prompt/красная лиса в снегу?{SIZE}")
    assert heard(working) == ["a red fox in the snow\n\nкрасная лиса в снегу"]
    assert "Russian" in asked(working)[0].messages[0]["content"]


@pytest.mark.parametrize("words", [[], ["   "], ['""']])
async def test_an_answer_without_words_leaves_the_prompt_as_it_is(client, working, words):
    working.words = words
    body = (await client.get(f"/prompt/a%20fox?{SIZE}&enhance=true")).content
    assert heard(working) == ["a fox"]
    assert settings_in(body)["prompt"] == "a fox"


async def test_a_text_model_that_fails_leaves_the_prompt_as_it_is(client, working):
    working.failures = 1
    answer = await client.get(f"/prompt/a%20fox?{SIZE}&enhance=true")
    assert answer.status_code == 200
    assert len(asked(working)) == 1
    assert heard(working) == ["a fox"]


async def test_a_text_model_that_is_slow_leaves_the_prompt_as_it_is(client, working, monkeypatch):
    from generation import enhancing

    monkeypatch.setattr(enhancing, "SECONDS", 0.05)
    working.held = True
    answer = asyncio.ensure_future(client.get(f"/prompt/a%20fox?{SIZE}&enhance=true"))
    async with asyncio.timeout(10):
        while not heard(working):
            await asyncio.sleep(0.01)
    working.held = False
    assert (await answer).status_code == 200
    assert heard(working) == ["a fox"]
