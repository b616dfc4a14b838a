"""The embedded provider's pictures: painted from words, or a given one changed."""

import io
import time

import numpy as np
import pytest
from PIL import Image

from generation.errors import InvalidRequest
from generation.providers.local.provider import Local
from generation.requests import ImageRequest
from generation.results import Result


def picture(colour: str = "tomato", format: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (90, 60), colour).save(file, format)
    return file.getvalue()


async def made(model: str = "scene-editor", **wish) -> Result:
    provider = Local("embedded", {})
    request = ImageRequest(model="kontext", **wish)
    pieces = [piece async for piece in provider.generate(request, model=model, deadline=time.monotonic() + 30)]
    assert isinstance(pieces[-1], Result)
    return pieces[-1]


async def test_it_changes_a_given_picture():
    result = await made(text="make it black and white", pictures=(picture(),), images=("x",), width=0, height=0)
    assert (result.made_by, result.media_type) == ("embedded/scene-editor", "image/jpeg")
    assert (result.width, result.height) == (90, 60)
    assert result.notes["edits"] == ["black and white"]
    opened = Image.open(io.BytesIO(result.data))
    assert opened.size == (90, 60)
    assert np.ptp(np.asarray(opened, np.int16), axis=2).max() <= 2


async def test_without_a_picture_it_paints():
    edited = await made(text="a red fox", width=64, height=64)
    painted = await made("scene-painter", text="a red fox", width=64, height=64)
    assert edited.made_by == "embedded/scene-editor"
    assert edited.data == painted.data


async def test_it_refuses_what_it_cannot_do_with_what_it_can():
    with pytest.raises(InvalidRequest) as refused:
        await made(text="solve this riddle", pictures=(picture(),), images=("x",), width=0, height=0)
    assert refused.value.code == "edit_not_understood"
    assert "upscale 2x" in refused.value.message
