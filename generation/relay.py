"""The short cut: text from a remote upstream, answered by the web process itself, with no job and no queue.

A relayed generation belongs to this process, not to the request that began it: equal requests join it, the first to
leave does not stop it, and it ends when the last has left. Its row exists in memory only, until its record is kept.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

from django.utils import timezone

from generation import cache, fulfilment, records
from generation.errors import ProviderError
from generation.models import Generation, State
from generation.said import Said
from pollweb.accounts import line
from pollweb.lib.errors import PollwebError

log = logging.getLogger(__name__)


class Flight:
    """One relayed generation on its way: what was said so far, and who listens (`async with`)."""

    def __init__(self, row: Generation, turn: line.Turn) -> None:
        self.row = row
        self.turn = turn
        self.said = Said()
        self.body = b""  # a completion of OpenAI's, where the upstream gave one that may be passed on
        self.error: PollwebError | None = None
        self.listeners = 0
        self.ended = False
        self._news = asyncio.Event()
        self.task = asyncio.get_running_loop().create_task(self._fly())

    @property
    def sent(self) -> int:
        return len(self.said)

    async def send(self, piece: dict[str, Any]) -> None:
        """What fulfilment tells: kept for those who join late, and told to those who listen."""
        self.said.add(piece)
        self._ring()

    def _ring(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def _fly(self) -> None:
        row = self.row
        try:
            made = await fulfilment.make(row, self)
            self.body = made.body
            for name, value in fulfilment.values_of(made).items():
                setattr(row, name, value)
            row.state, row.finished_at = State.SUCCEEDED, timezone.now()
        except asyncio.CancelledError:
            row.state, row.finished_at, row.error_code = State.CANCELLED, timezone.now(), "cancelled"
            raise
        except PollwebError as exc:
            self._failed(exc)
        except Exception as exc:
            log.error("relaying %s failed in a way nobody foresaw", row.public_id, exc_info=exc)
            self._failed(ProviderError("The provider failed in a way we did not foresee.", code="engine_failed"))
        finally:
            row.dedupe_key = None
            # Before the last byte leaves: killing this process now loses nothing that was answered.
            await asyncio.shield(self._keep())
            if row.state == State.SUCCEEDED and self.error is None:
                cache.remember(row)
            self.ended = True
            self._ring()

    async def __aenter__(self) -> "Flight":
        """Listen to it."""
        self.listeners += 1
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Listen no more. The last one to leave stops it."""
        self.listeners -= 1
        if not self.listeners and not self.ended:
            self.task.cancel()
            await asyncio.shield(asyncio.gather(self.task, return_exceptions=True))

    def _failed(self, exc: PollwebError) -> None:
        self.error = exc
        self.row.state, self.row.finished_at = State.FAILED, timezone.now()
        self.row.error_code, self.row.error_message, self.row.error_status = exc.code, exc.message, exc.status

    async def _keep(self) -> None:
        try:
            self.turn.goes_on = False
            await records.keep(self.row, self.turn)
        except (PollwebError, TimeoutError) as exc:
            if self.error is None:
                self.error = exc if isinstance(exc, PollwebError) else ProviderError("This could not be recorded.")

    async def batches(self) -> AsyncIterator[list[dict[str, Any]]]:
        """Everything from the beginning: what is there at once comes together. Raises what went wrong."""
        with self.said.place() as place:
            while True:
                news, ended = self._news, self.ended
                if batch := self.said.since(place):
                    yield batch
                if ended:
                    break
                if place.heard == len(self.said):
                    await news.wait()
        if self.error is not None:
            raise self.error


_flights: dict[tuple[asyncio.AbstractEventLoop, str], Flight] = {}


def joined(dedupe_key: str) -> Flight | None:
    """The equal one in flight in this process, if there is one."""
    flight = _flights.get((asyncio.get_running_loop(), dedupe_key))
    return flight if flight is not None and not flight.ended else None


def begun(row: Generation, turn: line.Turn) -> Flight:
    """A flight in its caller's turn. Equal requests find it until it ends."""
    key = (asyncio.get_running_loop(), row.dedupe_key or "")
    row.state, row.started_at, row.attempts = State.RUNNING, timezone.now(), 1
    turn.goes_on = True
    flight = _flights[key] = Flight(row, turn)
    flight.task.add_done_callback(lambda _: _flights.pop(key, None) if _flights.get(key) is flight else None)
    return flight
