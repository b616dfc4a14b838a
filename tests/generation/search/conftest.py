from collections.abc import Callable

import pytest

from generation import search
from generation.models import Generation
from generation.search import postgresql
from tests.gallery.conftest import make

__all__ = ["make"]


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    """Chapters of three entries, as tests have them, are full within a moment."""
    postgresql.forget()


@pytest.fixture
def public(make) -> Callable[..., Generation]:
    """A public picture, or another kind, that can be found."""

    def public(prompt: str, *args, kind: str = "image", **columns) -> Generation:
        row = make(kind, prompt, *args, **columns)
        search.expect([row.pk])
        search.fill()
        return row

    return public


def found(text: str, **values) -> list[str]:
    """Prompts of what this question finds."""
    return [row.prompt for row in search.find(search.parse(text), **{"limit": 50, **values}).rows]
