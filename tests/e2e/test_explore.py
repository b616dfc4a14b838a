"""The gallery by pointer and by keyboard: tile, dialog, on through the grid, back to the place, a remix."""

import re
import threading
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

ITEM = re.compile(r"/p/[\w-]{22}$")


@pytest.fixture(scope="module")
def painted(site) -> None:
    """At least 78 public pictures, of several shapes."""

    def paint(n: int) -> None:
        width, height = ((320, 320), (480, 320), (320, 480))[n % 3]
        query = f"width={width}&height={height}&seed={n}"
        assert site.ask(f"/image/prompt/{quote(f'a tree on hill {n}')}?{query}").status == 200

    for start in range(0, 78, 6):
        threads = [threading.Thread(target=paint, args=(n,)) for n in range(start, start + 6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


REMEMBERED = """() => {
  const at = history.state?.at;
  const tile = at && document.querySelector(`a.tile[href="${CSS.escape(at.path)}"]`);
  return tile && Math.abs(tile.getBoundingClientRect().top - at.top) < 2;
}"""


def focused(page: Page) -> str | None:
    return page.evaluate("document.activeElement.getAttribute('href')")


def complaints(page: Page) -> list[str]:
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]})
    return [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found.response["violations"]]


def test_a_tile_opens_over_the_gallery_under_its_own_address(painted, visit):
    page = visit("/")
    page.evaluate("window.neverReloaded = true")
    tile = page.locator(".tile").nth(2)
    address = tile.get_attribute("href")
    title = page.title()
    tile.click()
    dialog = page.get_by_role("dialog", name="Item")
    expect(dialog.locator(".result")).to_be_visible()
    assert page.url.endswith(address)
    assert page.title() != title
    page.go_back()
    expect(dialog).to_be_hidden()
    assert page.url.endswith("/")
    expect(page).to_have_title(title)
    page.go_forward()
    expect(dialog.locator(".result")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page).to_have_url(re.compile("/$"))
    assert focused(page) == address
    assert page.evaluate("window.neverReloaded")


def test_the_dialog_goes_on_through_the_grid_and_one_step_back_leaves_it(painted, visit):
    page = visit("/")
    addresses = page.locator(".tile").evaluate_all("tiles => tiles.map(tile => tile.getAttribute('href'))")
    page.locator(".tile").first.click()
    dialog = page.get_by_role("dialog", name="Item")
    expect(dialog.locator(".result")).to_be_visible()
    expect(dialog.get_by_role("button", name="The one before")).to_be_hidden()
    for address in addresses[1:3]:
        page.keyboard.press("ArrowRight")
        expect(page).to_have_url(re.compile(re.escape(address) + "$"))
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile(re.escape(addresses[1]) + "$"))
    page.go_back()
    expect(dialog).to_be_hidden()
    expect(page).to_have_url(re.compile("/$"))


def test_an_address_opened_by_itself_is_a_page_and_so_is_a_reloaded_dialog(painted, visit):
    page = visit("/")
    page.locator(".tile").first.click()
    expect(page.get_by_role("dialog", name="Item").locator(".result")).to_be_visible()
    page.reload()
    expect(page.locator("main > .result")).to_be_visible()
    page.go_back()
    expect(page.locator(".rows .tile").first).to_be_visible()
    expect(page).to_have_url(re.compile("/$"))


