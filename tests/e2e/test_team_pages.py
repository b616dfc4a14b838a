"""A team's own pages as people see them: axe finds nothing, nothing runs out of a phone's screen, scripts or none."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.barriers import barriers
from tests.site import ROOT, Site

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

# Run beside the installation, with its home: two people, a team with something on every page, their sessions' keys.
PREPARE = """
import django; django.setup()
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from feeds import walls
from feeds.choices import Choices
from pollweb.accounts import tiers, webhooks
from pollweb.accounts.tokens import Actor
from pollweb.accounts.models import Membership, WebhookDelivery, Team, TierRequest, User
from pollweb.accounts.pages import Visit
def session(user):
    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.save()
    return store.session_key
alice = User.objects.create_user("alice", "alice@example.com", "correct horse battery", is_staff=True)
bob = User.objects.create_user("bob", "bob@example.com", "correct horse battery")
team = Team.objects.create(name="Orchid", slug="orchid")
member = Membership.objects.create(team=team, user=alice, role="owner")
wish = TierRequest(wanted="flower", purpose="A picture book for schools.", load="200 pictures a day")
tiers.ask(Visit(alice, team, member), wish)
url = "https://app.example.com/hooks/of/the/orchid/team/" + "long" * 10
hook, _ = webhooks.create(team, url, ["generation.done"], by=Actor(alice))
body = '{"type": "generation.done", "data": {"id": "abcdefghijklmnopqrstuv"}}'
told = WebhookDelivery.objects.create(webhook=hook, event="generation.done", body=body, state="failed", status=500,
    answer="<h1>" + "no" * 80, attempts=9, tried_at=hook.created_at)
wall = walls.create(team, by=Actor(alice), name="Entrance hall")
screen, _ = walls.add_screen(wall, "Beside the window to the courtyard", Choices(), by=Actor(alice))
print(session(alice), session(bob), member.pk, wish.pk, hook.pk, told.pk, wall.pk, screen.pk)
"""
PAGES = (
    "/teams", "/teams/new", "/t/orchid/members", "/t/orchid/members/invite", "/t/orchid/members/{member}",
    "/t/orchid/overview", "/t/orchid/library", "/t/orchid/usage", "/t/orchid/requests",
    "/t/orchid/tokens", "/t/orchid/tokens/new", "/t/orchid/referrers", "/t/orchid/walls", "/t/orchid/walls/{wall}",
    "/t/orchid/walls/{wall}/change", "/t/orchid/walls/{wall}/remove", "/t/orchid/walls/{wall}/screens",
    "/t/orchid/screens/{screen}/change", "/t/orchid/screens/{screen}/remove",
    "/t/orchid/webhooks", "/t/orchid/webhooks/{hook}", "/t/orchid/webhooks/{hook}/change",
    "/t/orchid/webhooks/{hook}/remove", "/t/orchid/deliveries/{told}",
    "/t/orchid/leave", "/t/orchid/tier", "/t/orchid/tier/ask", "/t/orchid/audit", "/t/orchid/audit?actor=nobody",
    "/t/orchid/settings", "/t/orchid/settings/export", "/t/orchid/settings/delete", "/staff/tiers",
    "/staff/announcements", "/staff/reports", "/staff/feed", "/staff/upstreams",
    "/staff/tiers?state=granted", "/staff/tiers/{wish}", "/account/export", "/account/delete",
)  # fmt: skip


@pytest.fixture(scope="module")
def cast(site: Site) -> dict[str, str]:
    outer = {name: value for name, value in os.environ.items() if not name.startswith("POLLWEB_")}
    home: Path = site.home
    made = subprocess.run(
        [sys.executable, "-c", PREPARE],
        cwd=ROOT,
        env={
            **outer,
            "DJANGO_SETTINGS_MODULE": "pollweb.settings",
            "POLLWEB_HOME": str(home),
            "POLLWEB_MODELS": "none",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    names = ("alice", "bob", "member", "wish", "hook", "told", "wall", "screen")
    return dict(zip(names, made.stdout.split()[-len(names) :], strict=True))


@pytest.mark.parametrize(
    ("width", "theme", "language"),
    [(1280, "light", "en-US"), (1280, "dark", "zh-CN"), (360, "dark", "en-US"), (360, "light", "zh-CN")],
)
def test_every_page_can_be_read_by_everybody(site, visit, cast, width, theme, language):
    page = visit("/live", color_scheme=theme, locale=language, viewport={"width": width, "height": 800})
    page.context.add_cookies([{"name": "sessionid", "value": cast["alice"], "url": site.address}])
    for path in PAGES:
        answer = page.goto(site.address + path.format(**cast))
        assert answer is not None
        assert answer.status == 200, path
        assert barriers(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_somebody_is_invited_and_joins_without_scripts(site, visit, cast):
    page = visit("/live", java_script_enabled=False)
    page.context.add_cookies([{"name": "sessionid", "value": cast["alice"], "url": site.address}])
    page.goto(f"{site.address}/t/orchid/members")
    page.get_by_role("link", name="Invite", exact=True).click()
    page.get_by_label("E-mail address").fill("bob@example.com")
    page.get_by_role("button", name="Invite").click()
    link = page.locator("#link").inner_text()
    assert re.fullmatch(rf"{re.escape(site.address)}/invitations/[\w-]{{22}}", link)

    other = visit("/live", java_script_enabled=False)
    other.goto(link)
    expect(other.get_by_role("link", name="Sign in to accept")).to_be_visible()
    other.context.add_cookies([{"name": "sessionid", "value": cast["bob"], "url": site.address}])
    other.goto(link)
    other.get_by_role("button", name="Accept").click()
    expect(other.get_by_text("Welcome to Orchid.")).to_be_visible()

    page.goto(f"{site.address}/t/orchid/audit")
    expect(page.get_by_role("rowheader", name="Member joined")).to_be_visible()


def test_an_archive_is_made_and_downloaded(site, visit, cast):
    page = visit("/live")
    page.context.add_cookies([{"name": "sessionid", "value": cast["alice"], "url": site.address}])
    page.goto(f"{site.address}/t/orchid/settings/export")
    page.get_by_role("button", name="Make an archive").click()
    for _ in range(40):
        page.wait_for_timeout(250)
        page.reload()
        if page.get_by_role("link", name="Download").count():
            break
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename.startswith("orchid-")
