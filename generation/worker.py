"""The working side of a process: one event loop for its life, and a gate before everything that holds only so many.

A message is only a hint that a row waits before a gate. Whoever gets through the gate takes the row that is to be made
next (generation.order), whichever that is, and the next one after it. When a gate is crowded the hint is dropped, since
those before it will look as well: no row waits behind another engine's work, and none is lost.
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
from generation.order import Order, turn_of
from generation.providers import registry, upstream
from pollweb.accounts import desk, line
from pollweb.lib import db, redis

log = logging.getLogger(__name__)

# How many hints may wait before one gate. More would hold threads that other engines need; fewer would leave the gate
# idle between two rows.
CROWD = 4
# An engine call cannot be interrupted from outside. One that is this long past its deadline will not end by itself.
HUNG_SECONDS = 10.0


@dataclass
class Gate:
    """So many at once of one slot; `crowd` counts those inside and before it, `order` says what is made next."""

    size: int
    order: Order
    crowd: int = 0
    lock: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self.lock = asyncio.Semaphore(self.size)


class Worker:
    """One per process; started on first use, stopped at the end of the process (or of a test)."""

    def __init__(self) -> None:
        self.name = f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(4)}"
        self.loop = asyncio.new_event_loop()
        self.gates: dict[str, Gate] = {}
        self.running: dict[str, asyncio.Task[Any]] = {}
        self.due: dict[str, float] = {}
        self.turns: dict[str, line.Turn] = {}
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

    def perform(self, pk: str) -> None:
        """Look after the gate that a row waits before; returns when nothing is left to do, or others see to it."""
        self.run(self._perform(pk))

    async def _perform(self, pk: str) -> None:
        row = await db.run(Generation.objects.filter(pk=pk, state=State.QUEUED).first)
        if row is None or self.draining:
            return
        gate = self._gate(row)
        if gate.crowd >= gate.size + CROWD:
            return
        gate.crowd += 1
        try:
            async with gate.lock:
                while not self.draining:
                    row = await db.run(gate.order.next)
                    if row is None:
                        return
                    if row.keep and not await self._may_start(row):
                        continue
                    await self._fulfil(row)
                    if gate.crowd > gate.size:
                        return
        finally:
            gate.crowd -= 1

    def _gate(self, row: Generation) -> Gate:
        if row.slot not in self.gates:
            source = catalogue.maker(row.ability, row.model).sources[0]
            _, size = registry.provider(source.provider).slot(source.model)
            self.gates[row.slot] = Gate(size, Order(row.slot))
        return self.gates[row.slot]

    async def _may_start(self, row: Generation) -> bool:
        """Nobody stands in line for a job made to be kept, so the line is asked here; if not now, then later."""
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
        task = asyncio.ensure_future(fulfilment.fulfil(pk, self.name))
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
            tasks_left = list(self.running.values())
            if tasks_left:
                await asyncio.wait(tasks_left, timeout=max(0.0, seconds))
            for task in tasks_left:
                task.cancel()
            await asyncio.gather(*tasks_left, return_exceptions=True)

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
