"""What a first visit costs a phone: `python -m bench views`.

Starts an installation of its own, fills it with `manage.py demo` (POLLWEB_BENCH_ITEMS results, 40), and opens its pages
in Chromium as a mid-range phone on a mobile network, each time with an empty cache. For each page it prints what the
first view brings before anybody scrolls, the scripts in it, the largest contentful paint and the layout shift. Pictures
and fonts count; what is larger than its promise is marked.
"""

import os
import statistics
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.installation import installation
from bench.measure import table

ITEMS = int(os.environ.get("POLLWEB_BENCH_ITEMS", "40"))
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
# A phone of the middle, as Lighthouse has it: 360 × 780 points, a quarter of this processor, a slow 4G.
PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 780}, "device_scale_factor": 2, "is_mobile": True}
SLOWER = 4
NETWORK = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 0.75e6 / 8}
CALM = 1_500  # milliseconds without a request after which a view is there
KB = 1_000
# What is promised of a first view.
BYTES, SCRIPTS, SCRIPTS_OF_EXPLORE, PAINT, SHIFT = 450 * KB, 45 * KB, 25 * KB, 2.0, 0.02

WATCH = """
window.seen = { paint: 0, shift: 0 };
new PerformanceObserver((list) => { for (const each of list.getEntries()) seen.paint = each.startTime; })
  .observe({ type: "largest-contentful-paint", buffered: true });
new PerformanceObserver((list) => { for (const each of list.getEntries()) seen.shift += each.value; })
  .observe({ type: "layout-shift", buffered: true });
"""


@dataclass
class View:
    """One visit. `bytes` are what came over the network, with headers; `scripts` those of scripts, without."""

    bytes: int = 0
    scripts: int = 0
    requests: int = 0
    paint: float = 0.0  # seconds
    shift: float = 0.0
    kinds: dict[str, str] = field(default_factory=dict)  # of what, by the request's id


def visit(browser: Any, address: str) -> View:
    """Open it once, in a new profile, and wait until nothing comes any more."""
    view = View()
    context = browser.new_context(**PHONE, locale="en-US")
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", NETWORK)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})

    def part(event: dict[str, Any]) -> None:
        view.scripts += int(event["encodedDataLength"]) if view.kinds.get(event["requestId"]) == "Script" else 0

    def came(event: dict[str, Any]) -> None:
        view.bytes += int(event["encodedDataLength"])
        view.requests += 1

    session.on("Network.responseReceived", lambda event: view.kinds.update({event["requestId"]: event["type"]}))
    session.on("Network.dataReceived", part)
    session.on("Network.loadingFinished", came)
    page.add_init_script(WATCH)
    page.goto(address, wait_until="load", timeout=60_000)
    requests = -1
    while requests != view.requests:
        requests = view.requests
        page.wait_for_timeout(CALM)
    seen = page.evaluate("seen")
    view.paint, view.shift = seen["paint"] / 1000, seen["shift"]
    context.close()
    return view


def _held(value: float, promise: float, words: str) -> str:
    return words if value <= promise else f"{words} !"


def _row(browser: Any, name: str, address: str, repeat: int) -> tuple[str, ...]:
    visit(browser, address)  # the server's first time is not the phone's
    views = [visit(browser, address) for _ in range(repeat)]
    size, scripts, requests, paint, shift = (
        statistics.median(getattr(view, each) for view in views)
        for each in ("bytes", "scripts", "requests", "paint", "shift")
    )
    return (
        name,
        f"{requests:.0f}",
        _held(size, BYTES, f"{size / KB:.0f}"),
        _held(scripts, SCRIPTS_OF_EXPLORE if name == "explore" else SCRIPTS, f"{scripts / KB:.1f}"),
        _held(paint, PAINT, f"{paint:.2f}"),
        _held(shift, SHIFT, f"{shift:.3f}"),
    )


def compare(seconds: int, repeat: int) -> None:
    """The median of `repeat` visits to each page; `seconds` is not used, since a visit takes what it takes."""
    from playwright.sync_api import sync_playwright

    with (
        tempfile.TemporaryDirectory(prefix="pollweb-bench-") as home,
        installation(Path(home) / "home") as site,
        sync_playwright() as playwright,
    ):
        site.manage("demo", "--items", str(ITEMS))
        address = site.address
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page()
        page.goto(f"{address}/?kind=image")
        item = page.locator(".tile").first.get_attribute("href")
        page.close()
        pages = {"explore": "/", "item": item, "create": "/create", "search": "/search?q=snow", "docs": "/docs"}
        rows = [_row(browser, name, f"{address}{path}", repeat) for name, path in pages.items()]
        browser.close()
    table(
        f"A phone's first view, {ITEMS} results; promised: {BYTES // KB} kB, scripts {SCRIPTS // KB} kB "
        f"({SCRIPTS_OF_EXPLORE // KB} kB on explore), LCP {PAINT} s, CLS {SHIFT}",
        ("page", "requests", "kB", "scripts kB", "LCP s", "CLS"),
        rows,
    )
