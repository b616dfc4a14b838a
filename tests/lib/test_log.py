"""Log lines that neither tell secrets nor can be forged."""

import json
import logging

import pytest

from pollweb.lib.log import JsonLines, clean


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
