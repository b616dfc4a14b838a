"""What a thing looked like is remembered, and forgotten with everything that it depended on."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.template import engines
from django.utils import timezone, translation

from generation.models import Generation, State
from generation.web.tiles import Tile
from pollweb.templatetags import drawing

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
PAGE = engines["django"].from_string('{% drawn "components/tile.html" tile=tile %}')


@pytest.fixture(autouse=True)
def drawings(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The templates that were drawn, not remembered."""
    found: list[str] = []
    draw = drawing.render_to_string

    def counted(name: str, things: dict[str, Any]) -> Any:
        found.append(name)
        return draw(name, things)

    monkeypatch.setattr(drawing, "render_to_string", counted)
    drawing.forget()
    yield found
    drawing.forget()


def row(**values: Any) -> Generation:
    usual = {"kind": "text", "prompt": "A fox", "response": "It is red.", "visibility": "public"}
    known = {"id": "018f5f3e-0000-7000-8000-000000000001", "public_id": "a" * 22, "state": State.SUCCEEDED}
    return Generation(**{**usual, **known, "created_at": timezone.now(), **values})


def drawn(generation: Generation, **more: Any) -> str:
    return PAGE.render({"tile": Tile(generation, **more)})


def test_the_same_tile_is_drawn_once(drawings: list[str]) -> None:
    first = drawn(row(created_at=NOW))
    assert [drawn(row(created_at=NOW)) for _ in range(5)] == [first] * 5
    assert "It is red." in first
    assert drawings == ["components/tile.html"]


@pytest.mark.parametrize(
    "change",
    [
        {"is_mature": True},
        {"hidden_at": NOW},
        {"visibility": "private"},
        {"prompt": ""},
        {"response": "It was red."},
        {"created_at": NOW - timedelta(days=1)},
        {"public_id": "b" * 22, "id": "018f5f3e-0000-7000-8000-000000000002"},
    ],
    ids=str,
)
def test_what_has_changed_is_drawn_anew(drawings: list[str], change: dict[str, Any]) -> None:
    drawn(row(created_at=NOW))
    drawn(row(**{"created_at": NOW, **change}))
    assert len(drawings) == 2


def test_each_language_and_zone_has_its_own(drawings: list[str]) -> None:
    moment = timezone.now() - timedelta(hours=3)
    english = drawn(row(created_at=moment))
    with translation.override("zh-hans"):
        chinese = drawn(row(created_at=moment))
    with timezone.override("Asia/Tokyo"):
        tokyo = drawn(row(created_at=moment))
    assert len({english, chinese, tokyo}) == 3
    assert "ago" in english
    assert "前" in chinese
    assert "JST" in tokyo


def test_it_grows_older(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "just now" in drawn(row())
    assert "5\xa0minutes ago" in drawn(row(created_at=timezone.now() - timedelta(minutes=5, seconds=5)))
    assert "2\xa0hours ago" in drawn(row(created_at=timezone.now() - timedelta(hours=2, seconds=5)))


def test_those_at_the_top_are_loaded_at_once() -> None:
    picture = {"kind": "image", "width": 64, "height": 64}
    assert 'loading="lazy"' not in drawn(row(**picture), position=1)
    assert 'loading="lazy"' in drawn(row(**picture), position=40)


def test_only_so_many_are_remembered(monkeypatch: pytest.MonkeyPatch, drawings: list[str]) -> None:
    monkeypatch.setattr(drawing, "MOST", 3)
    for number in range(5):
        drawn(row(response=f"answer {number}", created_at=NOW))
    assert len(drawing._drawings) == 3
    drawn(row(response="answer 4", created_at=NOW))
    assert len(drawings) == 5
