"""Pictures, text, speech, transcripts and feeds on the command line, and how it says what went wrong."""

import asyncio
import json
import subprocess
import sys
import time
from urllib.parse import quote

import pytest

from generation.errors import ProviderRefused
from pollweb.cli import terminal
from pollweb.cli.client import Server
from pollweb.cli.errors import Failure
from tests.fakes import jpeg
from tests.generation.sounds import sound_file
from tests.site import ROOT

SMALL = ("--width", "64", "--height", "64")


# --- pictures ---------------------------------------------------------------------------------------------------------


async def test_a_picture_is_saved_under_a_name_that_reads_like_its_prompt(run, tmp_path, working):
    ended = await run("image", "three", "red", "boats", *SMALL, "--seed", "7", "--private")
    assert (ended.code, ended.out, ended.err) == (0, b"three-red-boats.jpg\n", "")
    assert (tmp_path / "three-red-boats.jpg").read_bytes()[:3] == b"\xff\xd8\xff"
    [made] = working.calls
    assert (made.text, made.width, made.seed, made.private) == ("three red boats", 64, 7, True)


async def test_nothing_is_written_over(run, tmp_path):
    for name in ("a-mill.jpg", "a-mill-2.jpg", "a-mill-3.jpg"):
        assert (await run("image", "A mill!", *SMALL)).out.decode() == f"{name}\n"
    assert (await run("image", "x", *SMALL, "-o", "mine.jpg")).code == 0
    ended = await run("image", "y", *SMALL, "-o", "mine.jpg")
    assert (ended.code, ended.err) == (2, "pollweb: mine.jpg is there already; --force writes over it.\n")
    assert (await run("image", "y", *SMALL, "-o", "mine.jpg", "--force")).code == 0
    ended = await run("image", "红色的船", *SMALL, "-o", "pictures/")
    assert ended.out.decode() == "pictures/红色的船.jpg\n"


async def test_several_pictures_have_seeds_that_follow_each_other(run, working):
    ended = await run("image", "a fox", *SMALL, "-n", "3", "--seed", "5")
    assert ended.out.split() == [b"a-fox.jpg", b"a-fox-2.jpg", b"a-fox-3.jpg"]
    assert [made.seed for made in working.calls] == [5, 6, 7]


async def test_a_picture_may_go_down_a_pipe(run):
    ended = await run("image", "-", *SMALL, "-o", "-", given=b"ein Fuchs\n")
    assert ended.code == 0
    assert ended.out[:3] == b"\xff\xd8\xff"


async def test_a_picture_of_ones_own_is_changed(run, tmp_path, working):
    (tmp_path / "mine.png").write_bytes(jpeg(32, 32))
    ended = await run("image", "make it blue", "--image", "mine.png")
    assert (ended.code, ended.err) == (0, "")
    [made] = working.calls
    assert (made.model, made.text) == ("kontext", "make it blue")
    assert made.pictures
    ended = await run("image", "x", "--image", "missing.png")
    assert (ended.code, ended.err) == (2, "pollweb: missing.png cannot be read: No such file or directory.\n")


async def test_a_very_long_prompt_is_sent_as_a_form(run, working):
    prompt = "long " * 3000
    ended = await run("image", prompt, *SMALL)
    assert ended.code == 0, ended.err
    assert working.calls[0].text == prompt.strip()
    assert len(ended.out) < 80


# --- text -------------------------------------------------------------------------------------------------------------


async def test_an_answer_is_printed(run, working):
    ended = await run("text", "Say", "hello", "-m", "mistral", "-s", "Be brief.", "--seed", "3", "--private")
    assert (ended.code, ended.out, ended.err) == (0, b"Hello\n", "")
    [made] = working.calls
    assert [m["content"] for m in made.messages] == ["Be brief.", "Say hello"]
    assert (made.model, made.options["seed"], made.private) == ("mistral", 3, True)


async def test_the_prompt_may_come_from_a_pipe(run, working):
    assert (await run("text", given=b"What is this?\n")).out == b"Hello\n"
    assert (await run("text", "Summarise:", "-", given=b"a long text\n")).out == b"Hello\n"
    assert [made.prompt for made in working.calls] == ["What is this?", "Summarise:\n\na long text"]


