"""What all pages share: language, theme, errors, and what they may load."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from generation.model_files import FileState
from pollweb.lib import ids

PAGES = [
    "/",
    "/create",
    "/create?mode=text",
    "/create?mode=speech",
    "/create?mode=transcribe",
    "/chat",
    "/jobs",
    "/live",
    "/docs/react",
    "/nowhere",
]


def test_the_theme_is_set_by_the_server_and_can_be_given_back(client, db):
    assert b"data-theme" not in client.get("/").content
    client.post("/preferences", {"theme": "dark", "next": "/"})
    assert b'data-theme="dark"' in client.get("/").content
    client.post("/preferences", {"theme": "system", "next": "/"})
    assert b"data-theme" not in client.get("/").content


def test_a_theme_cookie_with_nonsense_says_nothing(client, db):
    client.cookies["pollweb_theme"] = '"><script>'
    assert b"data-theme" not in client.get("/").content


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_preferences_lead_back_to_this_site_only(client, db, target):
    assert client.post("/preferences", {"theme": "dark", "next": target}).headers["Location"] == "/"


def test_an_unknown_page_is_a_page_with_a_way_on(client, db):
    response = client.get("/nowhere")
    assert response.status_code == 404
    assert response.headers["X-Request-Id"] in response.content.decode()


def test_an_error_page_needs_no_database(client):
    with connection.execute_wrapper(refuse):
        assert client.get("/nowhere").status_code == 404


def refuse(*_args):
    raise AssertionError("the database was asked")


def test_a_broken_view_is_a_page_without_details(client, db, monkeypatch):
    monkeypatch.setattr("pollweb.gallery.explore.model_names", lambda: 1 / 0)
    client.raise_request_exception = False
    response = client.get("/")
    assert response.status_code == 500
    assert b"Something broke" in response.content
    assert b"ZeroDivisionError" not in response.content


@pytest.mark.parametrize("page", PAGES)
def test_pages_have_no_inline_style_or_script_and_load_nothing_from_elsewhere(client, db, page):
    response = client.get(page)
    content = response.content.decode()
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]
    assert not re.search(r"\sstyle=|<style|\son\w+=|javascript:", content)
    assert not re.search(r"<script(?![^>]*\ssrc=)", content)
    loaded = re.findall(r'(?:<script|<link|<img|<audio)[^>]*\s(?:src|href)="([^"]+)"', content)
    assert all(url.startswith(("/", settings.SITE_URL)) for url in loaded)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_has_one_heading_of_the_first_level(client, db, page):
    assert client.get(page).content.count(b"<h1") == 1


def test_every_file_that_pages_name_is_there():
    root = Path(settings.ROOT)
    templates = "".join(path.read_text() for path in (root / "templates").rglob("*.html"))
    named = set(re.findall(r"{% static '([^']+)' %}", templates))
    assert named
    assert [name for name in named if not (root / "static" / name).is_file()] == []


def test_the_language_is_remembered(client, db):
    client.post("/language", {"language": "zh-hans", "next": "/"})
    assert b'<html lang="zh-hans"' in client.get("/").content


@pytest.mark.parametrize("page", [*PAGES, "/jobs/" + "x" * 22])
def test_every_page_speaks_chinese(client, db, page):
    content = client.get(page, headers={"Accept-Language": "zh-CN"}).content.decode()
    assert '<html lang="zh-hans"' in content
    assert "探索" in content


def test_an_address_may_name_its_language(client, db):
    assert "实时墙" in client.get("/live?hl=zh-hans").content.decode()
    assert "Live wall" in client.get("/live?hl=en", headers={"Accept-Language": "zh-CN"}).content.decode()
    assert client.get("/?hl=klingon").status_code == 200


def test_the_front_page_tells_how_far_the_engines_are(client, db, monkeypatch, settings):
    settings.MODEL_SET = "default"
    states = [
        FileState("a.gguf", "chat", ("default",), "fetching", 40, 100),
        FileState("b.onnx", "speech", ("default",), "ready", 50, 50),
    ]
    monkeypatch.setattr("generation.model_files.state", lambda folder, name: states)
    assert b"Engines are getting ready: chat 40 %." in client.get("/").content
    states[0] = FileState("a.gguf", "chat", ("default",), "ready", 100, 100)
    assert b"getting ready" not in client.get("/").content


def test_a_method_that_a_page_does_not_take_is_answered_with_a_page(client, db):
    refused = client.put("/create", HTTP_ACCEPT="text/html")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD, POST")
    assert "This address does not take PUT; it takes GET, HEAD, POST." in refused.text
    assert "<header" in refused.text


def test_a_program_is_answered_with_the_api_s_error(client, db):
    refused = client.post("/labels", HTTP_ACCEPT="application/json")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD")
    assert refused.json()["code"] == "method_not_allowed"
    missing = client.get(f"/c/{ids.public_id()}", HTTP_ACCEPT="application/json")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
