"""Requests at an even pace while something is broken: what each was answered, and after how long."""

import http.client
import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from tests.site import Answer

FULL = os.environ.get("FULL") == "1"
BROKEN = 0  # instead of a status: no whole answer came


@dataclass(frozen=True)
class Asked:
    at: float  # time.monotonic() of the question
    what: str
    status: int
    seconds: float
    headers: dict[str, str]


class Pace:
    """Use as a context manager: asks once every `every` seconds, whether or not the earlier ones are answered.

    `ask(number)` says what it asks for and gives the answer.
    """

    def __init__(self, every: float, ask: Callable[[int], tuple[str, Answer]]) -> None:
        self._every, self._ask = every, ask
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._asking: list[threading.Thread] = []
        self._clock = threading.Thread(target=self._run, daemon=True)
        self.asked: list[Asked] = []

    def __enter__(self) -> "Pace":
        self._clock.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._ended.set()
        self._clock.join()
        for thread in self._asking:
            thread.join()

    def _run(self) -> None:
        number, due = 0, time.monotonic()
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            number += 1
            due += self._every
            thread = threading.Thread(target=self._one, args=(number,), daemon=True)
            thread.start()
            self._asking.append(thread)

    def _one(self, number: int) -> None:
        began, what, status, headers = time.monotonic(), "", BROKEN, {}
        try:
            what, answer = self._ask(number)
            status, headers = answer.status, answer.headers
        except (OSError, http.client.HTTPException) as error:
            what = type(error).__name__
        with self._lock:
            self.asked.append(Asked(began, what, status, time.monotonic() - began, headers))

    def between(self, begin: float, end: float = float("inf"), what: str = "") -> list[Asked]:
        """Those that were asked in that time, of one kind or of all."""
        with self._lock:
            return [one for one in self.asked if begin <= one.at < end and (not what or one.what == what)]


def statuses(asked: list[Asked]) -> dict[int, int]:
    return dict(sorted(Counter(one.status for one in asked).items()))


def longest(asked: list[Asked]) -> float:
    return max((one.seconds for one in asked), default=0.0)


def last_of(share: float, seconds: list[float]) -> float:
    """The percentile: `share` 0.99 is the last of a hundred."""
    return sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * share))]
