"""From signing up to the first request on the usage page, as somebody does it who has just found this server."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.barriers import barriers
from tests.e2e.people import sign_up
from tests.site import Site, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


def test_one_signs_up_makes_a_token_sends_a_request_and_sees_it_counted(site: Site, visit: Any) -> None:
    page = visit("/")
    sign_up(page, site, "frida@example.com")

    page.goto(site.address + "/t/")
    expect(page.get_by_role("heading", name="Three first steps")).to_be_visible()
    assert barriers(page) == []

    page.get_by_role("link", name="Make a token").click()
    page.get_by_label("Name", exact=True).fill("nightly job")
    page.get_by_role("button", name="Make the token").click()
    secret = page.locator("code", has_text="pw_").first.inner_text().strip()
    expect(page.get_by_text("Waiting for the first request")).to_be_visible()
    assert barriers(page) == []

    bearer = f"Bearer {secret}"
    answer = site.ask(f"/prompt/{quote('a red boat')}?width=128&height=128", Authorization=bearer)
    assert (answer.status, answer.headers["x-auth-status"]) == (200, "authenticated")
    expect(page.get_by_text("The first request was received.")).to_be_visible()

    page.goto(site.address + "/t/")
    expect(page.locator("main")).not_to_contain_text(secret)
    made = made_until_told(page, lambda n: site.ask(f"/prompt/boat-{n}?width=64&height=64", Authorization=bearer))
    page.get_by_role("link", name="Usage", exact=True).click()
    requests = page.get_by_role("row", name="flux").first.get_by_role("cell").first
    assert eventually(lambda: page.reload() and requests.inner_text() == str(1 + made), 15)
    assert barriers(page) == []

    page.get_by_role("link", name="Requests", exact=True).click()
    expect(page.get_by_role("row", name="nightly job").first).to_contain_text("Succeeded")


def made_until_told(page: Page, make: Callable[[int], object]) -> int:
    """How many were made until the page was told of one by its socket. The first may come before the socket is open."""
    page.evaluate(
        """() => { window.heard = new Promise((done) =>
            document.addEventListener("pollweb:hint", (event) => event.detail === "result" && done(true))); }"""
    )
    for number in range(5):
        make(number)
        if page.evaluate("() => Promise.race([window.heard, new Promise((done) => setTimeout(done, 5000))])"):
            return number + 1
    raise AssertionError("the page was never told")
