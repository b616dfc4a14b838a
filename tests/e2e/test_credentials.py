"""Tokens and referrers in a real browser: made, copied, used, revoked; and nothing that axe finds."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.barriers import barriers

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]
SIGNED_IN = """
import django; django.setup()
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from pollweb.accounts.models import User
user, _ = User.objects.get_or_create(username="credentials", email="credentials@example.com")
session = SessionStore()
session[SESSION_KEY], session[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
session.save()
print(session.session_key, user.personal_team.slug)
"""


@pytest.fixture
def team(site) -> tuple[str, str]:
    """(session key, team) of somebody who is signed in."""
    outer = {name: value for name, value in os.environ.items() if not name.startswith("POLLWEB_")}
    environment = {**outer, "POLLWEB_HOME": str(site.home), "DJANGO_SETTINGS_MODULE": "pollweb.settings"}
    said = subprocess.run(
        [sys.executable, "-c", SIGNED_IN], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    key, slug = said.stdout.split()[-2:]
    return key, slug


@pytest.fixture
def enter(site, visit, team):
    def enter(path: str, **options: object) -> Page:
        page = visit("/healthz", **options)
        page.context.add_cookies([{"name": "sessionid", "value": team[0], "url": site.address}])
        page.goto(f"{site.address}/t/{team[1]}/{path}")
        return page

    return enter


def test_a_token_is_made_used_and_revoked(site, enter):
    page = enter("tokens")
    page.get_by_role("link", name="New token").first.click()
    page.get_by_label("Name").fill("nightly job")
    page.get_by_role("button", name="Make the token").click()
    secret = page.locator("#secret").inner_text()
    assert re.fullmatch(r"pw_[0-9A-Za-z]{36}", secret)
    expect(page.get_by_text("Waiting for the first request")).to_be_visible()
    answer = site.ask("/auth/api/whoami", Authorization=f"Bearer {secret}")
    assert answer.json()["credential"] == "token"
    expect(page.get_by_text("The first request was received")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download .env").click()
    assert f"POLLWEB_TOKEN={secret}" in Path(download.value.path()).read_text()
    page.get_by_role("link", name="I have copied it").click()
    page.get_by_label("Reason").fill("only a test")
    page.get_by_role("button", name="Revoke this token").click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    answer = site.ask("/auth/api/whoami", Authorization=f"Bearer {secret}")
    assert (answer.status, answer.json()["code"]) == (401, "token_revoked")


def test_a_form_works_without_scripts(enter):
    page = enter("tokens/new", java_script_enabled=False)
    page.get_by_label("Name").fill("without scripts")
    page.get_by_role("button", name="Make the token").click()
    expect(page.locator("#secret")).to_have_text(re.compile("^pw_"))


@pytest.mark.parametrize(
    "options", [{"color_scheme": "light"}, {"color_scheme": "dark", "viewport": {"width": 360, "height": 740}}]
)
def test_axe_finds_nothing(site, enter, team, options):
    page = enter("referrers", **options)
    if not page.get_by_role("link", name="*.credentials.example").count():
        page.get_by_label("Domain or identifier").fill("*.credentials.example")
        page.get_by_role("button", name="Add", exact=True).click()
        assert barriers(page) == []
    for path in ("tokens", "tokens/new", "referrers?test=x.credentials.example"):
        page.goto(f"{site.address}/t/{team[1]}/{path}")
        assert barriers(page) == [], path
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), path
    page.goto(f"{site.address}/authorize?redirect_uri=http%3A%2F%2Flocalhost%3A3000%2F")
    assert barriers(page) == []
