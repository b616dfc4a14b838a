"""Making things and talking, in a real browser: by keyboard, stopped, left and found again; and nothing that is said or
asked is ever run."""

import asyncio
import io
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.e2e.barriers import barriers
from tests.e2e.payloads import PAYLOADS
from tests.site import Site
from tests.upstream import Call, ScriptedUpstream

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
vision = true
"""
SLOWLY = [f"word{number} " for number in range(600)]
ITEM = re.compile(r"/p/[\w-]{22}$")
PAINTED = 60_000  # milliseconds; an idle machine needs two seconds
JOB = re.compile(r"/jobs/[\w-]{22}$")


class Held(ScriptedUpstream):
    """Answers nothing while the gate is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()

    async def _answer(self, call: Call, writer: asyncio.StreamWriter) -> bool:
        while not self.gate.is_set():
            await asyncio.sleep(0.02)
        return await super()._answer(call, writer)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Held]:
    with Held() as running:
        yield running


@pytest.fixture(autouse=True)
def usual_words(upstream: Held) -> Iterator[None]:
    upstream.gate.set()
    upstream.words, upstream.pace = ["Blue ", "**light** ", "scatters."], 0.0
    yield
    upstream.gate.set()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, upstream: Held) -> Iterator[Site]:
    home: Path = tmp_path_factory.mktemp("making")
    (home / "pollweb.toml").write_text(DESIGN.format(address=upstream.url))
    running = Site(home).ready()
    yield running
    running.stop()


def say(page: Page, words: str) -> None:
    page.get_by_label("Message", exact=True).fill(words)
    page.keyboard.press("Enter")


def ask_and_wait(page: Page, upstream: Held) -> None:
    """Begin an answer that is not made before the gate is opened."""
    upstream.gate.clear()
    page.get_by_label("Question").fill("What did I ask?")
    page.get_by_label("Show in the public gallery").uncheck()
    page.get_by_label("Question").press("Control+Enter")
    expect(page).to_have_url(JOB)
    expect(page.get_by_role("heading", name="Being made")).to_be_visible()


def test_a_picture_is_made_by_keyboard_alone(visit: Callable[..., Page]) -> None:
    page = visit("/create")
    expect(page.get_by_label("Prompt")).to_be_focused()
    page.keyboard.type("two green boats")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('button.main')"):
            break
    page.keyboard.press("Enter")
    expect(page).to_have_url(ITEM, timeout=PAINTED)
    expect(page.locator("#prompt")).to_have_text("two green boats")


def test_several_pictures_are_watched_until_they_are_there(visit: Callable[..., Page]) -> None:
    page = visit("/create")
    page.get_by_label("Prompt").fill("a red house")
    page.get_by_text("3", exact=True).click()
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_alt_text("Generated image: a red house")).to_have_count(3, timeout=PAINTED)


def test_a_job_is_cancelled_by_escape(visit: Callable[..., Page], upstream: Held) -> None:
    page = visit("/create?mode=text")
    ask_and_wait(page, upstream)
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Cancelled")).to_be_visible()


def said(upstream: Held) -> list[tuple[str, str]]:
    return [(message["role"], message["content"]) for message in upstream.calls[-1].body["messages"]]


def test_a_conversation_is_put_together_before_the_question(visit: Callable[..., Page], upstream: Held) -> None:
    page = visit("/create?mode=text")
    page.get_by_text("System message and conversation").click()
    page.get_by_label("Text of message 1").fill("Be brief.")
    page.get_by_role("button", name="Add a message").click()
    expect(page.get_by_label("Text of message 2")).to_be_focused()
    page.keyboard.type("Hello")
    expect(page.get_by_label("Role of message 2")).to_have_value("user")
    page.get_by_role("button", name="Add a message").click()
    page.keyboard.type("Not this one")
    page.get_by_role("button", name="Remove message 3").click()
    page.get_by_role("button", name="Move message 2 up").click()
    expect(page.get_by_role("button", name="Move message 1 down")).to_be_visible()
    expect(page.locator("#code")).to_contain_text("Be brief.")
    page.get_by_text("Tools", exact=True).click()
    page.get_by_label("Functions that the model may call").fill('[{"type": "function", "function": {"name": "look"}}]')
    page.get_by_label("Question").fill("And now?")
    page.get_by_label("Question").press("Control+Enter")
    expect(page).to_have_url(ITEM)
    assert said(upstream) == [("user", "Hello"), ("system", "Be brief."), ("user", "And now?")]
    assert upstream.calls[-1].body["tools"][0]["function"]["name"] == "look"


