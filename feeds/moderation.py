"""Before the big screen: what an operator does with the feed. Each deed is audited, and what it takes off leaves every
screen through the stream, within a second."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Protocol

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from feeds import outbox, policy, recent
from feeds.events import FeedEvent
from feeds.models import Outbox, Policy
from feeds.policy import sources_of
from pollweb.accounts import audit
from pollweb.accounts.models import AuditEvent, User

LOOKED_BACK = 100  # deeds, for what was hidden lately


class Gallery(Protocol):
    """Who keeps what was made here, and takes it out of sight and back; pollweb.gallery."""

    def hide(self, public_id: str, by: User, request: HttpRequest | None) -> bool:
        """Off every screen too. False when it is not there, as what was made elsewhere, or hidden already."""

    def show(self, public_id: str, by: User, request: HttpRequest | None) -> bool:
        """False when it is not there or not hidden."""

    def hidden(self, public_ids: list[str]) -> list[FeedEvent]:
        """Those of these that are hidden now, and could be shown again."""


class Nobody:
    """Keeps nothing."""

    def hide(self, public_id: str, by: User, request: HttpRequest | None) -> bool:
        return False

    def show(self, public_id: str, by: User, request: HttpRequest | None) -> bool:
        return False

    def hidden(self, public_ids: list[str]) -> list[FeedEvent]:
        return []


gallery: Gallery = Nobody()  # the gallery says so when it is ready


@transaction.atomic
def decide(by: User, request: HttpRequest | None = None, **changes: Any) -> Policy:
    """Change the row; what changed is audited by name."""
    row = Policy.objects.select_for_update().first() or Policy()
    changed = {name: value for name, value in changes.items() if getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    row.changed_at = timezone.now()
    row.save()
    if changed:
        audit.record("feed.changed", team=None, actor=by, target="feed", request=request, **changed)
    transaction.on_commit(policy.forget)
    return row


@transaction.atomic
def approve(ids: Iterable[int], by: User, request: HttpRequest | None = None) -> int:
    """Let these held rows be told, and say how many there were."""
    rows = Outbox.objects.held().filter(pk__in=list(ids))
    events = [row.event_id for row in rows]
    count = rows.update(held="", release_at=timezone.now())
    if count:
        audit.record("feed.approved", team=None, actor=by, target=", ".join(map(str, events)), request=request)
        transaction.on_commit(outbox.publish_due)
    return count


@transaction.atomic
def refuse(ids: Iterable[int], by: User, request: HttpRequest | None = None, *, reason: str = "") -> int:
    """Never tell these held rows."""
    rows = Outbox.objects.held().filter(pk__in=list(ids))
    events = [row.event_id for row in rows]
    count = rows.update(published_at=timezone.now())
    if count:
        said = {"reason": reason} if reason else {}
        audit.record("feed.refused", team=None, actor=by, target=", ".join(map(str, events)), request=request, **said)
    return count


@transaction.atomic
def undo(ids: Iterable[int], by: User, request: HttpRequest | None = None) -> int:
    """Hold rows again that were refused within the last ten minutes."""
    since = timezone.now() - timedelta(minutes=10)
    rows = Outbox.objects.filter(pk__in=list(ids), published_at__gte=since).exclude(held="")
    count = rows.update(published_at=None)
    if count:
        audit.record("feed.refusal_undone", team=None, actor=by, target=", ".join(map(str, ids)), request=request)
    return count


@transaction.atomic
def hide(public_id: str, by: User, request: HttpRequest | None = None) -> None:
    """Take what was told off every screen, out of what is replayed and, where it was made here, out of the gallery."""
    if not gallery.hide(public_id, by, request):
        outbox.retract(public_id)
    audit.record("feed.hidden", team=None, actor=by, target=public_id, request=request)


@transaction.atomic
def show(public_id: str, by: User, request: HttpRequest | None = None) -> bool:
    """Undo `hide`: it is in the gallery again. The feed does not tell it a second time. False when nothing changed."""
    shown = gallery.show(public_id, by, request)
    if shown:
        audit.record("feed.shown", team=None, actor=by, target=public_id, request=request)
    return shown


def hidden() -> list[FeedEvent]:
    """What operators have hidden lately, here or in the gallery, and may show again, the last one first."""
    deeds = AuditEvent.objects.filter(team=None, action__in=("feed.hidden", "item.hidden")).newest_first()
    deeds = deeds.exclude(actor_name=audit.ITSELF)
    names = list(dict.fromkeys(deeds.values_list("target", flat=True)[:LOOKED_BACK]))
    found = {event.public_id: event for event in gallery.hidden(names)}
    return [found[name] for name in names if name in found]


@transaction.atomic
def block(event: FeedEvent, by: User, request: HttpRequest | None = None) -> str:
    """Hold back whatever comes from where this came from, and take off what is still shown of it. The source, or
    nothing where it is not known."""
    found = sources_of(event)
    if not found:
        return ""
    source = found[0]
    row = Policy.objects.select_for_update().first() or Policy()
    if source not in row.blocked:
        decide(by, request, blocked=[*row.blocked, source])
    for item in recent.told():
        if source in sources_of(item.event):
            outbox.retract(item.public_id)
            audit.record("feed.removed", team=None, actor=by, target=item.public_id, request=request)
    refuse([held.pk for held in Outbox.objects.held() if source in sources_of(held.event)], by, request)
    return source
