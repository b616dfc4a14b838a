"""The site's own pages as people see them: axe finds nothing, and nothing runs out of a phone's screen."""

import pytest
from playwright.sync_api import expect

from tests.e2e.barriers import barriers

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

PAGES = (
    "/", "/?kind=audio&shape=wide", "/search", "/search?q=lighthouse", "/search?q=nothing+of+the+sort", "/models",
    "/models?kind=text", "/models/flux", "/status", "/about", "/labels", "/saved", "/docs", "/chat", "/create", "/jobs",
)  # fmt: skip
MENUS = ("remix-menu", "share-menu", "download-menu", "more-menu")
COMBINATIONS = [(1280, "light", "en-US"), (1280, "dark", "zh-CN"), (360, "dark", "en-US"), (360, "light", "zh-CN")]


def open_at(visit, path, width, theme, language):
    return visit(
        path,
        color_scheme=theme,
        locale=language,
        viewport={"width": width, "height": 800},
        has_touch=width < 500,
        reduced_motion="reduce",
    )


@pytest.fixture(scope="module")
def lighthouse(site):
    assert site.ask("/image/prompt/a%20lighthouse%20for%20all%20pages?width=256&height=192").status == 200


@pytest.mark.parametrize(("width", "theme", "language"), COMBINATIONS)
def test_every_page_can_be_read_by_everybody(site, visit, lighthouse, width, theme, language):
    page = open_at(visit, "/live", width, theme, language)
    for path in PAGES:
        answer = page.goto(site.address + path)
        assert answer is not None
        assert answer.status == 200, path
        assert barriers(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


@pytest.mark.parametrize(("width", "theme", "language"), COMBINATIONS)
def test_so_can_what_opens_above_them(site, visit, lighthouse, width, theme, language):
    page = open_at(visit, "/", width, theme, language)
    page.locator("[popovertarget=view-menu]").click()
    expect(page.locator("#view-menu")).to_be_visible()
    assert barriers(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("dialog[data-keys]")).to_be_visible()
    assert barriers(page) == []
    page.keyboard.press("Escape")
    page.goto(site.address + "/search?q=lighthouse")
    page.goto(site.address + str(page.locator("main a[href^='/p/']").first.get_attribute("href")))
    for menu in MENUS:
        page.locator(f"[popovertarget={menu}]").click()
        expect(page.locator(f"#{menu}")).to_be_visible()
        assert barriers(page) == [], menu
        page.keyboard.press("Escape")


def test_what_is_pressed_with_a_finger_is_large_enough(visit, lighthouse):
    page = open_at(visit, "/", 360, "light", "en-US")
    low = page.locator(".bar :is(a, button), .filters :is(a, button, select), .foot > a, .foot button").evaluate_all(
        """all => all.filter(each => each.checkVisibility()).map(each => [each.textContent.trim(),
            each.getBoundingClientRect().height]).filter(([, height]) => height < 44)"""
    )
    assert low == []
