"""Log lines that neither tell secrets nor can be forged."""

import asyncio
import json
import logging
import threading
from collections.abc import Callable, Iterator

import pytest

from pollweb.lib.log import JsonLines, Stderr, clean


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("GET", "GET"),
        ("a plain sentence", "a plain sentence"),
        ("你好", "你好"),
        ("key pw_" + "a1" * 18, "key [secret]"),
        ("Authorization: Bearer abc.def==", "Authorization: [secret]"),
        ("/feed?token=abc&n=1", "/feed?[secret]&n=1"),
        ("two\nlines", "two\\u000alines"),
        ("turn\u202earound", "turn\\u202earound"),
        ("half a pair \ud800", "half a pair \\ud800"),
    ],
)
def test_it_takes_out_secrets_and_shows_what_is_unseen(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_it_writes_one_line_of_json_whatever_the_fields_hold() -> None:
    record = logging.LogRecord("pollweb.x", logging.INFO, "f", 1, "%s said %d", ("a\nb", 2), None)
    record.fields = {"request_id": "abc", "ms": 1.5, "big": 2**70, "path": "/x?token=1", "deep": {"\ud800": object}}
    text = JsonLines().format(record)
    assert "\n" not in text
    line = json.loads(text)
    assert (line["level"], line["logger"], line["message"]) == ("info", "pollweb.x", "a\\u000ab said 2")
    assert (line["ms"], line["big"], line["path"]) == (1.5, 2**70, "/x?[secret]")
    assert len(line["at"]) == len("2026-01-01T00:00:00.000")


def test_it_tells_a_trace_by_its_lines() -> None:
    try:
        raise KeyError("Bearer abcdef")
    except KeyError as exc:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "failed", None, (type(exc), exc, None))
    trace = json.loads(JsonLines().format(record))["trace"]
    assert trace[-1] == "KeyError: '[secret]'" or trace[-1].startswith("KeyError: '[secret]")


class Stream:
    """What was written, each time."""

    def __init__(self) -> None:
        self.written: list[str] = []

    def write(self, text: str) -> None:
        self.written.append(text)

    def flush(self) -> None:
        pass

    @property
    def said(self) -> list[str]:
        """The messages of all lines."""
        return [json.loads(line)["message"] for line in "".join(self.written).splitlines()]


@pytest.fixture
def stream() -> Stream:
    return Stream()


@pytest.fixture
def say(stream: Stream) -> Iterator[Callable[..., None]]:
    """`say("…")` by a logger whose lines the server's own handler writes to `stream`."""
    handler = Stderr()
    handler.setFormatter(JsonLines())
    handler.setStream(stream)
    logger = logging.Logger("pollweb.said", logging.INFO)
    logger.addHandler(handler)
    yield lambda text, level=logging.INFO: logger.log(level, text)
    handler.close()


def test_without_a_loop_each_line_is_written_at_once(say: Callable[..., None], stream: Stream) -> None:
    say("one")
    assert stream.said == ["one"]
    say("two")
    assert len(stream.written) == 2


async def test_what_one_round_of_a_loop_says_is_written_together(say: Callable[..., None], stream: Stream) -> None:
    for text in ("one", "two", "three"):
        say(text)
    assert stream.written == []
    await asyncio.sleep(0)
    assert (len(stream.written), stream.said) == (1, ["one", "two", "three"])
    say("four")
    await asyncio.sleep(0)
    assert stream.said == ["one", "two", "three", "four"]


async def test_a_warning_is_written_at_once_after_what_was_said_before(
    say: Callable[..., None], stream: Stream
) -> None:
    say("before")
    say("watch out", logging.WARNING)
    assert stream.said == ["before", "watch out"]
    await asyncio.sleep(0)
    assert len(stream.written) == 1


async def test_it_holds_no_more_than_a_thousand_lines(say: Callable[..., None], stream: Stream) -> None:
    for number in range(1001):
        say(str(number))
    assert stream.said == [str(number) for number in range(1000)]


def test_what_a_loop_left_unwritten_is_written_with_what_follows(say: Callable[..., None], stream: Stream) -> None:
    async def speak(text: str, pause: bool) -> None:
        say(text)
        if pause:
            await asyncio.sleep(0)

    loop = asyncio.new_event_loop()
    loop.call_soon(lambda: (say("last words"), loop.stop()))
    loop.run_forever()
    loop.close()
    assert stream.said == []
    asyncio.run(speak("another loop", pause=True))
    assert stream.said == ["last words", "another loop"]


def test_threads_with_loops_of_their_own_lose_nothing(say: Callable[..., None], stream: Stream) -> None:
    async def speak(who: int) -> None:
        for number in range(50):
            say(f"{who}.{number}")
            await asyncio.sleep(0)

    threads = [threading.Thread(target=asyncio.run, args=(speak(who),)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    say("the end")
    assert sorted(stream.said[:-1]) == sorted(f"{who}.{number}" for who in range(4) for number in range(50))
    for who in range(4):
        own = [text for text in stream.said if text.startswith(f"{who}.")]
        assert own == [f"{who}.{number}" for number in range(50)]


def test_a_line_that_cannot_be_written_harms_nobody(say: Callable[..., None], stream: Stream, monkeypatch) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)

    def full(text: str) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr(stream, "write", full)
        say("lost")
    say("heard")
    assert stream.said == ["heard"]
