"""The working side of a process: one event loop for its life, and a gate before everything that holds only so many.

A message is only a hint that a row waits before a gate. Who serves at the gate takes the row that is to be made next
(generation.order), whichever that is, and the next one after it, until none is left. As many serve as the gate lets
through and there are rows for; they live on the loop, so that no thread of Celery is held by an engine's or an
upstream's work, and no row waits behind another engine's.
"""

import asyncio
import contextlib
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils import timezone

from generation import catalogue, fulfilment, handoff, tasks
from generation.models import Generation, State
from generation.order import SUSPECT_AFTER, Order, turn_of
from generation.providers import registry, upstream
from pollweb.accounts import desk, line
from pollweb.lib import db, redis

log = logging.getLogger(__name__)

# An engine call cannot be interrupted from outside. One that is this long past its deadline will not end by itself.
HUNG_SECONDS = 10.0


@dataclass
class Gate:
    """So many at once of one slot. `order` says what is made next, `hints` counts what was heard of it; `suspects` are
    the rows under way that may have ended other workers."""

    size: int
    order: Order
    servers: set["asyncio.Task[None]"] = field(default_factory=set)
    hints: int = 0
    suspects: set[Any] = field(default_factory=set)
    choosing: asyncio.Lock = field(default_factory=asyncio.Lock)