def test_a_conversation_is_put_together_without_scripts(visit: Callable[..., Page], upstream: Held) -> None:
    page = visit("/create?mode=text", java_script_enabled=False)
    page.get_by_text("System message and conversation").click()
    page.get_by_label("Text of message 1").fill("Be brief.")
    page.get_by_role("button", name="Add a message").click()
    page.get_by_label("Text of message 2").fill("Hello")
    page.get_by_role("button", name="Move message 2 up").click()
    expect(page.get_by_label("Text of message 1")).to_have_value("Hello")
    page.get_by_label("Question").fill("And now?")
    page.get_by_text("More settings").click()
    page.get_by_label("Temperature").fill("0.5")
    page.get_by_label("Temperature").press("Enter")  # sends the form, and moves nothing
    expect(page.locator(".markdown strong")).to_have_text("light", timeout=PAINTED)
    assert said(upstream) == [("user", "Hello"), ("system", "Be brief."), ("user", "And now?")]


def test_a_result_survives_a_closed_tab(visit: Callable[..., Page], site: Site, upstream: Held) -> None:
    page = visit("/create?mode=text")
    ask_and_wait(page, upstream)
    other = page.context.new_page()
    page.close()
    other.goto(f"{site.address}/jobs")
    tile = other.get_by_role("link", name=re.compile("What did I ask"))
    expect(tile).to_contain_text("Being made")
    upstream.gate.set()
    expect(tile.locator(".answer")).to_contain_text("scatters.")
    tile.click()
    expect(other.locator(".markdown")).to_contain_text("scatters.")


def test_a_job_without_a_socket_is_asked_about(visit: Callable[..., Page], upstream: Held) -> None:
    page = visit("/live")  # whose scripts are another's: the next page has none of its sockets
    page.add_init_script(
        "window.WebSocket = class extends EventTarget { constructor() { super(); "
        "setTimeout(() => this.dispatchEvent(new Event('close'))); } close() {} send() {} }"
    )
    page.goto(page.url.replace("/live", "/create?mode=text"))
    ask_and_wait(page, upstream)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="Cancelled")).to_be_visible()


def test_a_picture_is_chosen_dropped_away_and_fits_a_model_that_takes_it(visit: Callable[..., Page]) -> None:
    page = visit("/create")
    page.get_by_text("Start from a picture").click()
    picture = {"name": "a.png", "mimeType": "image/png", "buffer": png()}
    page.locator("#id_pictures").set_input_files(picture)
    expect(page.get_by_alt_text("a.png")).to_be_visible()
    expect(page.get_by_text("The chosen model paints from words only.")).to_be_visible()
    page.get_by_role("button", name="Use kontext").click()
    expect(page.get_by_text("The chosen model paints from words only.")).to_be_hidden()
    expect(page.locator("#code")).to_contain_text("image=@input.png")
    page.get_by_role("button", name="Remove: a.png").click()
    expect(page.locator("[data-previews] img")).to_have_count(0)
    page.locator("#id_pictures").set_input_files({"name": "a.txt", "mimeType": "text/plain", "buffer": b"no picture"})
    expect(page.get_by_text("That is no picture that can be read")).to_be_visible()


def test_before_and_after_are_compared_by_keyboard_and_by_pointer(visit: Callable[..., Page]) -> None:
    page = visit("/create")
    page.locator("#id_prompt").fill("an ink drawing")
    page.get_by_text("Start from a picture").click()
    page.locator("#id_pictures").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": png()})
    page.get_by_role("button", name="Use kontext").click()
    page.locator("[name=shape][value=own]").check(force=True)
    page.get_by_role("button", name="Create").click()
    stage, slider = page.locator("[data-compare]"), page.get_by_role("slider", name="Where the picture before ends")
    expect(stage).to_be_visible()
    slider.focus()
    slider.press("End")
    slider.press("ArrowLeft")
    expect(stage).to_have_css("--at", "99%")
    expect(slider).to_have_attribute("aria-valuetext", "99%")
    box = stage.bounding_box()
    assert box is not None
    stage.click(position={"x": box["width"] / 4, "y": box["height"] / 2})
    expect(stage).to_have_css("--at", "25%")
    clipped = "getComputedStyle(document.querySelector('.compare .before')).clipPath"
    assert page.evaluate(clipped) == "inset(0px 75% 0px 0px)"
    assert barriers(page) == []


def png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (40, 30), "tomato").save(file, "PNG")
    return file.getvalue()


# --- the chat ---------------------------------------------------------------------------------------------------------


