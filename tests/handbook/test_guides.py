"""/docs: the guides in both languages, with this installation's own addresses."""

import html
import json
import re

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.urls import Resolver404, resolve

from pollweb.handbook import guides, pages

EVERY = pytest.mark.parametrize("guide", guides.all_guides(), ids=lambda guide: guide.slug)
LANGUAGES = pytest.mark.parametrize("language", ["en", "zh-hans"])
# Long references that exist in English only, and say so.
ENGLISH_ONLY = {"api", "settings"}


@EVERY
@LANGUAGES
def test_a_guide_is_there_in_the_readers_language(client, db, guide, language):
    answer = client.get(f"/docs/{guide.slug}", {"hl": language})
    assert answer.status_code == 200
    page = answer.content.decode()
    told = 'lang="en"' if language == "zh-hans" and guide.slug in ENGLISH_ONLY else None
    assert (told is None) or re.search(r'class="docs-page" lang="en"', page)
    if language == "zh-hans" and guide.slug not in ENGLISH_ONLY:
        assert re.search("[一-鿿]", re.search(r"<h1>(.*?)</h1>", page)[1]) or guide.slug in ("mcp", "react-hooks")


@EVERY
@LANGUAGES
def test_its_markdown_has_this_installations_addresses_and_links_that_lead_somewhere(client, db, guide, language):
    answer = client.get(f"/docs/{guide.slug}.md", {"hl": language})
    assert answer["Content-Type"].startswith("text/markdown")
    text = answer.content.decode()
    assert "<!-- api.md" not in text
    assert "\0" not in text
    for target in re.findall(r"\]\((/[^)#\s]*)", text):
        try:
            resolve(target)
        except Resolver404:
            pytest.fail(f"{guide.slug} ({language}) links to {target}")


def test_addresses_are_those_that_are_configured(monkeypatch, settings):
    settings.IMAGE_URL, settings.SITE_URL = "https://image.example.org", "https://example.org"
    text = guides._with_addresses("http://localhost:8000/image/prompt/x http://localhost:8000/live")
    assert text == "https://image.example.org/prompt/x https://example.org/live"


@EVERY
def test_every_anchor_of_a_page_is_there(client, db, guide):
    page = client.get(f"/docs/{guide.slug}").content.decode()
    ids = set(re.findall(r'id="([^"]+)"', page))
    for anchor in re.findall(r'href="#([^"]+)"', page):
        assert html.unescape(anchor) in ids, f"{guide.slug} has no #{anchor}"


def test_an_anchor_in_the_page_of_the_whole_api_is_there(client, db):
    ids = set(re.findall(r'id="([^"]+)"', client.get("/docs/api").content.decode()))
    for guide in guides.all_guides():
        for anchor in re.findall(r"/docs/api#([^)\s]+)", guides.markdown(guide, "en")[0]):
            assert anchor in ids, f"{guide.slug} links to /docs/api#{anchor}"


def test_the_quick_start_opens_a_picture_an_answer_a_sentence_and_both_feeds(client, db):
    page = html.unescape(client.get("/docs").content.decode())
    for address in (
        f"{settings.IMAGE_URL}/prompt/",
        f"{settings.TEXT_URL}/What",
        "model=openai-audio",
        f"{settings.IMAGE_URL}/feed",
        f"{settings.TEXT_URL}/feed",
    ):
        assert re.search(rf'href="[^"]*{re.escape(address)}', page), address


def test_run_fills_the_create_page(client, db):
    page = html.unescape(client.get("/docs/quick-start").content.decode())
    links = re.findall(r'class="button small run" href="([^"]+)"', page)
    assert len(links) == 2
    shown = client.get(links[0]).content.decode()
    assert "a lighthouse on a cliff at sunset" in shown
    assert 'name="mode" value="image"' in shown
    assert "Why is the sky blue?" in html.unescape(client.get(links[1]).content.decode())


@pytest.mark.parametrize(
    ("code", "mode"),
    [
        ('curl "http://localhost:8000/text/Hello%20world?model=openai-audio&voice=nova"', "speech"),
        ('curl "http://localhost:8000/text/Hello%20world"', "text"),
        ('curl "http://localhost:8000/prompt/Hello%20world"', "image"),
        ('curl http://localhost:8000/v1/x -d \'{"prompt": "Hello world", "size": "1x1"}\'', "image"),
        ("curl http://localhost:8000/text/models", None),
        ("curl -N http://localhost:8000/image/feed", None),
        ("make run", None),
    ],
)
def test_only_what_create_can_make_is_run(code, mode):
    [block] = pages.page(f"# Title\n\n```sh\n{code}\n```\n").blocks
    assert block.run == (f"/create?mode={mode}&prompt=Hello+world" if mode else "")


def test_samples_that_follow_each_other_are_tabs():
    made = pages.page("# T\n\n```sh\ncurl x\n```\n\n```python\nx\n```\n\nText.\n\n```js\ny\n```\n")
    assert [[sample.name for sample in block.samples] for block in made.blocks] == [
        ["cURL", "Python"],
        [],
        ["JavaScript"],
    ]


def test_markdown_cannot_bring_scripts():
    made = pages.page("# T\n\n<script>alert(1)</script> [x](javascript:alert(1)) <img src=x onerror=alert(1)>\n")
    assert "<script" not in made.blocks[0].html
    assert "<img" not in made.blocks[0].html
    assert "href" not in made.blocks[0].html


def test_an_unknown_guide_is_no_page(client, db):
    assert client.get("/docs/nothing").status_code == 404
    assert client.get("/docs/nothing.md").status_code == 404


def test_programs_find_all_guides(client, db):
    text = client.get("/llms.txt").content.decode()
    assert all(f"{settings.SITE_URL}/docs/{guide.slug}.md" in text for guide in guides.all_guides())


def test_the_reference_has_a_policy_of_its_own_and_only_our_files(client, db):
    answer = client.get("/docs/reference")
    policy = answer["Content-Security-Policy"]
    assert "style-src 'self' 'unsafe-inline'" in policy
    assert "script-src 'self' 'nonce-" in policy or "script-src 'self'" in policy
    assert "'unsafe-inline'" not in client.get("/docs")["Content-Security-Policy"]
    files = re.findall(r'"/static/[0-9a-f]+/(vendor/[^"]+)"', answer.content.decode())
    assert len(files) == 2
    assert all(finders.find(name) for name in files)


def test_the_document_that_the_reference_shows_is_the_apis():
    from pollweb import reference

    assert json.loads(reference.as_json())["openapi"] == "3.1.0"


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_code_of_an_error_can_be_led_to(client, db, language):
    page = client.get("/docs/errors", {"hl": language}).content.decode()
    for code in ("quota_exceeded", "budget_exceeded", "provider_failed", "deadline_exceeded", "gone"):
        assert page.count(f'id="code-{code}"') == 1, code
