"""What has to happen by itself: forgotten rows told again, lost ones given on, expired ones ended, the outbox emptied.

A thread of every worker process. Each step is a conditional UPDATE, so any number of tickers may run; a lease in Redis
keeps all but one asleep, and with Redis away all of them work.
"""

import logging
import secrets
import threading
import time
from datetime import timedelta

from django.db import close_old_connections
from django.db.models import Q
from django.utils import timezone
from kombu.exceptions import OperationalError

from feeds import outbox, policy
from feeds.relay.following import Follower
from generation import drains, ending, offers, records, search, tasks, variants, wellbeing
from generation.errors import ProviderTimeout, WorkerLost
from generation.models import MOST_ATTEMPTS, Generation, State
from generation.search import likeness
from pollweb.accounts import webhooks
from pollweb.accounts.tasks import send_webhooks as send
from pollweb.lib import redis

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
ROWS_SECONDS = 5.0
# A row is told to the workers again when this long nobody took it: long enough not to flood a busy queue, short enough
# to lose little when Redis forgot everything.
SILENCE = timedelta(seconds=10)
BATCH = 200
# Ten seconds are promised; a slow click is forgiven.
UNDO = timedelta(seconds=20)


class Ticker:
    def __init__(self) -> None:
        self.name = secrets.token_hex(8)
        self.stopped = threading.Event()
        self.follower = Follower()
        self.thread = threading.Thread(target=self._run, name="ticker", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        self.stopped.set()
        self.follower.stop()
        self.thread.join(5)

    def _run(self) -> None:
        rows_at = looked_at = here_at = 0.0
        while not self.stopped.wait(TICK_SECONDS):
            try:
                close_old_connections()
                offers.hear()
                if time.monotonic() >= here_at:
                    here_at = time.monotonic() + wellbeing.HERE_SECONDS / 3
                    wellbeing.here(self.name)
                if not self._leads():
                    continue
                ask_for_offers()
                outbox.publish_due()
                start_due()
                store_relayed()
                index_new()
                send_webhooks()
                if time.monotonic() >= rows_at:
                    rows_at = time.monotonic() + ROWS_SECONDS
                    look_after_rows()
                    policy.trim()
                    drains.tell()
                    self.follower.look()
                    look_after_pictures()
                    compare_new()
                if time.monotonic() >= looked_at:
                    looked_at = time.monotonic() + wellbeing.LOOK_SECONDS
                    wellbeing.look()
            except Exception:
                log.warning("a tick failed; the next one tries again", exc_info=True)
            finally:
                close_old_connections()

    def _leads(self) -> bool:
        """Hold or take the lease of 10 s; with Redis away everybody leads, which is only more work, not wrong."""
        key = redis.key("ticker")
        try:
            client = redis.sync_client()
            holder = client.get(key)
            if holder == self.name.encode():
                client.pexpire(key, 10_000)
                return True
            return bool(client.set(key, self.name, px=10_000, nx=True))
        except (redis.RedisError, OSError):
            return True


def ask_for_offers() -> None:
    if offers.claim():
        tasks.list_models.apply_async(queue="light", retry=False)


def look_after_pictures() -> None:
    for digest in variants.overlooked():
        tasks.send_picture(digest)


def look_after_rows() -> None:
    expire()
    give_on()
    tell_again()
    forget_deleted()


def forget_deleted() -> None:
    """Rows that their team has deleted, once it can no longer have them back."""
    due = Generation.objects.filter(deleted_at__lt=timezone.now() - UNDO).values_list("pk", flat=True)
    if pks := list(due[:BATCH]):
        Generation.objects.filter(pk__in=pks, deleted_at__isnull=False).delete()


def store_relayed() -> None:
    """Have the records of relayed answers stored, when there are any."""
    try:
        if records.waiting():
            tasks.store_relayed.apply_async(queue="light", retry=False)
    except (redis.RedisError, OSError, OperationalError):
        return  # they wait for Redis to come back


def index_new() -> None:
    """Have new public results read for the search, when there are any."""
    if search.is_due():
        try:
            tasks.index.apply_async(queue="light", retry=False)
        except OperationalError:
            return  # they stay due


def compare_new() -> None:
    """Have new public prompts read for what is similar, when there are any."""
    if likeness.is_due():
        try:
            tasks.compare.apply_async(queue="engine", retry=False)
        except OperationalError:
            return  # they stay due


def send_webhooks() -> None:
    """Have the messages sent whose time has come, when there are any."""
    if webhooks.is_due():
        try:
            send.apply_async(queue="light", retry=False)
        except OperationalError:
            return  # they stay due


def start_due() -> None:
    """Rows whose turn in their caller's line may have come."""
    due = Generation.objects.filter(state=State.QUEUED, start_after__lte=timezone.now())
    for row in due.order_by("start_after")[:BATCH]:
        if Generation.objects.filter(pk=row.pk, state=State.QUEUED, start_after=row.start_after).update(
            start_after=None
        ):
            _tell(row)


def tell_again() -> None:
    """Queued rows that nobody took for a while: their message may be lost."""
    silent = Generation.objects.filter(state=State.QUEUED, queued_at__lt=timezone.now() - SILENCE, start_after=None)
    for row in silent.order_by("queued_at")[:BATCH]:
        if Generation.objects.filter(pk=row.pk, state=State.QUEUED, queued_at=row.queued_at).update(
            queued_at=timezone.now()
        ):
            _tell(row)


def give_on() -> None:
    """Running rows whose worker is silent: to another one, or ended when too many have died over them."""
    lost = Generation.objects.filter(state=State.RUNNING, lease_until__lt=timezone.now())
    for row in lost.order_by("lease_until")[:BATCH]:
        if row.attempts < MOST_ATTEMPTS:
            if Generation.objects.give_back(row.pk, row.fence, is_lost=True):
                log.warning("%s was left by its worker and is queued again", row.public_id)
                _tell(row)
        else:
            error = WorkerLost(f"{row.attempts} workers ended while they made this. It will not be tried again.")
            ending.badly(row, row.fence, row.state, error)


def expire() -> None:
    """Rows past their deadline that nobody is making; a running one is ended by its own worker or by `give_on`."""
    now = timezone.now()
    late = Generation.objects.filter(
        Q(state=State.QUEUED) | Q(state=State.RUNNING, lease_until__lt=now), deadline__lt=now
    )
    for row in late.order_by("deadline")[:BATCH]:
        error = ProviderTimeout("This was not made before its deadline. Try again.")
        ending.badly(row, row.fence, row.state, error)


def _tell(row: Generation) -> None:
    tasks.send(row)