def test_an_answer_is_streamed_and_the_conversation_kept(visit: Callable[..., Page], upstream: Held) -> None:
    page = visit("/chat")
    say(page, "Why is the sky blue?")
    expect(page.locator(".turn .markdown strong")).to_have_text("light")
    say(page, "And the sea?")
    expect(page.locator(".turn .markdown strong")).to_have_count(2)
    said = [message["content"] for message in upstream.calls[-1].body["messages"]]
    assert said == ["Why is the sky blue?", "Blue **light** scatters.", "And the sea?"]
    page.reload()
    expect(page.locator(".turn .markdown strong")).to_have_count(2)
    page.get_by_role("link", name="New conversation").click()
    expect(page.get_by_text("Ask something")).to_be_visible()
    expect(page.locator(".turn")).to_have_count(0)


def test_an_answer_is_stopped_and_asked_for_again(visit: Callable[..., Page], upstream: Held) -> None:
    upstream.words, upstream.pace = SLOWLY, 0.2
    page = visit("/chat")
    say(page, "Tell me a long story")
    expect(page.locator(".turn").last).to_contain_text("word1")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Stopped.")).to_be_visible()
    expect(page.locator(".turn").last).to_contain_text("word1")
    assert "word599" not in page.locator(".turn").last.inner_text()
    upstream.words, upstream.pace = ["Short."], 0.0
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".turn .markdown").last).to_have_text("Short.")
    expect(page.locator(".turn")).to_have_count(2)


def test_a_picture_is_shown_to_the_model(visit: Callable[..., Page], upstream: Held) -> None:
    page = visit("/chat")
    page.locator("[data-attach] summary").click()
    page.locator("#id_pictures").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": png()})
    say(page, "What is this?")
    expect(page.locator(".turn .markdown strong")).to_have_text("light")
    _words, picture = upstream.calls[-1].body["messages"][-1]["content"]
    assert picture["image_url"]["url"].startswith("data:image/png;base64,")


def test_a_conversation_works_without_scripts(visit: Callable[..., Page]) -> None:
    page = visit("/chat", java_script_enabled=False)
    page.get_by_label("Message", exact=True).fill("Why is the sky blue?")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".turn .markdown strong")).to_have_text("light")
    page.get_by_label("Message", exact=True).fill("And the sea?")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".turn .markdown strong")).to_have_count(2)


# --- what is said is never run ----------------------------------------------------------------------------------------


def test_no_payload_strikes_in_a_chat(visit: Callable[..., Page], upstream: Held) -> None:
    upstream.words = ["\n\n".join(PAYLOADS)]
    page = visit("/chat")
    say(page, "\n".join(PAYLOADS))
    expect(page.locator(".turn .markdown").last).to_contain_text("window.struck")
    page.reload()
    expect(page.locator(".turn .markdown").last).to_contain_text("window.struck")
    for link in page.locator(".turn a").all():
        assert not (link.get_attribute("href") or "").lower().startswith(("javascript:", "data:"))
    assert page.evaluate("window.struck") is None
    assert page.locator(".turn :is(script, iframe, svg:not(.icon), style, [onerror], [onload])").count() == 0


def test_no_payload_strikes_in_forms_jobs_and_results(visit: Callable[..., Page], site: Site, upstream: Held) -> None:
    upstream.words = ["\n\n".join(PAYLOADS)]
    page = visit("/create?mode=text")
    page.get_by_label("Question").fill("\n".join(PAYLOADS))
    page.get_by_label("Question").press("Control+Enter")
    expect(page).to_have_url(ITEM)
    expect(page.locator("#prompt")).to_contain_text("window.struck")
    assert page.evaluate("window.struck") is None
    for path in ("/jobs", "/create", f"/create?from={page.url.rpartition('/')[2]}"):
        page.goto(site.address + path)
        assert page.evaluate("window.struck") is None


# --- everybody can use it ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "path", ["/create", "/create?mode=text", "/create?mode=speech", "/create?mode=transcribe", "/jobs"]
)
def test_axe_finds_nothing_and_nothing_runs_out_of_the_screen(
    visit: Callable[..., Page], path: str, scheme: str
) -> None:
    page = visit(path, color_scheme=scheme, viewport={"width": 360, "height": 800})
    page.evaluate("document.querySelectorAll('details').forEach(each => (each.open = true))")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert barriers(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_a_conversation(visit: Callable[..., Page], scheme: str) -> None:
    page = visit("/chat", color_scheme=scheme, viewport={"width": 360, "height": 800})
    say(page, "Why is the sky blue?")
    expect(page.locator(".turn .markdown strong")).to_have_text("light")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert barriers(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_while_a_job_is_made(visit: Callable[..., Page], upstream: Held, scheme: str) -> None:
    page = visit("/create?mode=text", color_scheme=scheme)
    ask_and_wait(page, upstream)
    assert barriers(page) == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Cancelled")).to_be_visible()
    assert barriers(page) == []
