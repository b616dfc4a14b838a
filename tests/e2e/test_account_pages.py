"""The ways in and one's own pages as people see them: axe finds nothing, nothing runs out of a phone's screen."""

import os
import subprocess
import sys

import pytest
from playwright.sync_api import Page

from tests.e2e.barriers import barriers
from tests.site import ROOT, Site

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

# Run beside the installation, with its home: one person who looks after it, a collection, an item that was taken out.
PREPARE = """
import django; django.setup()
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from generation.models import Generation
from pollweb.accounts.models import User
from pollweb.gallery import keeping, removal
user = User.objects.create_user("operator", "operator@example.com", "correct horse battery", is_staff=True)
store = SessionStore()
store[SESSION_KEY], store[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
store.save()
shown, removed = Generation.objects.public().order_by("-pk")[:2]
collection = keeping.new(user, "By the sea", "Boats and lights.", "public")
keeping.add(collection, shown)
Generation.objects.filter(pk=removed.pk).update(team=user.personal_team)
removal.hide(removed, user, reason="other")
print(store.session_key, collection.public_id, shown.public_id, removed.public_id)
"""
OWN = (
    "/account/", "/account/profile/", "/account/email/", "/account/password/change/", "/account/2fa/",
    "/account/sessions/", "/account/3rdparty/", "/account/reauthenticate/", "/account/welcome/", "/account/logout/",
    "/authorize?redirect_uri=http%3A%2F%2Flocalhost%3A3000%2F", "/collections", "/c/{collection}",
    "/c/{collection}/delete", "/p/{shown}/collections", "/p/{shown}/report",
    "/p/{removed}/appeal", "/staff/styleguide",
)  # fmt: skip
WAYS_IN = (
    ("/account/login/", 200), ("/account/signup/", 200), ("/account/password/reset/", 200),
    ("/account/3rdparty/login/cancelled/", 200), ("/account/3rdparty/login/error/", 401), ("/account/inactive/", 200),
    ("/account/login/code/", 200), ("/invitations/" + "x" * 22, 404), ("/saved", 200),
)  # fmt: skip
SEEN = [(1280, "light", "en-US"), (360, "dark", "zh-CN")]


@pytest.fixture(scope="module")
def cast(site: Site) -> dict[str, str]:
    for words in ("a boat by the sea", "a lighthouse by the sea"):
        assert site.ask(f"/image/prompt/{words.replace(' ', '%20')}?width=320&height=320").status == 200
    outer = {name: value for name, value in os.environ.items() if not name.startswith("POLLWEB_")}
    environment = {**outer, "POLLWEB_HOME": str(site.home), "DJANGO_SETTINGS_MODULE": "pollweb.settings"}
    said = subprocess.run(
        [sys.executable, "-c", PREPARE], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    names = ("operator", "collection", "shown", "removed")
    return dict(zip(names, said.stdout.split()[-len(names) :], strict=True))


def fits(page: Page) -> bool:
    return not page.evaluate("document.documentElement.scrollWidth > innerWidth")


@pytest.mark.parametrize(("width", "theme", "language"), SEEN)
def test_ones_own_pages_can_be_read_by_everybody(site, visit, cast, width, theme, language):
    page = visit("/healthz", color_scheme=theme, locale=language, viewport={"width": width, "height": 800})
    page.context.add_cookies([{"name": "sessionid", "value": cast["operator"], "url": site.address}])
    for path in OWN:
        answer = page.goto(site.address + path.format(**cast))
        assert (answer.status, barriers(page), fits(page)) == (200, [], True), path


@pytest.mark.parametrize(("width", "least"), [(360, 328), (768, 320), (1280, 320)])
def test_the_facts_of_an_item_keep_their_width_beside_two_pictures_to_compare(site, visit, cast, width, least):
    page = visit("/healthz", viewport={"width": width, "height": 800})
    page.context.add_cookies([{"name": "sessionid", "value": cast["operator"], "url": site.address}])
    page.goto(f"{site.address}/staff/styleguide")
    assert page.locator(".facts:has(.compare)").evaluate("facts => facts.getBoundingClientRect().width") >= least


@pytest.mark.parametrize(("width", "theme", "language"), SEEN)
def test_the_ways_in_can_be_read_by_everybody(site, browser, width, theme, language):
    context = browser.new_context(color_scheme=theme, locale=language, viewport={"width": width, "height": 800})
    page = context.new_page()
    for path, status in WAYS_IN:
        answer = page.goto(site.address + path)
        assert (answer.status, barriers(page), fits(page)) == (status, [], True), path
    page.goto(site.address + "/account/login/")
    page.locator("#id_login").fill("nobody@example.com")
    page.locator("#id_password").fill("not the password")
    page.locator("main form button[type=submit]").first.click()
    page.get_by_role("alert").first.wait_for()
    assert (barriers(page), fits(page)) == ([], True)
    context.close()
