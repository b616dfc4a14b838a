"""Pictures from outside: what is taken is written anew, what is not is refused, and neither does harm."""

import io
import resource
import struct
import time

import pytest
from PIL import Image, ImageOps

from generation import pictures
from generation.errors import UnreadableInput
from generation.pictures import child
from tests.generation.pictures import hostile


def test_there_are_thirty_hostile_files() -> None:
    assert len(hostile.REFUSED) >= 30


@pytest.mark.parametrize("name", hostile.REFUSED)
async def test_a_hostile_file_is_refused(name) -> None:
    with pytest.raises(UnreadableInput) as refused:
        await pictures.read(hostile.REFUSED[name]())
    assert (refused.value.status, refused.value.code) == (400, "input_not_readable")
    assert "File" not in refused.value.message
    assert "Traceback" not in refused.value.message


@pytest.mark.parametrize("name", hostile.TAKEN)
async def test_a_picture_is_written_anew_without_what_came_with_it(name) -> None:
    picture = await pictures.read(hostile.TAKEN[name]())
    image = Image.open(io.BytesIO(picture.data))
    assert image.format == {"image/png": "PNG", "image/jpeg": "JPEG"}[picture.media_type]
    assert image.size == (picture.width, picture.height)
    assert b"script" not in picture.data
    assert not image.getexif()
    assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert picture.colour.startswith("#")
    assert picture.placeholder.startswith("data:image/webp;base64,")


async def test_a_picture_is_turned_as_its_camera_says() -> None:
    picture = await pictures.read(hostile.saved("JPEG", (40, 20), exif=hostile.exif()))
    assert (picture.width, picture.height) == (20, 40)


async def test_exif_that_cannot_be_read_spoils_no_picture() -> None:
    taken = hostile.saved("JPEG", (40, 20), exif=hostile.unreadable_exif())
    with pytest.raises((TypeError, ValueError, struct.error)):
        ImageOps.exif_transpose(Image.open(io.BytesIO(taken)))
    picture = await pictures.read(taken)
    assert (picture.width, picture.height) == (20, 40)


async def test_what_shows_through_still_does_and_what_does_not_is_opaque() -> None:
    file = io.BytesIO()
    image = Image.new("RGBA", (4, 4), "red")
    image.save(file, "PNG")
    assert Image.open(io.BytesIO((await pictures.read(file.getvalue())).data)).mode == "RGB"
    image.putpixel((0, 0), (0, 0, 0, 0))
    file = io.BytesIO()
    image.save(file, "PNG")
    assert Image.open(io.BytesIO((await pictures.read(file.getvalue())).data)).mode == "RGBA"


async def test_a_very_large_picture_is_made_smaller() -> None:
    picture = await pictures.read(hostile.saved("JPEG", (8000, 4000)))
    assert (picture.width, picture.height) == (4096, 2048)


async def test_the_same_picture_gives_the_same_bytes() -> None:
    data = hostile.noise("JPEG")
    assert (await pictures.read(data)).data == (await pictures.read(data)).data


async def test_reading_costs_this_process_little() -> None:
    """Memory of this process over the largest files, in MiB; the children's is bounded by the system."""
    large = ("png of 10 gigapixels", "png of 41 million pixels", "png whose comment inflates", "gif of 10,000 frames")
    files = [*(hostile.REFUSED[name]() for name in large), hostile.saved("JPEG", (8000, 5000))]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for data in files:
        try:
            await pictures.read(data)
        except UnreadableInput:
            continue
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"grown by {grown:.1f} MiB over {len(files)} files")
    assert grown < 32
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < child.MEMORY / 1024


async def test_a_picture_that_takes_too_long_is_given_up(monkeypatch) -> None:
    monkeypatch.setattr(pictures.reading, "MOST_SECONDS", 0.001)
    began = time.monotonic()
    with pytest.raises(UnreadableInput, match="too much time"):
        await pictures.read(hostile.saved("PNG"))
    assert time.monotonic() - began < 3