def test_by_keyboard_alone_from_the_gallery_to_a_remix_and_a_new_picture(painted, visit):
    page = visit("/")
    page.keyboard.press("ArrowRight")
    first = focused(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    below = page.locator(":focus").bounding_box()
    page.keyboard.press("ArrowUp")
    above = page.locator(":focus").bounding_box()
    assert below is not None
    assert above is not None
    assert below["y"] >= above["y"] + above["height"] - 4
    page.keyboard.press("Home")
    assert focused(page) == first
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Item")
    expect(dialog.locator(".result")).to_be_visible()
    words = dialog.locator("#prompt").inner_text()
    page.keyboard.press("r")
    expect(dialog.locator("#remix-menu")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_contain_text("Vary")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/create"))
    prompt = page.get_by_label("Prompt", exact=True)
    expect(prompt).to_have_value(words)
    prompt.press("Control+Enter")
    expect(page).to_have_url(ITEM)


def test_the_keys_of_a_page_are_listed_and_can_be_turned_off(painted, visit):
    page = visit("/")
    page.locator(".tile").first.click()
    dialog = page.get_by_role("dialog", name="Item")
    expect(dialog.locator(".result")).to_be_visible()
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys of this page")
    expect(keys).to_contain_text("Remix")
    keys.get_by_label("Turn single keys off").check()
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    expect(dialog.locator("#remix-menu")).to_be_hidden()


SHORT_ROWS = """() => {
  const column = document.querySelector(".rows").getBoundingClientRect();
  const ends = new Map();
  for (const tile of document.querySelectorAll(".rows > li")) {
    const { top, right } = tile.getBoundingClientRect();
    ends.set(Math.round(top), right);
  }
  return [...ends.values()].slice(0, -1).filter((right) => Math.abs(right - column.right) > 1);
}"""


@pytest.mark.parametrize("width", [360, 640, 1280])
def test_rows_are_filled_to_the_edge_even_by_one_tall_picture(painted, visit, width):
    page = visit("/")
    page.set_viewport_size({"width": width, "height": 780})
    # A tall one between two wide ones has a row of its own on a phone.
    page.evaluate(
        "[...document.querySelectorAll('.rows > li')].forEach((tile, n) => tile.dataset.ar = n % 2 ? 220 : 65)"
    )
    assert page.evaluate(SHORT_ROWS) == []


def test_a_picture_is_looked_at_in_full_size_without_leaving_its_page(painted, visit):
    page = visit("/")
    page.goto(page.locator(".tile").first.evaluate("tile => tile.href"))
    page.keyboard.press("z")
    expect(page.locator(".frame.zoomed")).to_be_visible()
    page.locator(".frame").click()
    expect(page.locator(".frame.zoomed")).to_have_count(0)


def test_back_from_elsewhere_finds_the_place_in_a_long_list(painted, visit):
    page = visit("/")
    page.mouse.wheel(0, 40_000)
    expect(page.locator(".gallery-page")).to_have_count(2)
    tile = page.locator(".gallery-page").nth(1).locator(".tile").nth(2)
    tile.evaluate("tile => tile.scrollIntoView({ block: 'start', behavior: 'instant' })")
    expect(page).to_have_url(re.compile("after="))
    page.wait_for_function(REMEMBERED)  # the wheel may still be rolling out
    address = tile.get_attribute("href")
    place = tile.bounding_box()
    page.goto(page.url.partition("/?")[0] + "/models")
    page.go_back()
    again = page.locator(f'.tile[href="{address}"]')
    expect(again).to_be_in_viewport()
    found = again.bounding_box()
    assert place is not None
    assert found is not None
    assert abs(found["y"] - place["y"]) < 300


def test_what_is_new_waits_above_the_grid_until_it_is_asked_for(site, painted, visit):
    page = visit("/")
    first = page.locator(".tile").first.get_attribute("href")
    assert site.ask(f"/image/prompt/{quote('a new tree')}?width=320&height=320&seed=7001").status == 200
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    pill = page.get_by_role("link", name=re.compile("1 new"))
    expect(pill).to_be_visible()
    assert page.locator(".tile").first.get_attribute("href") == first
    pill.click()
    expect(page.locator(".tile").first.get_by_alt_text("Generated image: a new tree")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_gallery_dialog_menu_and_page_are_accessible(painted, visit, scheme):
    page = visit("/", color_scheme=scheme, reduced_motion="reduce")
    assert complaints(page) == []
    page.locator(".tile").first.click()
    dialog = page.get_by_role("dialog", name="Item")
    expect(dialog.locator(".result")).to_be_visible()
    assert complaints(page) == []
    dialog.get_by_role("button", name="Share").click()
    expect(page.locator("#share-menu")).to_be_visible()
    assert complaints(page) == []
    page.reload()
    expect(page.locator("main > .result")).to_be_visible()
    assert complaints(page) == []
