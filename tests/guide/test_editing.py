"""The sample of the guide that makes a picture from another one."""

import numpy
import pytest
from PIL import Image

from tests.guide.conftest import LOGO_GREEN, Origin, Runner
from tests.guide.test_guide import LOGO_CAKE, size_of

pytestmark = [pytest.mark.engines, pytest.mark.timeout(300)]


def test_a_cake_is_baked_from_the_given_logo(runner: Runner, origin: Origin) -> None:
    runner.run(LOGO_CAKE)
    assert "/logo.png" in origin.asked
    assert min(size_of(runner.folder / "logo_cake.png")) > 256
    with Image.open(runner.folder / "logo_cake.png") as cake:
        pixels = numpy.asarray(cake.convert("RGB")).astype(int)
    green = numpy.abs(pixels - LOGO_GREEN).max(axis=2) < 30
    assert green.mean() > 0.02  # the logo's disc
