"""Finished results by fingerprint: what was made once for everybody, or for the same caller, is given again.

A small memory in the process stands before the database, for the addresses that everybody opens. It is bounded, and it
is asked again after a minute, so that something a moderator hid is not shown from here for long.
"""

import asyncio
import time
import weakref
from collections import OrderedDict

from generation.models import Generation
from pollweb.lib import db

REMEMBERED = 2000
REMEMBERED_SECONDS = 60.0
NAMES = ("fingerprint", "scope", "pk")

_memory: OrderedDict[tuple[str, str], tuple[float, Generation]] = OrderedDict()


def forget() -> None:
    _memory.clear()


Key = tuple[str, str]  # fingerprint and scope


class _LookUps:
    """Asks the database for many at once: those who come while it answers are asked for next, in one query.

    Most are told no, and a query of its own for each would be the dearest part of a relayed answer.
    """

    def __init__(self) -> None:
        self._asked: dict[Key, asyncio.Future[Generation | None]] = {}
        self._asking: asyncio.Task[None] | None = None

    def ask(self, key: Key) -> "asyncio.Future[Generation | None]":
        answer = self._asked.get(key)
        if answer is None:
            answer = self._asked[key] = asyncio.get_running_loop().create_future()
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        return answer

    async def _ask(self) -> None:
        try:
            while self._asked:
                asked, self._asked = self._asked, {}
                found: dict[Key, Generation] = {}
                failure: BaseException | None = None
                try:
                    found = await db.run(_look_up, list(asked))
                except BaseException as exc:
                    failure = exc
                    if not isinstance(exc, Exception):
                        raise
                finally:
                    for key, answer in asked.items():
                        if answer.done():
                            continue
                        if failure is None:
                            answer.set_result(found.get(key))
                        elif isinstance(failure, Exception):
                            answer.set_exception(failure)
                        else:
                            answer.cancel()
        finally:
            self._asking = None


_look_ups: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _LookUps] = weakref.WeakKeyDictionary()


def _look_up(keys: list[Key]) -> dict[Key, Generation]:
    """The newest finished row of each; a key without one is not in the answer."""
    known = Generation.objects.finished().filter(
        fingerprint__in={fingerprint for fingerprint, _ in keys}, hidden_at=None
    )
    newest = {(fingerprint, scope): pk for fingerprint, scope, pk in known.order_by("pk").values_list(*NAMES)}
    wanted = {key: newest[key] for key in keys if key in newest}
    rows = Generation.objects.select_related("artifact").in_bulk(list(wanted.values())) if wanted else {}
    return {key: rows[pk] for key, pk in wanted.items() if pk in rows}


async def find(fingerprint: str, scope: str) -> Generation | None:
    """The newest finished row that may be given to this scope (`public`, or a principal's key)."""
    key = (fingerprint, scope)
    known = _memory.get(key)
    if known is not None and known[0] > time.monotonic():
        _memory.move_to_end(key)
        return known[1]
    loop = asyncio.get_running_loop()
    asking = _look_ups.get(loop)
    if asking is None:
        asking = _look_ups[loop] = _LookUps()
    # Shielded: others may wait for the same answer.
    row = await asyncio.shield(asking.ask(key))
    if row is not None:
        remember(row)
    return row


def remember(row: Generation) -> None:
    """Give this finished row to the next who ask for it in this process."""
    _memory[(row.fingerprint, row.scope)] = (time.monotonic() + REMEMBERED_SECONDS, row)
    if len(_memory) > REMEMBERED:
        _memory.popitem(last=False)
