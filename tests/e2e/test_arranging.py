"""The items of a collection are put in order with a mouse, with a finger and with keys."""

import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.people import sign_up
from tests.e2e.pictures import paint

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(200)]
WORDS = ("a heron", "an owl", "a swan", "a crane")


@pytest.fixture
def arranged(site, visit) -> Page:
    """A person's collection of four items, on the page that puts them in order; the newest stands first."""
    made = [paint(site, words, seed=7000 + n) for n, words in enumerate(WORDS)]
    page = visit("/about", has_touch=True, viewport={"width": 1280, "height": 1600})
    sign_up(page, site, f"arranger{time.time_ns()}@example.com")
    page.goto(f"{site.address}/collections")
    page.get_by_label("Title").fill("Birds")
    page.get_by_role("button", name="Create collection").click()
    page.wait_for_url("**/c/*")
    collection = page.url
    for public_id in made:
        page.goto(f"{site.address}/p/{public_id}/collections")
        page.get_by_label("Birds").check()
        page.get_by_role("button", name="Save").click()
        page.wait_for_url(f"**/p/{public_id}")
    page.goto(f"{collection}?edit=1")
    return page


def order(page: Page) -> list[str]:
    return page.locator("[data-arranged] > li .clamp").all_inner_texts()


def told(page: Page, place: int) -> None:
    """Said to those who cannot see it, once it is kept; at most one sentence is, every five seconds."""
    expect(page.locator("[data-announcer]")).to_have_text(re.compile(f"place {place} of 4"), timeout=15_000)


def dragged(page: Page, row: int, to: int) -> None:
    """By its handle, slowly, to the middle of another row and a little beyond."""
    handles = page.locator("[data-handle]")
    begin, end = handles.nth(row).bounding_box(), handles.nth(to).bounding_box()
    assert begin is not None
    assert end is not None
    beyond = 8 if to > row else -8
    page.mouse.move(begin["x"] + begin["width"] / 2, begin["y"] + begin["height"] / 2)
    page.mouse.down()
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] / 2 + beyond, steps=12)


def test_they_are_put_in_order(arranged: Page) -> None:
    page = arranged
    assert order(page) == ["a crane", "a swan", "an owl", "a heron"]

    dragged(page, 3, 0)
    page.mouse.up()
    told(page, 1)
    assert order(page) == ["a heron", "a crane", "a swan", "an owl"]

    dragged(page, 0, 2)
    assert order(page) == ["a crane", "a swan", "a heron", "an owl"], "the others give way while it is held"
    page.keyboard.press("Escape")
    page.mouse.up()
    assert order(page) == ["a heron", "a crane", "a swan", "an owl"], "and come back when it is let go of"

    row = page.locator("[data-arranged] > li", has_text="an owl")
    row.get_by_role("button", name="Move up").focus()
    page.keyboard.press("Enter")
    told(page, 3)
    expect(row.get_by_role("button", name="Move up")).to_be_focused()
    page.keyboard.press("Enter")
    told(page, 2)

    page.reload()
    assert order(page) == ["a heron", "an owl", "a crane", "a swan"], "it is kept"


def test_a_finger_drags_too(arranged: Page) -> None:
    page = arranged
    first, last = (page.locator("[data-handle]").nth(n).bounding_box() for n in (0, 3))
    assert first is not None
    assert last is not None
    session = page.context.new_cdp_session(page)

    def touch(kind: str, y: float | None = None) -> None:
        points = [] if y is None else [{"x": first["x"] + 8, "y": y}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", first["y"] + first["height"] / 2)
    for step in range(1, 13):
        touch("touchMove", first["y"] + (last["y"] - first["y"]) * step / 12 + first["height"] / 2 + 8)
    touch("touchEnd")
    told(page, 4)
    page.reload()
    assert order(page) == ["a swan", "an owl", "a heron", "a crane"]
