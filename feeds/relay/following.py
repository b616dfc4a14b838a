"""Whether the feeds are followed at this moment: what the operator has decided at the feed's page, over what the file
or the command line says. It is looked at every few seconds, so that no process has to be started anew."""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence

from django.conf import settings
from django.db import close_old_connections

from feeds import policy
from feeds.relay.relay import Relay
from feeds.relay.sources import Source, named
from pollweb.lib import redis

LOOK = 2.0

log = logging.getLogger(__name__)


def wanted(usual: bool) -> bool:
    """`usual` holds where the operator has decided nothing."""
    try:
        decided = policy.current().follows
    finally:
        close_old_connections()
    return usual if decided is None else decided


async def follow(sources: Sequence[Source], is_wanted: Callable[[], bool], stopping: asyncio.Event) -> None:
    """Follow `sources` whenever that is wanted, until `stopping`."""
    while not stopping.is_set():
        if await asyncio.to_thread(is_wanted):
            relay = Relay(sources)
            running = asyncio.ensure_future(relay.run())
            while not running.done() and not stopping.is_set() and await asyncio.to_thread(is_wanted):
                await _pause(stopping)
            relay.stop()
            await running
        await _pause(stopping)


async def _pause(stopping: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(LOOK):
            await stopping.wait()
    except TimeoutError:
        pass


class Follower:
    """A relay in a thread of this process, for installations that were started without one. The relays' lease lets one
    of them lead, wherever they run."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._stop: Callable[[], object] = lambda: None

    def look(self) -> None:
        """Begin or end, as the operator has decided."""
        decided = wanted(False) and not settings.DESIGN.feeds.follow  # then a process of its own is there
        if decided and (self._thread is None or not self._thread.is_alive()) and (sources := named()):
            self._thread = threading.Thread(target=self._run, args=(sources,), name="follower", daemon=True)
            self._thread.start()
        elif not decided:
            self._stop()

    def stop(self) -> None:
        self._stop()
        if self._thread is not None:
            self._thread.join(5)

    def _run(self, sources: list[Source]) -> None:
        async def run() -> None:
            relay = Relay(sources)
            loop = asyncio.get_running_loop()
            self._stop = lambda: loop.is_closed() or loop.call_soon_threadsafe(relay.stop)
            try:
                await relay.run()
            finally:
                await redis.close()

        try:
            asyncio.run(run())
        except Exception:
            log.exception("following ends; it is begun anew")
