"""Log lines: JSON, one line each, control and bidirectional characters escaped, secrets taken out."""

import asyncio
import json
import logging
import re
import time
import traceback
from functools import lru_cache
from typing import Any

import orjson

# What no line tells need not be found out for each of them: its place in the code, thread, process and task.
# ("Optimization" in Python's logging how-to.)
logging._srcfile = None
logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
logging.logAsyncioTasks = False  # type: ignore[attr-defined]

MOST_LINES = 1000
SECRETS = re.compile(r"p[wd]_[0-9A-Za-z]{36}|(?i:bearer\s+)[\w.~+/-]+=*|(?i:token|password|api_key)=[^&\s\"']+")
UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\u2028\u2029\ud800-\udfff]")


def clean(text: str) -> str:
    """Without secrets, and with every character visible that could forge or reorder a line."""
    if text.isalnum() and text.isascii():
        return text  # every secret's sign has another character
    return _shortly_known(text) if len(text) <= 40 else _cleaned(text)


def _cleaned(text: str) -> str:
    text = SECRETS.sub("[secret]", text)
    if text.isascii() and text.isprintable():
        return text
    return UNSEEN.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


_shortly_known = lru_cache(maxsize=2048)(_cleaned)  # routes, methods, networks: the same in every line


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


class Stderr(logging.StreamHandler[Any]):
    """Standard error. What an event loop says in one of its rounds is written together, warnings at once: a system call
    for each answer's line would be one in seven."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[str] = []
        self._told: asyncio.AbstractEventLoop | None = None  # the loop that will write them

    def emit(self, record: logging.LogRecord) -> None:
        """Called under the handler's lock, as logging does."""
        try:
            self._lines.append(self.format(record) + self.terminator)
            loop = _running_loop()
            if loop is None or record.levelno >= logging.WARNING or len(self._lines) >= MOST_LINES:
                self.flush()
            elif loop is not self._told:
                self._told = loop
                loop.call_soon(self.flush)
        except Exception:
            self.handleError(record)

    def flush(self) -> None:
        with self.lock:  # type: ignore[union-attr]
            lines, self._lines, self._told = self._lines, [], None
            if lines:
                self.stream.write("".join(lines))
                super().flush()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
