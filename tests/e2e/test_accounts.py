"""Signing up, passkeys and the account's pages in a real browser."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.barriers import barriers
from tests.e2e.people import PASSWORD, sign_up
from tests.site import Site

PAGES = ("/account/", "/account/email/", "/account/password/change/", "/account/2fa/", "/account/sessions/")
WAYS_IN = (
    "/account/login/", "/account/signup/", "/account/login/code/", "/account/password/reset/", "/account/inactive/",
    "/account/3rdparty/login/cancelled/",
)  # fmt: skip


def test_one_signs_up_finds_the_way_out_and_back(site: Site, visit: Any) -> None:
    page = visit("/create?mode=text")
    sign_up(page, site, "erin@example.com")
    page.goto(site.address + "/")
    page.get_by_label("Account of erin").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("E-mail address").fill("erin@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_label("Account of erin")).to_be_visible()


def test_a_passkey_is_added_and_opens_the_account_without_a_password(site: Site, visit: Any) -> None:
    page = visit("/")
    devices = page.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    device = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": device})
    sign_up(page, site, "pia@example.com")

    page.goto(site.address + "/account/2fa/webauthn/add/")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Name of the key").fill("My phone")
    assert barriers(page) == []
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".codes li")).to_have_count(10)
    assert barriers(page) == []

    page.get_by_label("Account of pia").click()
    page.get_by_role("button", name="Sign out").click()
    page.goto(site.address + "/account/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_label("Account of pia")).to_be_visible()
    page.goto(site.address + "/account/2fa/webauthn/")
    expect(page.get_by_text("My phone")).to_be_visible()
    assert barriers(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_nobody_meets_a_barrier_on_the_way_in(visit: Any, site: Site, width: int, scheme: str) -> None:
    page = visit(WAYS_IN[0], viewport={"width": width, "height": 900}, color_scheme=scheme)
    for address in WAYS_IN:
        page.goto(site.address + address)
        assert barriers(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
def test_nobody_meets_a_barrier_in_the_account(visit: Any, site: Site, width: int, scheme: str) -> None:
    page = visit("/", viewport={"width": width, "height": 900}, color_scheme=scheme)
    sign_up(page, site, f"nora{width}@example.com")
    for address in PAGES:
        page.goto(site.address + address)
        assert barriers(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
    page.get_by_label(f"Account of nora{width}").click()
    assert barriers(page) == []
    box = page.locator(".account-box").bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
