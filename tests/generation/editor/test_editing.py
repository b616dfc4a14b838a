"""What is done to a picture."""

import numpy as np
import pytest
from PIL import Image

from generation.providers.local import painter
from generation.providers.local.editor import CannotDo, edit
from generation.providers.local.editor.upscale import WEIGHTS


def photo(width: int = 120, height: int = 80) -> Image.Image:
    """Sky above, ground below, a red thing in the middle."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2] = (150, 190, 230)
    pixels[height // 2 :] = (90, 140, 80)
    pixels[height * 3 // 8 : height * 5 // 8, width * 3 // 8 : width * 5 // 8] = (200, 40, 40)
    return Image.fromarray(pixels)


def edited(prompt: str, *pictures: Image.Image, size=(0, 0), seed=7, **more):
    return edit(prompt, pictures or (photo(),), seed=seed, size=size, largest=2048, **more)


def mean(image: Image.Image) -> np.ndarray:
    return np.asarray(image).reshape(-1, 3).mean(0)


def apart(first: Image.Image, second: Image.Image) -> float:
    return float(np.abs(np.asarray(first, np.int16) - np.asarray(second, np.int16)).mean())


def test_it_keeps_the_size_of_its_input():
    assert edited("warmer").image.size == (120, 80)


@pytest.mark.parametrize(
    ("size", "result"), [((200, 100), (200, 100)), ((60, 0), (60, 40)), ((0, 160), (240, 160)), ((64, 64), (64, 64))]
)
def test_it_makes_exactly_the_size_that_is_asked_for(size, result):
    assert edited("warmer", size=size).image.size == result


def test_it_shrinks_what_is_larger_than_its_limit():
    assert edit("warmer", [photo(800, 400)], seed=1, size=(0, 0), largest=200).image.size == (200, 100)


@pytest.mark.parametrize(
    ("prompt", "size"),
    [
        ("crop to a square", (80, 80)),
        ("crop to 2:1", (120, 60)),
        ("fit into a square", (120, 120)),
        ("rotate right", (80, 120)),
        ("keep the left half", (60, 80)),
        ("upscale 2x", (240, 160)),
        ("upscale 4 times", (480, 320)),
        ("upscale 100x", (480, 320)),
    ],
)
def test_it_changes_the_shape(prompt, size):
    assert edited(prompt).image.size == size


def test_it_turns_and_mirrors():
    picture = Image.fromarray(np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]]], np.uint8))
    rows = np.asarray(picture)
    assert np.array_equal(np.asarray(edited("rotate right", picture).image), np.rot90(rows, -1))
    assert np.array_equal(np.asarray(edited("rotate left", picture).image), np.rot90(rows))
    assert np.array_equal(np.asarray(edited("mirror it", picture).image), rows[:, ::-1])
    assert np.array_equal(np.asarray(edited("flip vertically", picture).image), rows[::-1])


def test_it_changes_light_and_colour():
    plain = mean(photo())
    assert mean(edited("brighter").image).sum() > plain.sum() + 20
    assert mean(edited("darker").image).sum() < plain.sum() - 20
    warm, cool = mean(edited("warmer").image), mean(edited("cooler").image)
    assert warm[0] - warm[2] > plain[0] - plain[2] > cool[0] - cool[2]
    assert np.ptp(np.asarray(edited("black and white").image), axis=2).max() == 0
    assert apart(edited("invert the colours").image, Image.fromarray(255 - np.asarray(photo()))) < 1


def test_it_recolours_the_thing_and_leaves_the_rest():
    after = np.asarray(edited("make the car blue").image)
    assert after[40, 60].argmax() == 2
    assert np.abs(after[5, 5].astype(int) - (150, 190, 230)).max() < 8
    assert np.abs(after[75, 5].astype(int) - (90, 140, 80)).max() < 8


def test_it_changes_the_ground_around_a_thing():
    picture = Image.new("RGB", (80, 80), "white")
    picture.paste((0, 0, 200), (20, 20, 60, 60))
    after = np.asarray(edited("make the background yellow", picture).image)
    assert after[2, 2, 0] > 200 > 120 > after[2, 2, 2]
    assert np.abs(after[40, 40].astype(int) - (0, 0, 200)).max() < 8


@pytest.mark.parametrize("prompt", ["sunset", "make it night", "dusk", "let it snow", "make it rain", "fog", "sepia"])
@pytest.mark.parametrize("size", [(120, 80), (1, 1), (3, 200)])
def test_it_changes_hour_and_weather_of_any_picture(prompt, size):
    before = photo(*size)
    after = edited(prompt, before).image
    assert after.size == size
    assert apart(before, after) > 1


@pytest.mark.parametrize(
    "style",
    ["watercolour", "oil painting", "pencil sketch", "pixel art", "cartoon", "ink wash", "stained glass", "low poly"],
)
def test_it_paints_in_the_painters_styles(style):
    before = photo(200, 160)
    assert apart(before, edited(style, before).image) > 2


def test_it_adds_what_the_painter_can_draw_where_it_is_told():
    before = photo(240, 160)
    after = edited("add a yellow balloon on the left", before)
    assert after.done == ("a yellow balloon",)
    changed = np.abs(np.asarray(before, np.int16) - np.asarray(after.image, np.int16)).sum(2) > 60
    assert changed[:, :120].sum() > 300
    assert changed[:, 160:].sum() == 0


@pytest.mark.parametrize("thing", ["cake", "mug", "t-shirt", "poster", "pillow", "sticker"])
@pytest.mark.parametrize("size", [(0, 0), (320, 180), (96, 240)])
def test_it_puts_the_picture_on_a_thing(thing, size):
    picture = Image.new("RGB", (100, 100), (10, 200, 30))
    made = edited(f"put this on a {thing}", picture, size=size)
    assert made.image.size == (size if size != (0, 0) else (1024, 1024))
    pixels = np.asarray(made.image).astype(int)
    worn = (pixels[..., 1] > 90) & (pixels[..., 1] - pixels[..., 0] > 60) & (pixels[..., 1] - pixels[..., 2] > 50)
    assert 0.005 < worn.mean() < 0.6
    assert made.source == "compositeSynthetic"


def test_what_shows_through_a_logo_is_the_cake():
    logo = Image.new("RGBA", (100, 100), (0, 0, 0, 0))
    logo.paste((200, 0, 0, 255), (40, 40, 60, 60))
    solid = Image.new("RGB", (100, 100), "black")
    dark = [
        (np.asarray(edited("bake a cake from this", picture).image)[:, 300:700].max(2) < 40).mean()
        for picture in (logo, solid)
    ]
    assert dark[0] < 0.002 < 0.05 < dark[1]


def test_several_instructions_are_all_carried_out():
    made = edited("crop to a square, black and white, add a white border and a vignette")
    assert made.image.size == (80, 80)
    assert made.done == ("cropped to square", "black and white", "vignette", "white border")


def test_several_pictures_stand_side_by_side():
    made = edited("", photo(100, 80), photo(60, 160))
    assert made.image.size == (100 + 30 + 2, 80)
    assert made.done == ("put side by side",)


def test_it_says_what_it_can_do_when_it_can_do_nothing():
    with pytest.raises(CannotDo, match="It can: upscale 2x or 4x; "):
        edited("write a poem about the sea of thoughts")


def test_the_same_words_and_seed_give_the_same_bytes():
    prompt = "let it snow, oil painting, add a cat"
    assert edited(prompt).image.tobytes() == edited(prompt).image.tobytes()
    assert edited(prompt).image.tobytes() != edited(prompt, seed=8).image.tobytes()


def test_it_stops_when_it_is_told_to():
    with pytest.raises(painter.Stopped):
        edited("warmer", stop=lambda: True)


def test_without_its_network_it_says_how_it_upscaled(tmp_path):
    made = edited("upscale 2x", weights=tmp_path / "none.bin")
    assert made.done == ("upscaled 2x (bicubic, sharpened)",)
    assert made.source == "algorithmicallyEnhanced"


@pytest.mark.engines
def test_the_network_is_sharper_than_bicubic(model_folder):
    large = painter.paint("a castle on a hill", seed=3, width=512, height=512).image
    small = large.resize((128, 128), Image.Resampling.LANCZOS)
    made = edited("upscale 4x", small, weights=model_folder / WEIGHTS)
    assert made.done == ("upscaled 4x (Real-ESRGAN)",)
    assert made.source == "compositeWithTrainedAlgorithmicMedia"

    def detail(image: Image.Image) -> float:
        return float(np.abs(np.diff(np.asarray(image.convert("L"), np.int16), axis=0)).mean())

    assert detail(made.image) > 1.1 * detail(small.resize((512, 512), Image.Resampling.BICUBIC))


@pytest.mark.engines
def test_tiles_leave_no_seams(model_folder):
    """A smooth picture larger than a tile stays smooth."""
    ramp = np.linspace(40, 215, 420, dtype=np.float32)
    picture = Image.fromarray(np.repeat(np.repeat(ramp[None, :, None], 40, 0), 3, 2).astype(np.uint8))
    made = np.asarray(edited("upscale 2x", picture, weights=model_folder / WEIGHTS).image).astype(int)
    assert np.abs(np.diff(made[40, :, 1])).max() <= 6
