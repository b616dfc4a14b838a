"""In which order queued rows are made: as their callers rank, with a way round for those who have waited long.

A row first waits for the turn of its caller (pollweb.accounts.line), then before the workers. There tokens come before
registered referrers before anonymous callers, and higher tiers first. So that a stream of the first does not starve the
last, every third row that a worker takes is the oldest that has waited for half a minute.

A row that several workers were lost over may be why. Such rows are made one at a time in each worker: if one ends its
worker again, those that were lost with it before are not lost with it again.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from generation import catalogue
from generation.models import Generation, State
from pollweb.accounts import line
from pollweb.accounts.identity import Principal

AGED = timedelta(seconds=30)
AGED_EVERY = 3
SUSPECT_AFTER = 2  # workers were lost over a row


@dataclass
class Order:
    """One worker's way through the queued rows of one slot."""

    slot: str
    by_rank: int = 0  # rows taken by rank since the last one by age

    def next(self, *, makes_suspect: bool = False) -> Generation | None:
        """The row to be made now, if there is one that may be. Read of it is only what it takes to claim it.

        `makes_suspect`: this worker makes one that may have ended others.
        """
        startable = Generation.objects.startable(self.slot).only("keep")
        if makes_suspect:
            startable = startable.filter(attempts__lt=SUSPECT_AFTER)
        if self.by_rank >= AGED_EVERY - 1:
            self.by_rank = 0
            aged = startable.filter(created_at__lt=timezone.now() - AGED).order_by("created_at").first()
            if aged is not None:
                return aged
        self.by_rank += 1
        return startable.first_served().first()


def turn_of(row: Generation) -> line.Turn:
    """The place of a job made to be kept in its caller's line, the same in every process. Its token has been read."""
    token = row.token if row.token_id else None
    principal = Principal(
        key=row.principal,
        tier=row.tier,
        team_id=row.team_id,
        token_id=row.token_id,
        own_interval=token.interval if token else None,
        own_concurrency=token.concurrency if token else None,
    )
    card = catalogue.maker(row.ability, row.model)
    return line.Turn(principal, row.kind, card.line, name=f"{line.JOBS}.{row.pk}")


def place(row: Generation) -> tuple[int, float]:
    """How a queued row stands: its position (1 is next) and about how many seconds its caller's line takes.

    In its caller's line as long as its turn has not come, then before the workers.
    """
    if row.state != State.QUEUED:
        return 0, 0.0
    if row.start_after is not None:
        stands = turn_of(row).look_sync()
        if stands.position:
            return stands.position, stands.wait
    return Generation.objects.before(row)[:999].count() + 1, 0.0
