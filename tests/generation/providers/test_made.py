"""Pictures and sounds from upstreams count only when they can be read to their end."""

import io
import struct
import zlib

import pytest
from PIL import Image

from generation.errors import ProviderError
from generation.providers.upstream import pictures, sounds
from generation.requests import ImageRequest, SpeechRequest
from tests.upstream import picture, sound


def odd_exif() -> bytes:
    """A picture whose orientation is well and whose other metadata are of a kind that Pillow cannot write again."""
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112], exif[0x010E] = 6, "x"
    Image.new("RGB", (8, 8)).save(file, "JPEG", exif=exif)
    data = bytearray(file.getvalue())
    data[data.index(b"MM\0*") + 11] = 0
    return bytes(data)


def vast() -> bytes:
    """A PNG of 900 million pixels, in less than a hundred bytes."""
    chunks = [b"IHDR" + struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0), b"IDAT" + zlib.compress(b""), b"IEND"]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(one) - 4) + one + struct.pack(">I", zlib.crc32(one)) for one in chunks
    )


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        picture(format="TIFF"),
        picture()[:400],
        picture(format="PNG")[:100],
        picture(format="WEBP")[:-20],
        vast(),
    ],
    ids=["nothing", "svg", "tiff", "half a jpeg", "half a png", "half a webp", "vast"],
)
async def test_what_is_no_whole_picture_is_an_answer_that_is_none(data):
    with pytest.raises(ProviderError) as caught:
        await pictures.result("gpu", data, ImageRequest(model="m", text="x", width=64, height=64), "gpu/m")
    assert (caught.value.code, caught.value.again) == ("provider_garbled", True)


async def test_metadata_that_cannot_be_read_spoil_no_picture():
    made = await pictures.result("gpu", odd_exif(), ImageRequest(model="m", text="x", width=8, height=8), "gpu/m")
    assert Image.open(io.BytesIO(made.data or b"")).size == (8, 8)


@pytest.mark.parametrize("format", ["mp3", "wav"])
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b'{"error": "no"}',
        b"ID3 and nothing else",
        sound("wav")[:40],
        sound("wav", 0.0),
        picture(format="WEBP"),
        b"RIFF\x04\0\0\0AVI ",
    ],
    ids=[
        "nothing",
        "json",
        "an empty tag",
        "half a head",
        "silence of no length",
        "a picture in RIFF",
        "an empty film",
    ],
)
async def test_what_is_no_sound_is_an_answer_that_is_none(data, format):
    with pytest.raises(ProviderError) as caught:
        await sounds.result("gpu", data, SpeechRequest(model="m", text="x", format=format), "gpu/m", sent="")
    assert (caught.value.code, caught.value.again) == ("provider_garbled", True)