class Worker:
    """One per process; started on first use, stopped at the end of the process (or of a test)."""

    def __init__(self) -> None:
        self.name = f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(4)}"
        self.loop = asyncio.new_event_loop()
        self.gates: dict[str, Gate] = {}
        self.running: dict[str, asyncio.Task[Any]] = {}
        self.due: dict[str, float] = {}
        self.turns: dict[str, line.Turn] = {}
        self.errands: set[asyncio.Task[Any]] = set()
        self.draining = False
        self.thread = threading.Thread(target=self._run, name="worker loop", daemon=True)
        self.thread.start()
        self.watchdog = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self.watchdog.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self._ears = [
            self.loop.create_task(handoff.listen_for_cancels(self._give_up)),
            self.loop.create_task(self._listen_for_turns()),
        ]
        self.loop.run_forever()

    def run[T](self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def begin(self, work: Coroutine[Any, Any, Any]) -> None:
        """Have something done that waits for others, and return at once: threads are for what is short."""
        self.loop.call_soon_threadsafe(self._begin, work)

    def _begin(self, work: Coroutine[Any, Any, Any]) -> None:
        errand = self.loop.create_task(work)
        self.errands.add(errand)
        errand.add_done_callback(self._end_errand)

    def _end_errand(self, errand: "asyncio.Task[Any]") -> None:
        self.errands.discard(errand)
        if not errand.cancelled() and (error := errand.exception()) is not None:
            log.error("what a worker was to do beside its jobs failed", exc_info=error)

    def look(self, pk: str) -> None:
        """Have the gate looked after that a row waits before; returns at once."""
        self.run(self._look(pk))

    async def _look(self, pk: str) -> None:
        waiting = Generation.objects.filter(pk=pk, state=State.QUEUED)
        row = await db.run(waiting.only("slot", "model", "params").first)
        if row is not None:
            gate = self._gate(row)
            gate.hints += 1
            self._open(gate)

    def _open(self, gate: Gate) -> None:
        """Have one more serve at a gate, if it lets one more through."""
        if len(gate.servers) < gate.size and not self.draining:
            server = self.loop.create_task(self._serve(gate))
            gate.servers.add(server)
            server.add_done_callback(gate.servers.discard)

    async def _serve(self, gate: Gate) -> None:
        """Make one row after the other until none is left; as long as there are some, others begin beside this one."""
        while not self.draining:
            hints = gate.hints
            try:
                async with gate.choosing:  # one at a time, so that two do not choose the same row
                    row = await db.run(gate.order.next, makes_suspect=bool(gate.suspects))
                    taken = await self._take(row) if row is not None else None
                    if taken is not None and taken.attempts > SUSPECT_AFTER:
                        gate.suspects.add(taken.pk)
            except Exception:
                log.warning("what is next could not be read; the ticker tells of it again", exc_info=True)
                return
            if taken is not None:
                self._open(gate)
                try:
                    await self._fulfil(taken)
                finally:
                    gate.suspects.discard(taken.pk)
            elif row is None and hints == gate.hints:
                return

    async def _take(self, row: Generation) -> Generation | None:
        """The row, claimed; None when its turn has not come, or another worker was quicker."""
        if row.keep and not await self._may_start(row.pk):
            return None
        taken = None
        try:
            taken = await db.run(Generation.objects.claim, row.pk, self.name)
        finally:
            if taken is None:
                await self._leave(str(row.pk))
        return taken

    def _gate(self, row: Generation) -> Gate:
        if row.slot not in self.gates:
            source = catalogue.maker(row.ability, row.model).sources[0]
            _, size = registry.provider(source.provider).slot(source.model)
            self.gates[row.slot] = Gate(size, Order(row.slot))
        return self.gates[row.slot]

    async def _may_start(self, pk: Any) -> bool:
        """Nobody stands in line for a job made to be kept, so the line is asked here; if not now, then later."""
        row = await db.run(Generation.objects.select_related("token").filter(pk=pk).first)
        if row is None:
            return False
        turn = self.turns[str(row.pk)] = turn_of(row)
        stepped = await turn.step()
        if stepped.admitted:
            desk.current().running[turn.member] = turn.renew
            return True
        del self.turns[str(row.pk)]
        wait = max(0.5, min(stepped.wait, line.PATIENCE / 2))
        await db.run(
            Generation.objects.filter(pk=row.pk, state=State.QUEUED).update,
            start_after=timezone.now() + timedelta(seconds=wait),
        )
        return False

    async def _fulfil(self, row: Generation) -> None:
        pk = str(row.pk)
        task = asyncio.ensure_future(fulfilment.fulfil(row))
        self.running[pk] = task
        self.due[pk] = time.monotonic() + min(row.seconds_left(), row.time_limit)
        try:
            await task
        except asyncio.CancelledError:
            # Its askers have left, or the worker drains; in both cases this coroutine goes on.
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                raise
        except Exception:
            # The database went away in the middle, say. The lease ends by itself and the ticker gives the row on.
            log.exception("a job could not be brought to its end")
        finally:
            self.running.pop(pk, None)
            self.due.pop(pk, None)
            await self._leave(pk)

    async def _leave(self, pk: str) -> None:
        """Whoever asked for a job made to be kept has a place in its line again."""
        if turn := self.turns.pop(pk, None):
            desk.current().running.pop(turn.member, None)
            await turn.leave()

    def _give_up(self, pk: str) -> None:
        """Its askers have cancelled the row: the state says so already, so fulfilment has nothing to write."""
        task = self.running.get(pk)
        if task is not None:
            self.loop.create_task(_end_if_cancelled(pk, task))

    async def _listen_for_turns(self) -> None:
        """Nobody stands in line for what is made to be kept: whoever is called for it has it started."""
        async for member, seconds in desk.calls(line.JOBS):
            self.loop.call_later(seconds, self._start_soon, line.job_of(member))

    def _start_soon(self, pk: str) -> None:
        self.loop.create_task(_start(pk))

    def _watch(self) -> None:
        while not self.loop.is_closed():
            time.sleep(1)
            now = time.monotonic()
            hung = [pk for pk, due in list(self.due.items()) if now > due + HUNG_SECONDS]
            if hung:
                log.critical("an engine call hangs (%s); this worker ends so that another can start", ", ".join(hung))
                os._exit(70)

    def drain(self, seconds: float) -> None:
        """Take nothing new, let what runs end within `seconds`, give the rest back to the queue."""
        self.draining = True

        async def end() -> None:
            servers = [server for gate in self.gates.values() for server in gate.servers]
            if servers:
                await asyncio.wait(servers, timeout=max(0.0, seconds))
            for task in list(self.running.values()):
                task.cancel()
            await asyncio.gather(*servers, return_exceptions=True)

        with contextlib.suppress(Exception):
            asyncio.run_coroutine_threadsafe(end(), self.loop).result(seconds + 2)

    def stop(self) -> None:
        async def close() -> None:
            for ear in self._ears:
                ear.cancel()
            await asyncio.gather(*self._ears, return_exceptions=True)
            await handoff.close()
            await desk.close()
            await upstream.close()
            await redis.close()

        with contextlib.suppress(Exception):
            asyncio.run_coroutine_threadsafe(close(), self.loop).result(5)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
        self.loop.close()


async def _start(pk: str) -> None:
    """Every worker hears the call; the one whose UPDATE clears the time tells the workers."""
    with contextlib.suppress(Exception):  # the ticker looks at it a little later
        await db.run(start_now, pk)


def start_now(pk: str) -> None:
    waiting = Generation.objects.filter(pk=pk, state=State.QUEUED).exclude(start_after=None)
    if waiting.update(start_after=None):
        tasks.send(Generation.objects.get(pk=pk))


async def _end_if_cancelled(pk: str, task: "asyncio.Task[Any]") -> None:
    if await db.run(Generation.objects.filter(pk=pk, state=State.CANCELLED).exists):
        task.cancel()


_worker: Worker | None = None
_lock = threading.Lock()


def current() -> Worker:
    """This process's worker."""
    global _worker
    with _lock:
        if _worker is None:
            _worker = Worker()
        return _worker


def shutdown() -> None:
    global _worker
    with _lock:
        if _worker is not None:
            _worker.stop()
            _worker = None
