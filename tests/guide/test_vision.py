"""The samples of the guide that have a picture described."""

import json

import pytest

from tests.guide.conftest import Origin, Runner
from tests.guide.test_guide import VISION, VISION_PROGRAM, words_of

pytestmark = [pytest.mark.engines, pytest.mark.timeout(300)]


def test_a_picture_at_an_address_is_described(runner: Runner, origin: Origin) -> None:
    before = origin.asked.count("/boardwalk.jpg")
    assert words_of(json.loads(runner.run(VISION))).strip()
    assert origin.asked.count("/boardwalk.jpg") == before + 1


def test_the_program_describes_a_picture_at_an_address_and_one_in_a_file(runner: Runner, origin: Origin) -> None:
    (runner.folder / "image.jpg").write_bytes(origin.files["/boardwalk.jpg"][0])
    printed = runner.run(VISION_PROGRAM.replace("path/to/your/image.jpg", "image.jpg"))
    by_address, _, by_file = printed.removeprefix("URL 图像分析:").partition("本地图像分析:")
    assert printed.startswith("URL 图像分析:")
    assert by_address.strip()
    assert by_file.strip()
