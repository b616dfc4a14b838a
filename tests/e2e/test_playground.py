"""The React hooks in a real browser, at /docs/react, against a whole installation with a scripted upstream."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.barriers import barriers
from tests.site import Site, eventually
from tests.upstream import ScriptedUpstream

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

DESIGN = """
[tiers.anonymous]
interval = 0
concurrency = 8
models = "basic"

[providers.upstream]
kind = "openai"
base_url = "{address}/v1"

[models.text.openai]
from = [{{ provider = "upstream", model = "words" }}]
"""
WORDS = [f"word{number} " for number in range(400)]
IN_FLIGHT = re.compile(rb"^pollweb_requests_in_flight (\d+)", re.M)


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as running:
        yield running


@pytest.fixture(autouse=True)
def usual_words(upstream: ScriptedUpstream) -> None:
    upstream.words, upstream.pace = ["Blue ", "light ", "scatters."], 0.0


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream) -> Iterator[Site]:
    home: Path = tmp_path_factory.mktemp("playground")
    (home / "pollweb.toml").write_text(DESIGN.format(address=upstream.url))
    running = Site(home).ready()
    yield running
    running.stop()


@pytest.fixture
def page(visit: Callable[..., Page]) -> Page:
    page = visit("/docs/react")
    expect(page.locator("[data-state]")).to_have_attribute("data-state", "live")
    return page


def open_requests(site: Site) -> int:
    """What the server is answering now, without this question itself."""
    found = IN_FLIGHT.search(site.ask("/metrics").body)
    assert found
    return int(found[1]) - 1


def test_a_prompt_becomes_a_picture_and_appears_in_the_feed(page: Page) -> None:
    page.get_by_label("Prompt", exact=True).fill("three yellow houses by a lake")
    page.get_by_role("button", name="Paint").click()
    picture = page.locator(".canvas img")
    expect(picture).to_have_attribute("alt", "three yellow houses by a lake")
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 768
    expect(page.locator(".painter .meta")).to_contain_text("embedded/scene-painter")
    tile = page.locator(".tiles").get_by_alt_text("three yellow houses by a lake")
    expect(tile).to_be_visible()


def test_what_is_private_does_not_appear_in_the_feed(page: Page) -> None:
    page.get_by_label("Keep what I make here private").check()
    page.get_by_label("Prompt", exact=True).fill("a secret garden")
    page.get_by_role("button", name="Paint").click()
    expect(page.locator(".painter .meta")).to_contain_text("Private")
    page.get_by_label("Keep what I make here private").uncheck()
    page.get_by_label("Prompt", exact=True).fill("a public garden")
    page.get_by_role("button", name="Paint").click()
    expect(page.locator(".tiles").get_by_alt_text("a public garden")).to_be_visible()
    expect(page.locator(".tiles").get_by_alt_text("a secret garden")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_used_by_everybody(visit: Callable[..., Page], scheme: str) -> None:
    page = visit("/docs/react", color_scheme=scheme)
    page.get_by_label("Message").fill("Hello?")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".theirs")).to_contain_text("scatters.")
    page.get_by_role("button", name="Paint").click()
    expect(page.locator(".canvas img")).to_be_visible()
    expect(page.locator(".tiles img").first).to_be_visible()
    assert barriers(page) == []


def test_text_grows_on_the_page(page: Page, upstream: ScriptedUpstream) -> None:
    upstream.words, upstream.pace = WORDS[:40], 0.03
    page.get_by_role("button", name="Ask").click()
    answer = page.locator("[data-answer]")
    expect(answer).to_contain_text("word3")
    assert "word39" not in answer.inner_text()
    expect(answer).to_have_attribute("aria-busy", "true")
    expect(answer).to_contain_text("word39")
    expect(answer).to_have_attribute("aria-busy", "false")


def test_a_chat_is_stopped_and_goes_on(page: Page, site: Site, upstream: ScriptedUpstream) -> None:
    upstream.words, upstream.pace = WORDS, 0.05
    chat = page.get_by_role("region", name="A conversation")
    chat.get_by_label("Message").fill("Tell me a long story")
    chat.get_by_role("button", name="Send").click()
    expect(chat.locator(".theirs")).to_contain_text("word3")
    assert open_requests(site) == 2  # the feed and the chat
    chat.get_by_role("button", name="Stop").click()
    assert eventually(lambda: open_requests(site) == 1, 5)
    said = chat.locator(".theirs").inner_text()
    assert "word399" not in said
    upstream.words, upstream.pace = ["And ", "so ", "on."], 0.0
    chat.get_by_label("Message").fill("Go on")
    chat.get_by_label("Message").press("Enter")
    expect(chat.locator(".theirs").nth(1)).to_contain_text("And so on.")
    assert chat.locator(".theirs").first.inner_text() == said
    assert [message["role"] for message in upstream.calls[-1].body["messages"]] == ["user", "assistant", "user"]


def test_nothing_stays_open_when_it_is_unmounted_in_the_middle(
    page: Page, site: Site, upstream: ScriptedUpstream
) -> None:
    upstream.words, upstream.pace = WORDS, 0.05
    page.get_by_role("button", name="Ask").click()
    chat = page.get_by_role("region", name="A conversation")
    chat.get_by_label("Message").fill("Tell me another long story")
    chat.get_by_role("button", name="Send").click()
    expect(page.locator("[data-answer]")).to_contain_text("word2")
    expect(chat.locator(".theirs")).to_contain_text("word2")
    assert open_requests(site) == 3
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")
    assert eventually(lambda: open_requests(site) == 0, 5)
    assert eventually(lambda: upstream.open == 0, 5)
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow'))")
    expect(page.locator("[data-state]")).to_have_attribute("data-state", "live")


def test_a_feed_that_was_paused_shows_what_it_missed(page: Page, site: Site) -> None:
    page.get_by_role("button", name="Pause").click()
    assert eventually(lambda: open_requests(site) == 0, 5)
    assert site.ask("/image/prompt/a%20windmill?width=256&height=256").status == 200
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".tiles").get_by_alt_text("a windmill")).to_be_visible()
