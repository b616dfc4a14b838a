"""What keeps people out of a page, as axe finds it."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

# Half-way between two colours a text has a contrast that nobody chose. What never ends, or goes with scrolling, is not
# waited for.
COME_TO_REST = """() => Promise.all(document.getAnimations()
    .filter(each => each.timeline === document.timeline)
    .filter(each => each.effect?.getComputedTiming().endTime !== Infinity)
    .map(each => each.finished.catch(() => {})))"""


def barriers(page: Page) -> list[str]:
    """One line for each rule that is broken, with the elements that break it. The page is looked at when it rests."""
    page.evaluate(COME_TO_REST)
    return [
        f"{rule['id']}: {' '.join(node['html'][:160] for node in rule['nodes'])}"
        for rule in Axe().run(page).response["violations"]
    ]
