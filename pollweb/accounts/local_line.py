"""Lines of this process alone, for the time without Redis: exact here, and each process has its share of the limits."""

import time
from dataclasses import dataclass, field
from typing import Any

MOST_LINES = 10_000
LOOK_AGAIN = 0.25


@dataclass(slots=True)
class Line:
    last_start: float = float("-inf")
    running: dict[str, float] = field(default_factory=dict)
    order: dict[str, float] = field(default_factory=dict)


_lines: dict[str, Line] = {}


def forget() -> None:
    _lines.clear()


def step(name: str, member: str, *, interval: float, concurrency: int, places: int, patience: float) -> dict[str, Any]:
    """One step of `member` in the line `name`, as the fields of line.Step."""
    now = time.monotonic()
    if len(_lines) > MOST_LINES:
        for key in [key for key, line in _lines.items() if not line.running and not line.order]:
            del _lines[key]
    line = _lines.setdefault(name, Line())
    for table in (line.running, line.order):
        for gone in [m for m, until in table.items() if until < now]:
            del table[gone]
    if member in line.running:
        line.running[member] = now + patience
        return {"admitted": True}
    if member not in line.order and len(line.order) + len(line.running) >= concurrency * places:
        there = len(line.order) + len(line.running)
        return {"admitted": False, "wait": max(interval, 1.0), "position": there, "full": True}
    line.order[member] = now + patience
    position = list(line.order).index(member)
    since = now - line.last_start
    room = concurrency - len(line.running) > position and (position == 0 or not interval)
    if room and since >= interval:
        del line.order[member]
        line.running[member] = now + patience
        line.last_start = now
        return {"admitted": True, "free": concurrency - len(line.running), "reset": interval}
    left = max(interval - since, 0.0)
    again = min(LOOK_AGAIN, left) if position == 0 and left else LOOK_AGAIN
    return {
        "admitted": False,
        "wait": left + position * interval,
        "position": position + 1,
        "again": max(again, 0.005),
    }


def renew(name: str, member: str, patience: float) -> None:
    line = _lines.get(name)
    if line is not None and member in line.running:
        line.running[member] = time.monotonic() + patience


def leave(name: str, member: str) -> None:
    line = _lines.get(name)
    if line is not None:
        line.running.pop(member, None)
        line.order.pop(member, None)
