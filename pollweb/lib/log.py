"""Log lines: JSON, one line each, control and bidirectional characters escaped, secrets taken out."""

import json
import logging
import re
import time
import traceback
from functools import lru_cache
from typing import Any

import orjson

SECRETS = re.compile(r"pw_[0-9A-Za-z]{36}|(?i:bearer\s+)[\w.~+/-]+=*|(?i:token|password|api_key)=[^&\s\"']+")
UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\u2028\u2029\ud800-\udfff]")


def clean(text: str) -> str:
    """Without secrets, and with every character visible that could forge or reorder a line."""
    if text.isalnum() and text.isascii():
        return text  # every secret's sign has another character
    text = SECRETS.sub("[secret]", text)
    if text.isascii() and text.isprintable():
        return text
    return UNSEEN.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


@lru_cache(maxsize=2)
def _second(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(second))


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": f"{_second(int(record.created))}.{int(record.msecs):03d}",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": clean(record.getMessage()),
        }
        for key, value in getattr(record, "fields", {}).items():
            line[key] = clean(value) if isinstance(value, str) else value
        if record.exc_info and record.exc_info[1] is not None:
            line["trace"] = [
                clean(part) for part in "".join(traceback.format_exception(record.exc_info[1])).splitlines()
            ]
        try:
            return orjson.dumps(line, default=str).decode()
        except TypeError:  # a key that is no string, a number beyond 64 bit, a lone surrogate deep inside
            return json.dumps(line, default=str)
