"""Sixty texts meant to run, as prompts, answers, names and words of every kind: they are shown, and nothing runs.

`visit` sees to the rest: no page may say anything on its console, where refusals of the page's own policy would stand,
or ask another host.
"""

import json
import os
import subprocess
import sys
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page

from tests.e2e.payloads import PAYLOADS
from tests.site import ROOT, Site

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

# Run beside the installation, with its home: every text is what somebody wrote wherever people can write.
PREPARE = """
import json, sys
import django; django.setup()
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone
from generation import catalogue, requests, search
from generation.models import Generation, State
from generation.requests import ChatRequest
from pollweb.accounts import tokens
from pollweb.accounts.models import Membership, Team, User
from pollweb.lib import ids
payloads = json.load(sys.stdin)
charlie = User.objects.create_user("charlie", "charlie@example.com", "correct horse battery", is_staff=True)
team = Team.objects.create(name=payloads[0][:60], slug="hostile")
Membership.objects.create(team=team, user=charlie, role="owner")
rows = []
for payload in payloads:
    token = tokens.create(team, payload[:60]).token
    asked = ChatRequest(model="openai", private=False, messages=({"role": "user", "content": payload},))
    now = timezone.now()
    rows.append(Generation.objects.create(
        id=ids.uuid7(), kind="text", model="openai", prompt=payload, response="# x\\n\\n" + payload,
        params=requests.store(asked), fingerprint="0" * 64, scope="public", principal=f"token:{token.pk}",
        team=team, token=token, slot="upstream", deadline=now, state=State.SUCCEEDED, visibility="public",
        made_by="upstream/words", started_at=now, finished_at=now))
search.expect([row.pk for row in rows])
search.fill()
store = SessionStore()
store[SESSION_KEY] = str(charlie.pk)
store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
store[HASH_SESSION_KEY] = charlie.get_session_auth_hash()
store.save()
print(json.dumps({"session": store.session_key, "items": [row.public_id for row in rows]}))
"""


@pytest.fixture(scope="module")
def hostile(site: Site) -> dict[str, Any]:
    outer = {name: value for name, value in os.environ.items() if not name.startswith("POLLWEB_")}
    made = subprocess.run(
        [sys.executable, "-c", PREPARE],
        cwd=ROOT,
        env={
            **outer,
            "DJANGO_SETTINGS_MODULE": "pollweb.settings",
            "POLLWEB_HOME": str(site.home),
            "POLLWEB_MODELS": "none",
        },
        input=json.dumps(PAYLOADS),
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout.splitlines()[-1])


def nothing_ran(page: Page) -> None:
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.struck") is None, page.url
    assert page.locator("main :is(script:not([nonce]), [onerror], [onload], [onfocus], base, iframe)").count() == 0


def test_there_are_sixty() -> None:
    assert len(set(PAYLOADS)) == 60


def test_each_is_shown_and_not_obeyed_on_its_own_page(site: Site, visit: Any, hostile: dict[str, Any]) -> None:
    page = visit("/about")
    for payload, item in zip(PAYLOADS, hostile["items"], strict=True):
        page.goto(f"{site.address}/p/{item}")
        shown = page.locator("#prompt").inner_text()
        assert "".join(shown.split()) == "".join(payload.split()), item
        assert page.evaluate("window.struck") is None, payload
    nothing_ran(page)


def test_lists_walls_and_searches_of_them_obey_none(site: Site, visit: Any, hostile: dict[str, Any]) -> None:
    page = visit("/?kind=text")
    for path in ("/?kind=text", "/search?q=script", "/search?q=onerror", "/live?layout=stream", "/live/kiosk"):
        page.goto(site.address + path)
        page.wait_for_timeout(300)
        assert page.evaluate("window.struck") is None, path
    for payload in PAYLOADS[::6]:
        page.goto(f"{site.address}/search?q={quote(payload, safe='')}")
        assert page.evaluate("window.struck") is None, payload


def test_a_team_with_such_names_reads_them(site: Site, visit: Any, hostile: dict[str, Any]) -> None:
    page = visit("/about")
    page.context.add_cookies([{"name": "sessionid", "value": hostile["session"], "url": site.address}])
    for path in (
        *("overview", "library", "requests", "usage", "tokens", "members", "audit", "settings", "walls"),
        "library?q=script",
    ):
        answer = page.goto(f"{site.address}/t/hostile/{path}")
        assert answer is not None
        assert answer.status == 200, path
        assert page.evaluate("window.struck") is None, path
    for path in ("/teams", "/account/", "/staff/feed", "/staff/reports"):
        page.goto(site.address + path)
        assert page.evaluate("window.struck") is None, path
    nothing_ran(page)


def test_what_is_no_html_says_so(site: Site, hostile: dict[str, Any]) -> None:
    for path in (f"/p/{hostile['items'][0]}.json", "/feed.json", f"/p/{hostile['items'][0]}/download"):
        answer = site.ask(path)
        assert answer.status == 200, path
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert not answer.headers["content-type"].startswith("text/html")
