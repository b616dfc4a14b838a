"""The live wall in a real browser, before an upstream that resets, sends junk and means harm."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import Error, Page, expect

from tests.e2e.barriers import barriers
from tests.e2e.conftest import DESIGN
from tests.e2e.people import sign_up
from tests.e2e.pictures import paint
from tests.feeds.feedserver import picture
from tests.site import ROOT, Site

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

GOOD = 12  # items of the upstream; more connections than that repeat all of them
EVIL = "<script>window.harmed = 1</script><img src=x onerror='window.harmed = 1'>"
SCREENS = {"phone": (360, 740), "laptop": (1280, 900), "4k": (3840, 2160)}


class Upstream:
    """A feed that is reset every three seconds, tells everything again each time, and junk in between."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._server.getsockname()[1]}/image/feed"
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._play, args=(client, self.connections), daemon=True).start()

    def _play(self, client: socket.socket, number: int) -> None:
        try:
            client.recv(65536)
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
            for said in [{"prompt": "x" * 5 * 2**20}, {"imageURL": "javascript:window.harmed=1"}, {"width": "wide"}]:
                client.sendall(b"data: " + json.dumps(picture(**said)).encode() + b"\n\n")
            client.sendall(b"data: no JSON\n\n\xff\xfe\n\ndata\n\n")
            for n in range(min(GOOD, number * 4)):
                client.sendall(b"data: " + json.dumps(picture(n, prompt=f"good {n:02} {EVIL}")).encode() + b"\n\n")
            time.sleep(3)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset, no farewell
        except OSError:
            pass
        finally:
            client.close()

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def followed(tmp_path, request) -> Iterator[tuple[Site, Upstream]]:
    upstream = Upstream()
    pictures = getattr(request, "param", "none")  # they are nowhere
    (tmp_path / "pollweb.toml").write_text(DESIGN + f'[feeds]\npictures = "{pictures}"\n')
    site = Site(tmp_path, "--port", "0", "--follow", upstream.address).ready()
    yield site, upstream
    site.stop()
    upstream.close()


@pytest.fixture
def visit_at(browser) -> Iterator[Callable[..., Page]]:
    contexts = []

    def visit_at(site: Site, path: str, **options: object) -> Page:
        context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US", **options)
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.goto(site.address + path)
        return page

    yield visit_at
    for context in contexts:
        context.close()


def retract(site: Site, public_id: str) -> None:
    """Withdraw an item, and come back once that is told."""
    subprocess.run(
        [sys.executable, "manage.py", "shell", "-c", f"from feeds import outbox; outbox.retract({public_id!r})"],
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("POLLWEB_")},
            "POLLWEB_HOME": str(site.home),
            "POLLWEB_MODELS": "none",
            "DJANGO_SETTINGS_MODULE": "pollweb.settings",
        },
        cwd=ROOT,
        check=True,
        capture_output=True,
    )


def live(page: Page) -> None:
    expect(page.locator("[data-wall-state]")).to_have_attribute("data-state", "live")


def test_every_good_item_of_a_bad_upstream_is_shown_exactly_once_and_nothing_is_executed(followed, visit_at):
    site, upstream = followed
    page = visit_at(site, "/live?layout=stream&speed=all")
    live(page)
    tiles = page.locator(".cell .answer")
    expect(tiles).to_have_count(GOOD, timeout=60_000)
    while upstream.connections < 6:
        page.wait_for_timeout(200)
    page.wait_for_timeout(1500)
    said = sorted(tiles.all_text_contents())
    assert said == [f"good {n:02} {EVIL}" for n in range(GOOD)]
    assert page.evaluate("window.harmed") is None
    page.locator(".cell").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("<script>")
    assert page.evaluate("window.harmed") is None


@pytest.mark.parametrize("followed", ["thumbnails"], indirect=True)
def test_the_dialog_of_a_followed_feeds_item_shows_its_small_picture_its_source_and_a_way_to_make_one(
    followed, visit_at
):
    site, upstream = followed
    small = b'<svg xmlns="http://www.w3.org/2000/svg" width="640" height="480"><rect width="640" height="480"/></svg>'
    there = {"body": small, "content_type": "image/svg+xml"}

    def look(answer: Callable[[Any], None], tile: str) -> Page:
        page = visit_at(site, "/about")
        page.route("**/media/*/relayed", answer)
        page.goto(f"{site.address}/live")
        live(page)
        page.locator(tile).first.click()
        return page

    page = look(lambda route: route.fulfill(**there), ".cell.picture")
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".frame img")).to_be_visible()
    expect(dialog.locator(".whence")).to_have_text(urlsplit(upstream.address).netloc)
    assert dialog.get_by_role("link", name="Make one like it").get_attribute("href").startswith("/create?mode=image")
    assert barriers(page) == []
    dialog = look(lambda route: route.abort(), ".cell.words").get_by_role("dialog")
    expect(dialog.locator(".asked .prompt")).to_be_visible()
    expect(dialog.locator(".frame img")).to_be_hidden()


