"""Finished results by fingerprint: what was made once for everybody, or for the same caller, is given again.

A small memory in the process stands before the database, for the addresses that everybody opens. It is bounded, and it
is asked again after a minute, so that something a moderator hid is not shown from here for long.
"""

import time
from collections import OrderedDict

from generation.models import Generation
from pollweb.lib import db

REMEMBERED = 2000
REMEMBERED_SECONDS = 60.0

_memory: OrderedDict[tuple[str, str], tuple[float, Generation]] = OrderedDict()


def forget() -> None:
    _memory.clear()


def _look_up(fingerprint: str, scope: str) -> Generation | None:
    found = Generation.objects.reusable(fingerprint, scope).filter(hidden_at=None)
    return found.select_related("artifact").order_by("-pk").first()


async def find(fingerprint: str, scope: str) -> Generation | None:
    """The newest finished row that may be given to this scope (`public`, or a principal's key)."""
    key = (fingerprint, scope)
    known = _memory.get(key)
    if known is not None and known[0] > time.monotonic():
        _memory.move_to_end(key)
        return known[1]
    row = await db.run(_look_up, fingerprint, scope)
    if row is not None:
        remember(row)
    return row


def remember(row: Generation) -> None:
    """Give this finished row to the next who ask for it in this process."""
    _memory[(row.fingerprint, row.scope)] = (time.monotonic() + REMEMBERED_SECONDS, row)
    if len(_memory) > REMEMBERED:
        _memory.popitem(last=False)
