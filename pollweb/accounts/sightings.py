"""When, from where and by what a token was used last, and which hosts sent a team's identifier.

Written beside the request that it was seen in: nobody waits for it. The same is written once a minute at most.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db.models import F, Q
from django.utils import timezone

from pollweb.accounts.models import Referrer, SeenHost, Token
from pollweb.accounts.referrers import belongs
from pollweb.lib import db, http
from pollweb.lib.log import clean

MINUTE = timedelta(minutes=1)
MOST_HOSTS = 500  # of one team: whoever invents hosts fills no table

SECONDS = 60.0
MOST = 10_000

_seen: OrderedDict[str, tuple[float, int]] = OrderedDict()
_writing: set[asyncio.Task[Any]] = set()


def is_news(what: str) -> int:
    """How often it was seen since it was last told, when this process has not told it within a minute; else 0."""
    now = time.monotonic()
    told_at, times = _seen.get(what, (float("-inf"), 0))
    if now - told_at < SECONDS:
        _seen[what] = (told_at, times + 1)
        return 0
    _seen[what] = (now, 0)
    _seen.move_to_end(what)
    if len(_seen) > MOST:
        _seen.popitem(last=False)
    return times + 1


def forget() -> None:
    _seen.clear()


def write(work: Callable[..., Any], *arguments: Any) -> None:
    """Do database work after the answer, not before it."""
    task = asyncio.get_running_loop().create_task(db.run(work, *arguments))
    _writing.add(task)
    task.add_done_callback(_written)


def _written(task: asyncio.Task[Any]) -> None:
    _writing.discard(task)
    if not task.cancelled():
        task.exception()  # a full disk or a database that is away must not break the request it was seen in


async def settle() -> None:
    """Wait for what is still being written (process end, tests)."""
    loop = asyncio.get_running_loop()
    if mine := [task for task in _writing if task.get_loop() is loop]:
        await asyncio.wait(mine, timeout=2)


def token_used(token_id: int, address: str, client: str, previous_times: int) -> None:
    """A token came with a request. `client` is its User-Agent; `previous_times` how often the secret before the last
    rotation came since it was last told, 0 when it was the present one."""
    now = timezone.now()
    Token.objects.filter(pk=token_id).filter(Q(last_used_at=None) | Q(last_used_at__lt=now - MINUTE)).update(
        last_used_at=now, last_used_from=http.shortened(address), last_used_by=clean(client)[:120]
    )
    if previous_times:
        Token.objects.filter(pk=token_id).update(
            previous_used_at=now, previous_uses=F("previous_uses") + previous_times
        )


def token_in_url(token_id: int) -> None:
    """A token stood in an address, where logs and histories keep it."""
    Token.objects.filter(pk=token_id).update(seen_in_url_at=timezone.now())


def referrer_used(referrer_id: int) -> None:
    now = timezone.now()
    Referrer.objects.filter(pk=referrer_id).filter(Q(last_seen_at=None) | Q(last_seen_at__lt=now - MINUTE)).update(
        last_seen_at=now
    )


def host_seen(team_id: int, host: str, requests: int) -> None:
    """A host sent a team's identifier, so many times since it was last told."""
    if belongs(host, team_id):
        return
    seen = SeenHost.objects.filter(team_id=team_id)
    if seen.filter(host=host).update(requests=F("requests") + requests, last_seen_at=timezone.now()):
        return
    if seen.count() < MOST_HOSTS:
        SeenHost.objects.get_or_create(team_id=team_id, host=host, defaults={"requests": requests})
