"""What stands in a picture's file, read back by Pillow."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from generation import marking

SETTINGS = {"prompt": "a fox", "model": "flux", "seed": 7, "width": 40, "height": 30, "negative_prompt": "blurry"}


def picture(format: str, mode: str = "RGB", **options) -> bytes:
    pixels = np.random.default_rng(1).integers(0, 255, (30, 40, len(mode)), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels, mode).save(file, format, **options)
    return file.getvalue()


def marked(data: bytes, settings=SETTINGS, source="algorithmicMedia") -> bytes:
    return marking.mark(data, model="flux", settings=settings, xmp=marking.packet(source))


def comment_of(data: bytes) -> dict:
    comment = Image.open(io.BytesIO(data)).getexif().get_ifd(marking.EXIF_TABLE)[marking.USER_COMMENT]
    assert comment.startswith(b"ASCII\0\0\0")
    return json.loads(comment[8:])


FORMATS = pytest.mark.parametrize(
    "plain",
    [
        picture("JPEG"),
        picture("PNG"),
        picture("PNG", "RGBA"),
        picture("WEBP"),
        picture("WEBP", "RGBA"),
        picture("WEBP", lossless=True),
    ],
)


@FORMATS
def test_it_writes_settings_model_and_source(plain):
    opened = Image.open(io.BytesIO(marked(plain)))
    assert opened.getexif()[marking.MAKE] == "flux"
    assert comment_of(marked(plain)) == SETTINGS
    xmp = opened.info["xmp"]
    assert b"http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicMedia" in xmp


@FORMATS
def test_it_leaves_the_pixels_alone(plain):
    before, after = Image.open(io.BytesIO(plain)), Image.open(io.BytesIO(marked(plain)))
    assert (before.size, before.mode) == (after.size, after.mode)
    assert np.array_equal(np.asarray(before), np.asarray(after))


@FORMATS
def test_it_replaces_what_was_there(plain):
    again = marked(marked(plain, {**SETTINGS, "prompt": "a secret"}, "trainedAlgorithmicMedia"))
    assert again == marked(plain)
    assert b"secret" not in again
    assert b"trainedAlgorithmicMedia" not in again


def test_it_writes_the_same_bytes_each_time():
    assert marked(picture("JPEG")) == marked(picture("JPEG"))


def test_a_png_has_the_widely_read_parameters_too():
    text = Image.open(io.BytesIO(marked(picture("PNG")))).text
    assert text["parameters"] == "a fox\nNegative prompt: blurry\nSeed: 7, Size: 40x30, Model: flux"
    assert json.loads(text["pollweb"]) == SETTINGS


@pytest.mark.parametrize("prompt", ["x" * 32_000, "狐" * 32_000, "🦊" * 32_000])
def test_a_long_prompt_is_cut_to_what_fits(prompt):
    written = comment_of(marked(picture("JPEG"), {**SETTINGS, "prompt": prompt, "originalPrompt": prompt}))
    assert prompt.startswith(written["prompt"])
    assert len(written["prompt"]) >= 1000
    assert written["seed"] == 7


def test_other_files_stay_as_they_are():
    assert marked(picture("GIF")) == picture("GIF")