def test_a_removed_item_leaves_two_browsers_within_a_second(site, visit):
    pages = [visit("/live"), visit("/live?layout=spotlight")]
    for page in pages:
        live(page)
    public_id = paint(site, "soon regretted", seed=77)
    for page in pages:
        expect(page.get_by_alt_text("soon regretted")).to_be_visible()
    retract(site, public_id)
    began = time.monotonic()
    for page in pages:
        expect(page.get_by_alt_text("soon regretted")).to_have_count(0, timeout=1000)
    assert time.monotonic() - began < 1


def test_a_wall_that_was_cut_off_loses_nothing_that_is_still_replayed(tmp_path, visit_at):
    (tmp_path / "pollweb.toml").write_text(DESIGN)
    site = Site(tmp_path).ready()
    try:
        page = visit_at(site, "/live?layout=stream&speed=all")
        live(page)
        page.context.set_offline(True)
        page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")
        for n in range(10):
            paint(site, f"missed {n}", seed=n)
        page.context.set_offline(False)
        page.evaluate("dispatchEvent(new Event('online'))")
        for n in range(10):
            expect(page.get_by_alt_text(f"missed {n}", exact=True)).to_have_count(1)
        expect(page.locator("[data-wall-missed]")).to_be_hidden()
    finally:
        site.stop()


