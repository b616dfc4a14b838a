"""Hints: that something of a team has changed, so that its open pages may look again. A hint says what sort, no more.

    now       something began to run or to wait
    request   requests ended: the log, usage and what is held of limits have changed
    result    some of them succeeded: the library has grown
    team      tokens, referrers, members, settings: whatever the audit log tells

`tell` belongs where it happened, inside its transaction or after it. Hints go through Redis to every web process, and
may be lost: pages also look by themselves from time to time. Each process sends the same hint once in a quarter of a
second at most; whoever hears it waits a little longer before they look, and so misses nothing that came meanwhile.
"""

import asyncio
import hashlib
import logging
import time
from collections import OrderedDict
from contextlib import suppress
from functools import partial
from typing import Any

from django.db import transaction

from pollweb.lib import redis

log = logging.getLogger(__name__)

TOPICS = ("now", "request", "result", "team")
APART = 0.25
SETTLE = 0.3
MOST = 10_000

_told: OrderedDict[str, float] = OrderedDict()


def tell(team_id: int | None, *topics: str) -> None:
    """Once it is committed."""
    if team_id is not None:
        transaction.on_commit(partial(_tell, team_id, topics), robust=True)


def _tell(team_id: int, topics: tuple[str, ...]) -> None:
    now = time.monotonic()
    fresh = [topic for topic in topics if now - _told.get(f"{team_id} {topic}", float("-inf")) >= APART]
    for topic in fresh:
        _told[f"{team_id} {topic}"] = now
        _told.move_to_end(f"{team_id} {topic}")
    while len(_told) > MOST:
        _told.popitem(last=False)
    if fresh:
        _publish(f"team:{team_id}", *fresh)


def session_ended(key: str | None) -> None:
    """Somebody signed out: the sockets of that session end."""
    if key:
        _publish(digest(key), "end")


def digest(session_key: str) -> str:
    """A session's name outside of the database: its key is a secret."""
    return hashlib.sha256(session_key.encode()).hexdigest()


def _publish(*words: str) -> None:
    with suppress(redis.RedisError, OSError):
        redis.sync_client().publish(redis.key("hints"), " ".join(words))


def forget() -> None:
    """As if nobody had been told anything (tests)."""
    _told.clear()


class Seat:
    """Where a socket waits for hints: about `teams`, and about the end of its session."""

    def __init__(self, session: str, teams: set[int]) -> None:
        self.session, self.teams = session, teams
        self.woken = asyncio.Event()
        self.is_over = self.is_closing = False
        self._pending: set[tuple[int, str]] = set()

    def put(self, team_id: int, topics: tuple[str, ...]) -> None:
        self._pending.update((team_id, topic) for topic in topics)
        self.woken.set()

    def end(self, *, closing: bool = False) -> None:
        """The session ended, or this process does."""
        self.is_over, self.is_closing = not closing, closing
        self.woken.set()

    def take(self) -> set[tuple[int, str]]:
        self.woken.clear()
        taken, self._pending = self._pending, set()
        return taken


class Hub:
    """What one process hears, given to its seats. It listens only while somebody sits."""

    def __init__(self) -> None:
        self._seats: set[Seat] = set()
        self._listener: asyncio.Task[None] | None = None

    def sit(self, seat: Seat) -> None:
        self._seats.add(seat)
        if self._listener is None or self._listener.done():
            self._listener = asyncio.create_task(self._listen())

    def leave(self, seat: Seat) -> None:
        self._seats.discard(seat)
        if not self._seats and self._listener is not None:
            self._listener.cancel()
            self._listener = None

    def close(self) -> None:
        for seat in self._seats:
            seat.end(closing=True)

    def hear(self, said: str) -> None:
        about, *words = said.split()
        if about.startswith("team:"):
            team_id, topics = int(about[5:]), tuple(word for word in words if word in TOPICS)
            for seat in self._seats:
                if team_id in seat.teams:
                    seat.put(team_id, topics)
        else:
            for seat in self._seats:
                if seat.session == about:
                    seat.end()

    async def _listen(self) -> None:
        pause = 1.0
        while True:
            client: Any = redis.listener()
            try:
                async with client.pubsub(ignore_subscribe_messages=True) as heard:
                    await heard.subscribe(redis.key("hints"))
                    if pause > 1:  # nobody knows what was told meanwhile
                        for seat in self._seats:
                            for team_id in seat.teams:
                                seat.put(team_id, TOPICS)
                    pause = 1.0
                    async for message in redis.heard(heard):
                        self.hear(message["data"].decode())
            except (redis.RedisError, OSError):
                pause = min(pause * 2, 15.0)
            except ValueError:
                log.warning("a hint cannot be read", exc_info=True)
            finally:
                with suppress(redis.RedisError, OSError):
                    await client.aclose()
            await asyncio.sleep(pause)


hub = Hub()


async def close() -> None:
    """This process takes its leave of everybody."""
    hub.close()
