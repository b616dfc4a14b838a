"""What an operator has decided about the feed, and what is held back for them to look at before everybody sees it.

The decisions are one row (feeds.models.Policy) over the `[feeds]` of the operator's file. Every process looks at it
again after two seconds, so a pause holds everywhere soon after; a removal goes through the stream at once.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from feeds.events import FeedEvent
from feeds.models import Outbox, Policy

FRESH = 2.0  # seconds
MOST_HELD = 2000  # the oldest beyond these are refused
REASONS = ("approve", "words", "score", "blocked", "judged")

# Whoever can tell that a text is not for everybody says so here; generation does. A judge is given all words.
judges: list[Callable[[str], bool]] = []


@dataclass(frozen=True, slots=True)
class Decisions:
    """The row over the file. `words` are lower case; `blocked` are sources as `sources_of` names them."""

    is_paused: bool = False
    approves_first: bool = False
    delay: float = 0.0
    words: tuple[str, ...] = ()
    threshold: float | None = None
    follows: bool | None = None  # nobody has decided: whoever starts the relay says it
    blocked: frozenset[str] = frozenset()


_known: tuple[float, Decisions] | None = None


def forget() -> None:
    """Look at the row again at once, in this process."""
    global _known
    _known = None


def current() -> Decisions:
    """What holds now. While the database is away: what held last."""
    global _known
    if _known is not None and time.monotonic() - _known[0] < FRESH:
        return _known[1]
    try:
        found = read()
    except DatabaseError:
        if _known is None:
            raise
        found = _known[1]
    _known = (time.monotonic(), found)
    return found


def is_paused() -> bool:
    """For pages, which are shown whether or not the database is there."""
    try:
        return current().is_paused
    except DatabaseError:
        return False


def read() -> Decisions:
    feeds = settings.DESIGN.feeds
    row = Policy.objects.first()
    if row is None:
        return Decisions(delay=feeds.delay)
    return Decisions(
        is_paused=row.is_paused,
        approves_first=row.approves_first,
        delay=feeds.delay if row.delay is None else row.delay,
        words=tuple(word.lower() for word in row.words),
        threshold=row.threshold,
        follows=row.follows,
        blocked=frozenset(row.blocked),
    )


# --- holding back -----------------------------------------------------------------------------------------------------


def sources_of(event: FeedEvent) -> list[str]:
    """Where an event comes from, in the words by which that can be blocked; most particular first."""
    found = []
    if event.remote and event.source:
        found.append(f"feed:{event.source}")
    if event.referrer:
        found.append(f"referrer:{event.referrer.lower()}")
    if event.team:
        found.append(f"team:{event.team}")
    return found


def holds(event: FeedEvent) -> str:
    """Why this is not told before somebody has looked at it; nothing when it may be told."""
    decided = current()
    if decided.blocked and not decided.blocked.isdisjoint(sources_of(event)):
        return "blocked"
    text = "\n".join([event.prompt, event.response, *(each["content"] for each in event.messages)])
    if decided.words and any(word in text.lower() for word in decided.words):
        return "words"
    if decided.threshold is not None and event.score is not None and event.score >= decided.threshold:
        return "score"
    if event.remote and any(judge(text) for judge in judges):
        return "judged"
    return "approve" if decided.approves_first else ""


def keep(event: FeedEvent, reason: str) -> bool:
    """Keep what came from elsewhere until somebody has looked at it. False when it is known already."""
    row = Outbox(event_id=event.id, kind=event.kind, payload=event.as_dict(), held=reason)
    known = Outbox.objects.filter(event_id=event.id).exists()
    Outbox.objects.bulk_create([row], ignore_conflicts=True)
    return not known


def trim() -> int:
    """Refuse what has been held for longest, so that it does not grow without end."""
    kept = list(Outbox.objects.held().order_by("-pk").values_list("pk", flat=True)[MOST_HELD : MOST_HELD + 1])
    if not kept:
        return 0
    return Outbox.objects.held().filter(pk__lte=kept[0]).update(published_at=timezone.now())
