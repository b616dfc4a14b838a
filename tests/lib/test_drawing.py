"""A thing is drawn once as long as it looks the same (pollweb.templatetags.drawing)."""

from dataclasses import dataclass

import pytest
from django.template import Context, Template
from django.utils import translation
from django.utils.safestring import mark_safe

from pollweb.templatetags import drawing


@dataclass
class Thing:
    name: str
    looks: int


@pytest.fixture(autouse=True)
def times(monkeypatch):
    """What was drawn, in turn."""
    drawn = []

    def render(name, things):
        drawn.append(
            (name, translation.get_language(), {key: getattr(thing, "name", thing) for key, thing in things.items()})
        )
        return mark_safe(f"<{things['it'].name}>")

    monkeypatch.setattr(drawing, "render_to_string", render)
    drawing.forget()
    yield drawn
    drawing.forget()


def shown(source: str, **context) -> str:
    return Template("{% load drawing %}" + source).render(Context(context))


def test_what_looks_the_same_is_drawn_once(times):
    for name in ("fox", "renamed"):
        assert shown('{% drawn "a.html" it=it %}', it=Thing(name, 1)) == "<fox>"
    assert shown('{% drawn "a.html" it=it %}', it=Thing("owl", 2)) == "<owl>"
    assert len(times) == 2


def test_another_template_thing_or_language_is_another_drawing(times):
    it = Thing("fox", 1)
    shown('{% drawn "a.html" it=it %}{% drawn "b.html" it=it %}{% drawn "a.html" it=it large=True %}', it=it)
    with translation.override("zh-hans"):
        shown('{% drawn "a.html" it=it %}', it=it)
    assert [(name, language, things.get("large")) for name, language, things in times] == [
        ("a.html", "en", None),
        ("b.html", "en", None),
        ("a.html", "en", True),
        ("a.html", "zh-hans", None),
    ]


def test_each_of_a_list_is_drawn_once_and_by_what_it_is_called(times):
    these = [Thing("fox", 1), Thing("owl", 2), Thing("fox again", 1)]
    for _ in range(2):
        assert shown('{% each_drawn "a.html" "it" these large=True %}', these=these) == "<fox><owl><fox>"
    assert times == [("a.html", "en", {"it": name, "large": True}) for name in ("fox", "owl")]


def test_no_more_are_kept_than_there_is_room_for(times, monkeypatch):
    monkeypatch.setattr(drawing, "MOST", 2)
    for number in (1, 2, 3, 3, 2, 1):
        shown('{% drawn "a.html" it=it %}', it=Thing("fox", number))
    assert len(times) == 4
