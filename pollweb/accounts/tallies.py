"""Answers that were given again: noted in the memory of the process that gave them, written every few seconds.

A cached answer takes no database write. What a process has noted is lost only if it is killed: a clean stop writes it
first. With the database away the notes stay, up to `MOST` of them.
"""

import asyncio
import atexit
import logging
import threading
from datetime import datetime

from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from pollweb.accounts import usage
from pollweb.accounts.usage import Counts, Key
from pollweb.lib import db

log = logging.getLogger(__name__)

SECONDS = 5.0
MOST = 50_000  # different callers, models and hours in memory

_lock = threading.Lock()
_noted: dict[tuple[Key, datetime], Counts] = {}
_lost = 0


def note(key: Key, counts: Counts) -> None:
    """Add to what will be counted. Costs a few microseconds; never raises."""
    global _lost
    place = (key, usage.hour_of(timezone.now()))
    with _lock:
        if (known := _noted.get(place)) is not None:
            known.add(counts)
        elif len(_noted) < MOST:
            _noted[place] = counts
        else:
            _lost += 1


def forget() -> None:
    """Drop what was noted (tests)."""
    with _lock:
        _noted.clear()


def write() -> int:
    """Write what was noted; returns how many rows. What cannot be written now is kept for the next time."""
    global _noted, _lost
    with _lock:
        taken, _noted = _noted, {}
        lost, _lost = _lost, 0
    if lost:
        log.warning("%d answers were not counted: the database was away for too long", lost)
    if not taken:
        return 0
    try:
        usage.count_all(taken)
    except DatabaseError:
        with _lock:
            for place, counts in taken.items():
                if place in _noted:
                    _noted[place].add(counts)
                else:
                    _noted[place] = counts
        raise
    return len(taken)


class Writer:
    """The thread of a process that writes what its other threads have noted."""

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._run, name="tallies", daemon=True)

    def _run(self) -> None:
        while not self.stopped.wait(SECONDS):
            try:
                close_old_connections()
                write()
            except Exception:
                log.warning("usage could not be written; the next try is soon", exc_info=True)
            finally:
                close_old_connections()


_writer: Writer | None = None


async def start() -> None:
    """Begin to write; a process calls this when it starts to serve."""
    global _writer
    if _writer is None:
        _writer = Writer()
        _writer.thread.start()
        atexit.register(_write_last)  # for servers that tell nobody of their end


def _write_last() -> None:
    try:
        write()
    except Exception:
        log.exception("the last usage of this process could not be written")


async def stop() -> None:
    """Write the last notes. Nothing that was answered is lost on a clean stop."""
    global _writer
    if _writer is not None:
        _writer.stopped.set()
        await asyncio.to_thread(_writer.thread.join, 5)
        _writer = None
    await db.run(_write_last)
