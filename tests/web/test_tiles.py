"""What a tile shows of an answer."""

import pytest

from generation.models import Generation
from generation.web.tiles import Tile


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ("1. **The Red Fox**\n2. **Snow**", "1. The Red Fox\n2. Snow"),
        ("# A fox\n\nIt is red.", "A fox\n\nIt is red."),
        ("2 ** 3 and `a**b`, #1", "2 ** 3 and `a**b`, #1"),
        ("**open", "**open"),
    ],
)
def test_it_shows_the_words_without_their_marks(answer, shown):
    assert Tile(Generation(kind="text", response=answer)).response == shown
