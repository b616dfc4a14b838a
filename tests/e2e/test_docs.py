"""Guides, the reference, models and status in a real browser."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.barriers import barriers

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

PAGES = ("/docs", "/docs/image", "/docs/errors", "/models", "/models/flux", "/status", "/about", "/labels")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_it_is_accessible_and_fits_a_phone(visit: Callable[..., Page], path, scheme):
    page = visit(path)
    page.emulate_media(color_scheme=scheme)
    assert barriers(page) == []
    page.set_viewport_size({"width": 360, "height": 780})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert barriers(page) == []


def test_a_guide_leads_to_a_picture(visit: Callable[..., Page]):
    page = visit("/docs")
    page.get_by_role("tab", name="Python").first.click()
    expect(page.get_by_text("import requests").first).to_be_visible()
    page.get_by_role("link", name="Run").first.click()
    expect(page).to_have_url(re.compile(r"/create\?mode=image"))
    expect(page.get_by_label("Prompt")).to_have_value("a lighthouse on a cliff at sunset")


def test_the_reference_tries_an_address_out(visit: Callable[..., Page]):
    page = visit("/docs/reference")
    page.locator("#operations-Pictures-get_image_models .opblock-summary-control").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    expect(page.locator(".live-responses-table .response .response-col_status").first).to_contain_text("200")
    expect(page.locator(".live-responses-table")).to_contain_text("flux")