async def test_with_a_prompt_standard_input_is_left_alone(run, working):
    """It may be the list that a loop of the shell is reading."""
    assert (await run("text", "one", given=b"two\nthree\n")).code == 0
    assert working.calls[0].prompt == "one"


async def test_json_is_asked_for(run, working):
    working.words = ['{"a": ', "1}"]
    ended = await run("text", "as JSON", "--json")
    assert json.loads(ended.out) == {"a": 1}
    assert working.calls[0].json_mode


async def test_an_answer_that_breaks_off_is_an_error(run, working):
    working.error, working.error_after = ProviderRefused("The provider gave up."), 1
    ended = await run("text", "hi", "--retries", "0")
    assert ended.code == 3
    assert ended.err == "pollweb: The provider gave up.\n"


# --- sound ------------------------------------------------------------------------------------------------------------


async def test_a_text_is_read_aloud(run, tmp_path, working):
    ended = await run("say", "Good morning", "-v", "nova")
    assert (ended.code, ended.out) == (0, b"good-morning.mp3\n")
    assert (tmp_path / "good-morning.mp3").read_bytes() == b"ID3sound"
    assert working.calls[0].voice == "nova"


@pytest.mark.parametrize(("format", "expected"), [("text", "Hello\n"), ("json", "Hello")])
async def test_a_recording_is_written_down(run, tmp_path, working, format, expected):
    (tmp_path / "said.mp3").write_bytes(sound_file("mp3"))
    ended = await run("transcribe", "said.mp3", "-f", format, "-l", "en")
    assert ended.code == 0, ended.err
    said = json.loads(ended.out)["text"] if format == "json" else ended.out.decode()
    assert said == expected
    ended = await run("transcribe", "-", given=sound_file("wav"))
    assert ended.out == b"Hello\n"
    assert working.calls[0].language == "en"


# --- feeds ------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def ears():
    from feeds import hub

    yield
    await hub.stop()


@pytest.mark.parametrize("form", ["lines", "json"])
async def test_a_feed_is_one_line_for_each_event(run, client, ears, form):
    watching = asyncio.create_task(run("feed", "-n", "1", *(["--json"] if form == "json" else [])))
    made = 0
    while not watching.done():
        made += 1
        # What others wrote shall not command the terminal.
        await client.get("/prompt/" + quote(f"a\x1b[31m red\nboat {made}"), params={"width": 64, "height": 64})
        await asyncio.wait([watching], timeout=0.5)
    ended = watching.result()
    assert ended.code == 0
    [line] = ended.out.decode().splitlines()
    if form == "json":
        assert json.loads(line)["prompt"].startswith("a\x1b[31m red\nboat")
    else:
        assert line.startswith("flux  a[31m red boat")
        assert "/prompt/" in line
    assert b"\x1b" not in ended.out


# --- what goes wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("text", "hi", "-m", "nothing"), 1, "pollweb: Model not found: nothing\n"),
        (("image", "x", "--width", "0"), 1, "a whole number of pixels from 1 on is needed"),
        (("image", "nude people", "--safe"), 1, "sexual"),
        (("say", "hi", "-v", "nobody"), 1, "There is no voice 'nobody'"),
        (("image", "  "), 2, "pollweb: The prompt is empty.\n"),
        (("text",), 2, "pollweb: The prompt is empty.\n"),
        (("transcribe", "missing.mp3"), 2, "cannot be read"),
        (("text", "x", "--base-url", "localhost:8000"), 2, "an address such as http://localhost:8000 is needed"),
        (("text", "x", "--base-url", "http://127.0.0.1:9"), 3, "http://127.0.0.1:9 cannot be reached"),
        (("feed", "--base-url", "http://127.0.0.1:9"), 3, "http://127.0.0.1:9 cannot be reached"),
        (("sing", "x"), 2, "invalid choice: 'sing'"),
    ],
)
async def test_it_says_what_is_wrong_in_a_sentence(run, arguments, code, sentence):
    ended = await run(*arguments)
    assert ended.code == code
    assert sentence in ended.err
    assert "Traceback" not in ended.err
    assert ended.out == b""


