"""A whole installation with the scene painter, and a real Chromium that must not say anything on its console."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.site import Site

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
PATIENCE = 20_000  # milliseconds

# Nobody waits for a turn here: the line has tests of its own.
DESIGN = """
[tiers.anonymous]
interval = 0
concurrency = 8
models = "basic"
"""


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home: Path = tmp_path_factory.mktemp("site")
    (home / "pollweb.toml").write_text(DESIGN)
    site = Site(home).ready()
    yield site
    site.stop()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """While one is there an event loop runs in this thread, and tests of other folders can have none of their own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=FLAGS
        )
        yield browser
        browser.close()


@pytest.fixture
def visit(site: Site, browser: Browser) -> Iterator[Callable[..., Page]]:
    """`visit(path, **context)`: the page, opened in a new browser profile. At the end no console may have spoken."""
    contexts, said = [], []

    def visit(path: str, **options: object) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, "locale": "en-US", **options})
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: said.append(request.url) if site.address not in request.url else None)
        page.goto(site.address + path)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert [
        words for words in said if not words.startswith(("data:", "blob:", site.address.replace("http", "ws")))
    ] == []


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Whatever stands in this folder needs a browser, which `make test` does not. What is slow there takes minutes: it
    runs only where both are asked for, `-m "e2e and slow"`."""
    asked = config.getoption("markexpr")
    asks_for_slow = "e2e" in asked and "slow" in asked
    kept, left = [], []
    for item in items:
        here = Path(__file__).parent in item.path.parents
        if here:
            item.add_marker(pytest.mark.e2e)
        (left if here and not asks_for_slow and item.get_closest_marker("slow") else kept).append(item)
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = kept
