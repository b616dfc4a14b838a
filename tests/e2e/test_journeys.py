"""What a visitor does, in a real browser against a whole installation."""

import re
import threading
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

ITEM = re.compile(r"/p/[\w-]{22}$")
JOB = re.compile(r"/jobs/[\w-]{22}$")


def paint(site, prompt: str, **values: int) -> None:
    """Ask the image API for a public picture."""
    query = "&".join(f"{name}={value}" for name, value in {"width": 256, "height": 256, **values}.items())
    assert site.ask(f"/image/prompt/{quote(prompt)}?{query}").status == 200


def test_what_is_made_appears_on_the_wall_without_a_reload(site, visit):
    page = visit("/live")
    expect(page.locator("[data-wall-state]")).to_have_attribute("data-state", "live")
    page.evaluate("window.neverReloaded = true")
    paint(site, "three red boats on a lake", seed=11)
    tile = page.locator(".cell", has=page.get_by_alt_text("three red boats on a lake"))
    expect(tile).to_be_visible()
    assert tile.locator("img").evaluate("image => image.naturalWidth") == 256
    assert page.evaluate("window.neverReloaded")
    tile.click()
    expect(page.get_by_role("dialog").locator("#prompt")).to_have_text("three red boats on a lake")
    expect(page.locator("[data-wall-pause]")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Escape")
    expect(page.locator("[data-wall-pause]")).to_have_attribute("aria-pressed", "false")


def test_a_paused_wall_keeps_what_comes_until_it_goes_on(site, visit):
    page = visit("/live")
    expect(page.locator("[data-wall-state]")).to_have_attribute("data-state", "live")
    page.keyboard.press("Space")
    expect(page.locator("[data-wall-state-label]")).to_have_text(re.compile("Paused"))
    paint(site, "a green hill under the moon", seed=12)
    expect(page.locator("[data-wall-state-label]")).to_have_text("Paused · 1 waiting")
    expect(page.get_by_alt_text("a green hill under the moon")).to_have_count(0)
    page.keyboard.press("Space")
    expect(page.get_by_alt_text("a green hill under the moon")).to_be_visible()


def test_a_wall_that_was_cut_off_shows_what_it_missed(site, visit):
    page = visit("/live")
    expect(page.locator("[data-wall-state]")).to_have_attribute("data-state", "live")
    page.context.set_offline(True)
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")
    paint(site, "a lighthouse in the fog", seed=13)
    page.context.set_offline(False)
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.get_by_alt_text("a lighthouse in the fog")).to_be_visible()


def test_a_picture_is_made_looked_at_and_made_again(visit):
    page = visit("/")
    page.get_by_role("navigation", name="Sections").get_by_role("link", name="Create").click()
    page.get_by_label("Prompt").fill("two yellow houses in a valley")
    page.get_by_text("16:9", exact=True).click()
    expect(page.get_by_label("Width in pixels")).to_have_value("1280")
    expect(page.locator("#code pre").first).to_contain_text("two%20yellow%20houses")
    page.keyboard.press("Tab")
    page.get_by_label("Prompt").press("Control+Enter")
    expect(page).to_have_url(ITEM)
    assert page.locator(".frame img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 1280
    expect(page.locator("#prompt")).to_have_text("two yellow houses in a valley")
    seed = page.locator(".settings div", has_text="Seed").locator("dd").inner_text()
    page.get_by_role("button", name="Remix").click()
    page.get_by_role("link", name="Use prompt and settings").click()
    expect(page.get_by_label("Prompt")).to_have_value("two yellow houses in a valley")
    expect(page.get_by_label("Seed")).to_have_value(seed)


def test_everything_works_without_scripts(visit):
    page = visit("/create", java_script_enabled=False)
    page.get_by_label("Prompt").fill("a snowy forest at night")
    page.get_by_role("button", name="Create").click()
    page.wait_for_url(ITEM)
    expect(page.locator("#prompt")).to_have_text("a snowy forest at night")
    expect(page.locator("summary", has_text="cURL")).to_be_visible()
    page.get_by_role("link", name="Explore").first.click()
    expect(page.get_by_alt_text("Generated image: a snowy forest at night")).to_be_visible()
    page.get_by_role("link", name="Live").first.click()
    expect(page.get_by_alt_text("a snowy forest at night")).to_be_visible()


def test_a_private_picture_is_seen_by_its_maker_alone(site, visit):
    page = visit("/create")
    page.get_by_label("Prompt").fill("a secret garden")
    page.get_by_label("Show in the public gallery").uncheck()
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_text("Only this browser can open this page")).to_be_visible()
    expect(page).to_have_url(JOB)
    assert page.locator(".frame img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 1024
    path = page.url.removeprefix(site.address)
    assert site.ask(path).status == 404
    assert site.ask(f"{path}/media").status == 404
    assert b"secret garden" not in site.ask("/").body
    page.goto(f"{site.address}/create")
    expect(page.get_by_alt_text("Generated image: a secret garden")).to_be_visible()


def test_scrolling_adds_the_next_page_and_the_footer_can_be_reached(site, visit):
    threads = [threading.Thread(target=paint, args=(site, f"hill {n}"), kwargs={"seed": n}) for n in range(70)]
    for start in range(0, len(threads), 7):
        for thread in threads[start : start + 7]:
            thread.start()
        for thread in threads[start : start + 7]:
            thread.join()
    page = visit("/")
    tiles = page.locator(".rows > li")
    before = tiles.count()
    assert before == 60
    page.mouse.wheel(0, 40_000)
    expect(page.locator(".gallery-page")).to_have_count(2)
    addresses = page.locator(".tile").evaluate_all("tiles => tiles.map(tile => tile.href)")
    assert len(addresses) == len(set(addresses)) >= 70
    page.mouse.wheel(0, 40_000)
    expect(page.get_by_role("contentinfo")).to_be_in_viewport()


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/create", "/create?mode=text", "/create?mode=speech", "/live", "/?kind=audio"])
def test_no_page_scrolls_sideways_or_complains(visit, path, scheme, width):
    page = visit(path, color_scheme=scheme, viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_theme_and_language_are_chosen_and_kept(visit):
    page = visit("/", color_scheme="light")
    page.get_by_role("button", name="Dark theme").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="简体中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-hans")
    page.get_by_role("link", name="创作").first.click()
    expect(page.get_by_role("heading", name="创作")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