class Wire:
    """A way to a site that can be cut and mended: all connections of browsers go through it."""

    def __init__(self, site: Site) -> None:
        self._there = ("127.0.0.1", site.run["port"])
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._there)
            self._open += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    @staticmethod
    def _carry(one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(65536):
                other.sendall(data)
        except OSError:
            pass
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        for each in [self._listener, *self._open]:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._open.clear()

    def mend(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()


@pytest.mark.parametrize("layout", ["stream", "mosaic"])
def test_a_server_that_is_away_for_twenty_seconds_loses_nothing_that_is_still_replayed(site, visit_at, layout):
    wire = Wire(site)
    try:
        page = visit_at(wire, f"/live?layout={layout}&speed=all&density=dense")
        live(page)
        shown = paint(site, f"before {layout}", seed=1)
        expect(page.get_by_alt_text(f"before {layout}")).to_have_count(1)
        wire.cut()
        expect(page.locator("[data-wall-state]")).to_have_attribute("data-state", "waiting")
        began = time.monotonic()
        for n in range(10):
            paint(site, f"away {layout} {n}", seed=n)
        retract(site, shown)
        page.wait_for_timeout(max(0, 20 - (time.monotonic() - began)) * 1000)
        wire.mend()
        for n in range(10):
            expect(page.get_by_alt_text(f"away {layout} {n}", exact=True)).to_have_count(1, timeout=60_000)
        live(page)
        expect(page.get_by_alt_text(f"before {layout}")).to_have_count(0)
        expect(page.locator("[data-wall-missed]")).to_be_hidden()
    finally:
        wire.cut()


@pytest.mark.parametrize("seconds", [30, pytest.param(600, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def test_two_hundred_items_a_minute_keep_the_page_small(site, visit, seconds):
    page = visit("/live?speed=all&density=dense")
    live(page)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    end = time.monotonic() + seconds
    n = 0
    while time.monotonic() < end:
        began = time.monotonic()
        site.ask(f"/image/prompt/{quote(f'rush {n}')}?width=256&height=256&seed={n}")
        n += 1
        page.wait_for_timeout(max(0, 300 - (time.monotonic() - began) * 1000))
    assert page.locator(".cell").count() <= 120
    figures = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    assert figures["JSHeapUsedSize"] < 150 * 2**20
    assert figures["Nodes"] < 20_000


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("layout", ["mosaic", "stream", "spotlight"])
def test_each_layout_fills_each_screen_and_axe_finds_nothing(site, visit, layout, screen):
    for n in range(3):
        paint(site, f"filler {layout} {screen} {n}", seed=n)
    width, height = SCREENS[screen]
    page = visit(f"/live?layout={layout}", viewport={"width": width, "height": height})
    live(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight + 60")
    assert barriers(page) == []
    if layout == "mosaic":
        assert page.evaluate(HOLES) == 0


# Cells of the grid that no tile covers.
HOLES = """() => {
  const stage = document.querySelector("[data-wall-stage]");
  const style = getComputedStyle(stage);
  const cells = style.gridTemplateColumns.split(" ").length * style.gridTemplateRows.split(" ").length;
  const sizes = { one: 1, wide: 2, tall: 2, big: 4 };
  return cells - [...stage.children].reduce((sum, tile) => sum + (tile.inert ? 0 : sizes[tile.dataset.shape]), 0);
}"""


@pytest.mark.parametrize(("screen", "theme"), [("phone", "dark"), ("laptop", "light"), ("4k", "dark")])
@pytest.mark.parametrize("layout", ["mosaic", "stream", "spotlight"])
def test_axe_finds_nothing_on_a_kiosk(site, visit, layout, screen, theme):
    width, height = SCREENS[screen]
    look = f"layout={layout}&theme={theme}&qr=wall&title=Demo&captions=1"
    page = visit(f"/live/kiosk?{look}", viewport={"width": width, "height": height})
    live(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert barriers(page) == []


def test_choices_hold_at_once_and_are_remembered(site, visit):
    paint(site, "a quiet lake", seed=5)
    page = visit("/live")
    live(page)
    assert page.evaluate(
        "document.querySelector('main').querySelector('button, a, input').matches('[data-wall-pause]')"
    )
    page.get_by_role("button", name="Choices").click()
    page.get_by_label("Mute these words").fill("lake")
    page.get_by_label("Mute these words").press("Enter")
    expect(page.get_by_alt_text("a quiet lake")).to_have_count(0)
    page.locator("label", has_text="Stream").last.click()
    expect(page.locator("[data-wall]")).to_have_attribute("data-layout", "stream")
    page.reload()
    live(page)
    expect(page.locator("[data-wall]")).to_have_attribute("data-layout", "stream")
    expect(page.get_by_alt_text("a quiet lake")).to_have_count(0)
    assert "mute=lake" in page.locator("[data-wall-kiosk]").get_attribute("href")


def becomes(page: Page, script: str) -> None:
    """Wait until a script says something true, over pages that are loaded anew meanwhile."""

    def holds() -> bool:
        with contextlib.suppress(Error):
            return bool(page.evaluate(script))
        return False

    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end, script
        page.wait_for_timeout(200)


def test_a_screen_is_reloaded_changed_and_darkened_from_its_teams_page(site, visit_at):
    team = visit_at(site, "/about")
    sign_up(team, site, "olive@example.com")
    team.goto(f"{site.address}/t/olive/walls")
    team.get_by_label("Name").fill("Canteen")
    team.get_by_role("button", name="Make it").click()
    team.get_by_role("link", name="Add a screen").click()
    team.get_by_label("Name").fill("Door")
    team.get_by_role("button", name="Add it").click()
    screen = visit_at(site, team.locator("#address").inner_text().removeprefix(site.address))
    live(screen)
    screen.evaluate("window.old = true")
    team.get_by_role("link", name="I have copied it").click()
    team.get_by_role("button", name="Reload Door").click()
    becomes(screen, "!window.old")
    team.get_by_role("link", name="Door").click()
    team.get_by_label("Stream").check()
    team.get_by_role("button", name="Save").click()
    becomes(screen, "document.querySelector('[data-wall]').dataset.layout === 'stream'")
    team.get_by_role("link", name="Door").click()
    team.get_by_role("button", name="New key").click()
    becomes(screen, "document.body.innerText.includes('does not hold any more')")


def test_a_wall_of_a_collection_follows_what_is_put_into_it_and_taken_out(site, visit_at):
    own, other = paint(site, "a heron in the reeds", seed=31), paint(site, "a heron in the rain", seed=32)
    person = visit_at(site, "/about")
    sign_up(person, site, "hera@example.com")
    person.goto(f"{site.address}/collections")
    person.get_by_label("Title").fill("Herons")
    person.get_by_label("Who may see it").select_option("unlisted")
    person.get_by_role("button", name="Create collection").click()
    person.wait_for_url("**/c/*")
    collection = person.url

    def put_in(public_id: str) -> None:
        person.goto(f"{site.address}/p/{public_id}/collections")
        person.get_by_label("Herons").check()
        person.get_by_role("button", name="Save").click()
        person.wait_for_url(f"**/p/{public_id}")

    put_in(own)
    person.goto(f"{site.address}/t/hera/walls")
    person.get_by_label("Name").fill("Herons")
    person.get_by_label("Only the collection “Herons”").check()
    person.get_by_role("button", name="Make it").click()
    wall = visit_at(site, person.locator("#address").inner_text().removeprefix(site.address) + "?speed=all")
    live(wall)
    expect(wall.locator(".cell")).to_have_count(1)
    put_in(other)
    expect(wall.locator(f'.cell[href="/p/{other}"]')).to_be_visible(timeout=20_000)
    paint(site, "no heron at all", seed=33)
    person.goto(f"{collection}?edit=1")
    person.get_by_role("button", name="Take out").last.click()
    expect(wall.locator(f'.cell[href="/p/{own}"]')).to_have_count(0, timeout=20_000)
    expect(wall.locator(".cell")).to_have_count(1)
    # Away for a while, it finds out what has gone meanwhile.
    wall.context.set_offline(True)
    wall.evaluate("window.dispatchEvent(new Event('pagehide'))")
    person.goto(f"{collection}?edit=1")
    person.get_by_role("button", name="Take out").click()
    person.wait_for_url("**/c/*")
    wall.context.set_offline(False)
    expect(wall.locator(".cell")).to_have_count(0, timeout=30_000)
