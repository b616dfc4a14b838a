"""The leader's work: hold the lease, follow each source, tell what is due. Whoever does not lead keeps asking."""

import asyncio
import logging
import random
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass

import httpx
from httpx_sse import ServerSentEvent

from feeds.relay import remote, shelf, upstream
from feeds.relay.lease import Fenced, Lease
from feeds.relay.sources import Source
from feeds.relay.tally import Tally
from pollweb.lib import redis

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds. `settled`: a connection that lasted so long begins anew with short pauses."""

    lease: float = 10.0
    renew: float = 3.0
    ask: float = 2.0
    idle: float = 60.0
    shortest_pause: float = 1.0
    longest_pause: float = 30.0
    settled: float = 60.0
    look: float = 1.0


class Pace:
    """So many a second, and a burst of so many; who is faster waits, and his connection with him."""

    def __init__(self, rate: float = 20.0, burst: int = 100) -> None:
        self._rate, self._burst = rate, burst
        self._left, self._at = float(burst), time.monotonic()

    async def wait(self) -> None:
        now = time.monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate) - 1
        self._at = now
        if self._left < 0:
            await asyncio.sleep(-self._left / self._rate)


class Relay:
    """Follows `sources` while it leads. `run` ends after `stop`."""

    def __init__(self, sources: Sequence[Source], times: Times | None = None) -> None:
        self.sources = sources
        self.times = times or Times()
        self.leads = asyncio.Event()
        self._lease = Lease(self.times.lease)
        self._tally = Tally()
        self._stopping = asyncio.Event()
        self._taken = asyncio.Event()

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        async with upstream.client() as client:
            while not self._stopping.is_set():
                try:
                    if await self._lease.take():
                        await self._lead(client)
                except Fenced:
                    log.warning("another relay leads")
                except (redis.RedisError, OSError) as exc:
                    log.warning("the relay has lost Redis: %s", exc or type(exc).__name__)
                except Exception:
                    log.exception("the relay starts again")
                await self._pause(self.times.ask * random.uniform(0.5, 1.0))

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass

    async def _lead(self, client: httpx.AsyncClient) -> None:
        log.info("this relay leads and follows %s", ", ".join(source.host for source in self.sources))
        work = [self._hold(), self._tell(), self._stopping.wait(), *(self._follow(client, s) for s in self.sources)]
        tasks = [asyncio.ensure_future(each) for each in work]
        self.leads.set()
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self.leads.clear()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._leave()

    async def _leave(self) -> None:
        try:
            await self._tally.flush()
            await self._lease.give_back()
        except (redis.RedisError, OSError):
            pass  # the lease ends by itself

    async def _hold(self) -> None:
        while True:
            await asyncio.sleep(self.times.renew)
            await self._lease.renew()
            await self._tally.flush()

    async def _tell(self) -> None:
        while True:
            self._taken.clear()
            told = await shelf.tell_due(self._lease.token)
            for event, new in told:
                self._tally.add_for(event["kind"], event["source"], "told" if new else "duplicate")
            if not told:
                try:
                    async with asyncio.timeout(self.times.look):
                        await self._taken.wait()
                except TimeoutError:
                    pass

    # --- one source ---------------------------------------------------------------------------------------------------

    async def _follow(self, client: httpx.AsyncClient, source: Source) -> None:
        last_id = await shelf.last_id(source)
        pace, failures, said = Pace(), 0, ""
        while True:
            began, wait, why = time.monotonic(), 0.0, "closed"
            try:
                response = await upstream.connect(client, source.url, last_id, self.times.idle)
                try:
                    self._tally.add(source, "opened")
                    async with aclosing(upstream.events(response, last_id, self.times.idle)) as events:
                        async for event in events:
                            await pace.wait()
                            last_id = await self._take(source, event, last_id)
                finally:
                    await response.aclose()
            except upstream.Away as exc:
                why, wait = str(exc), exc.wait
                self._tally.add(source, "failed")
            failures = 1 if time.monotonic() - began >= self.times.settled else failures + 1
            if why != said:
                log.warning("the %s feed of %s: %s; it is tried again and again", source.kind, source.host, why)
                said = why
            await asyncio.sleep(max(wait, self._jitter(failures)))

    def _jitter(self, failures: int) -> float:
        shortest = self.times.shortest_pause
        return random.uniform(shortest, min(shortest * 2.0 ** min(failures, 30), self.times.longest_pause))

    async def _take(self, source: Source, event: ServerSentEvent | None, last_id: str) -> str:
        """Take in what is good of one event; where the feed stands now."""
        if event is None:
            self._tally.add(source, "too_big")
            return last_id
        here = event.id if upstream.ID.fullmatch(event.id) else last_id
        if event.event not in ("", "message"):
            return here  # a gap, or what we do not know yet
        try:
            outcome = await shelf.take_in(self._lease.token, source, remote.read(source, event.data), here)
        except remote.Unwanted as exc:
            outcome = exc.outcome
        if outcome == "taken":
            self._taken.set()
        else:
            self._tally.add(source, outcome)
        return here