async def test_the_token_of_the_environment_counts(run, alice):
    arguments = ("image", "x", *SMALL, "-m", "rare")
    ended = await run(*arguments)
    assert ended.code == 1
    assert "required tier: flower" in ended.err
    ended = await run(*arguments, POLLWEB_TOKEN=alice["Authorization"].removeprefix("Bearer "))
    assert ended.code == 0


@pytest.fixture
async def answering():
    """A server that sends what the test enqueued, and notes what it was sent."""
    answers: list[bytes] = []
    heads: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answers.pop(0) + b"")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", answers, heads
    server.close()
    await server.wait_closed()


def reply(status: str, body: bytes, *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


async def test_a_busy_server_is_asked_again_when_it_says(run, answering):
    address, answers, heads = answering
    answers += [
        reply("429 Too Many Requests", b'{"error": "Queue full."}', "Retry-After: 0"),
        reply("503 Service Unavailable", b"{}", "Retry-After: 0"),
        reply("200 OK", b"ID3", "Content-Type: audio/mpeg"),
    ]
    assert (await run("say", "hi", "--base-url", address)).code == 0
    assert len(heads) == 3
    answers += [reply("429 Too Many Requests", b'{"error": "Queue full."}', "Retry-After: 3600")]
    ended = await run("say", "hi", "--base-url", address)
    assert (ended.code, ended.err) == (1, "pollweb: Queue full.\n")


async def test_a_page_in_place_of_a_picture_is_an_error(run, answering, tmp_path):
    address, answers, _ = answering
    answers += [reply("200 OK", b"<h1>\x1b[2JSign in</h1>", "Content-Type: text/html")]
    ended = await run("image", "x", "--base-url", address)
    assert (ended.code, ended.err) == (
        3,
        "pollweb: The server sent text/html in place of image/…: <h1>[2JSign in</h1>\n",
    )
    assert list(tmp_path.iterdir()) == []


async def test_a_token_does_not_follow_a_redirect(run, answering):
    address, answers, heads = answering
    answers += [
        reply("302 Found", b"", f"Location: {address}/elsewhere"),
        reply("200 OK", b"ID3", "Content-Type: audio/mpeg"),
    ]
    assert (await run("say", "hi", "--base-url", address, "--token", "secret")).code == 0
    assert b"secret" in heads[0]
    assert b"secret" not in heads[1]


async def test_a_stream_without_its_end_is_an_error(run, answering):
    address, answers, _ = answering
    body = b'data: {"choices": [{"delta": {"content": "Hel"}}]}\n\n'
    answers += [reply("200 OK", body, "Content-Type: text/event-stream")]
    ended = await run("text", "hi", "--base-url", address)
    assert (ended.code, ended.out) == (3, b"Hel")
    assert "broke off" in ended.err


# --- small things -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("Three red boats, at dawn!", "three-red-boats-at-dawn"),
        ("../../etc/passwd", "etc-passwd"),
        ("红色的船", "红色的船"),
        ("!!!", "untitled"),
        ("-rf", "rf"),
        ("word " * 50, "word-word-word-word-word-word-word-word-word-word-word-word"),
        ("x" * 300, "x" * 60),
    ],
)
def test_names_read_like_prompts_and_lead_nowhere(prompt, name):
    assert terminal.slug(prompt) == name


def test_the_public_service_has_its_own_hosts():
    public = Server("https://pollinations.ai")
    assert (public.image, public.text) == ("https://image.pollinations.ai", "https://text.pollinations.ai")
    assert not Server("https://notpollinations.ai").is_public
    with pytest.raises(Failure):
        Server("file:///etc/passwd")


def test_it_starts_at_once_and_loads_neither_django_nor_an_engine():
    code = (
        "import sys; from pollweb.cli import commands, parser; parser();"
        "print([m for m in sys.modules if m.partition('.')[0] in ('django', 'celery', 'generation', 'feeds', 'httpx',"
        " 'numpy', 'PIL', 'pydantic')] + [m for m in sys.modules if m.startswith('pollweb.') and"
        " not m.startswith('pollweb.cli')])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert loaded.stdout == "[]\n"
    fastest = 9.0
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "pollweb", "--version"], cwd=ROOT, capture_output=True, check=True)
        fastest = min(fastest, time.perf_counter() - began)
    assert fastest < 0.3
