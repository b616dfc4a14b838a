"""An item leaves the gallery, and every screen with it: by an operator, by reports, or by whoever made it.

What an operator has marked as sensitive stays its maker's to see, blurred, as what the classifier found mature.

What an operator decides is told to its maker by mail, where there is a team to write to.
"""

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from feeds import moderation, outbox
from feeds.models import Outbox
from generation import search
from generation.models import Generation
from pollweb.accounts import audit, mail
from pollweb.accounts.membership import owners_mail
from pollweb.accounts.models import AuditEvent, User
from pollweb.gallery.models import Appeal, Report, Sensitivity


@transaction.atomic
def hide(
    generation: Generation, by: User | None, *, reason: str, words: str = "", request: HttpRequest | None = None
) -> bool:
    """Out of the gallery until somebody shows it again; `words` are for its maker. False when it was hidden already.

    What reports alone had hidden is an operator's removal from now on.
    """
    hidden = Generation.objects.filter(pk=generation.pk, hidden_at=None).update(hidden_at=timezone.now())
    if hidden or (by is not None and _is_hidden_by_reports(generation)):
        outbox.retract(generation.public_id)
        said = {"reason": reason, "words": words} if words else {"reason": reason}
        audit.record("item.hidden", team=None, actor=by, target=generation.public_id, request=request, **said)
        if by is not None:
            _tell(generation, "removed", words)
        return True
    return False


@transaction.atomic
def show(generation: Generation, by: User, *, request: HttpRequest | None = None) -> bool:
    """Undo `hide`. False when it is not hidden, or deleted by whoever made it."""
    rows = Generation.objects.filter(pk=generation.pk, deleted_at=None).exclude(hidden_at=None)
    shown = rows.update(hidden_at=None)
    if shown:
        search.expect([generation.pk])
        audit.record("item.shown", team=None, actor=by, target=generation.public_id, request=request)
    return bool(shown)


@transaction.atomic
def uphold(generation: Generation, by: User, *, reason: str, request: HttpRequest | None = None) -> bool:
    """The reports, if there are any, are right: the item is hidden, and they are decided. False when both was so."""
    is_news = hide(generation, by, reason=reason, words=reason, request=request)
    count = _decide(generation, by, reason, is_upheld=True)
    if count:
        audit.record(
            "reports.upheld", team=None, actor=by, target=generation.public_id, request=request, reason=reason, n=count
        )
    if count and not is_news:  # another operator had hidden it before, for something else
        _tell(generation, "removed", reason)
    return is_news or bool(count)


@transaction.atomic
def dismiss(generation: Generation, by: User, *, reason: str, request: HttpRequest | None = None) -> int:
    """The reports are not right: what they had hidden is shown again. Says how many there were."""
    count = _overrule(generation, by, reason)
    audit.record(
        "reports.dismissed", team=None, actor=by, target=generation.public_id, request=request, reason=reason, n=count
    )
    return count


@transaction.atomic
def mark(generation: Generation, by: User, *, reason: str, request: HttpRequest | None = None) -> bool:
    """Sensitive: out of the gallery and off every screen. Its maker, the team and operators see it, blurred.

    Of what the classifier or the word rules found already it is the operator's word. Reports have what they wanted, and
    what they had hidden is only sensitive now. False when it is marked already, private or deleted.
    """
    rows = Generation.objects.finished().filter(pk=generation.pk, visibility="public", deleted_at=None)
    if not rows.exists() or Sensitivity.objects.filter(generation=generation, is_sensitive=True).exists():
        return False
    if rows.filter(is_mature=False).update(is_mature=True):
        outbox.retract(generation.public_id)
        _tell(generation, "marked", reason)
    _keep_word(generation, by, reason, is_sensitive=True)
    _overrule(generation, by, reason)
    audit.record("item.marked", team=None, actor=by, target=generation.public_id, request=request, reason=reason)
    return True


@transaction.atomic
def unmark(generation: Generation, by: User, *, reason: str, request: HttpRequest | None = None) -> bool:
    """Not sensitive, whoever said so: it is in the gallery again. The feed does not tell it a second time. False when
    it is not marked, private or deleted."""
    rows = Generation.objects.finished().filter(pk=generation.pk, visibility="public", deleted_at=None, is_mature=True)
    if not rows.update(is_mature=False):
        return False
    search.expect([generation.pk])
    _keep_word(generation, by, reason, is_sensitive=False)
    audit.record("item.unmarked", team=None, actor=by, target=generation.public_id, request=request, reason=reason)
    return True


def _keep_word(generation: Generation, by: User, reason: str, *, is_sensitive: bool) -> None:
    said = {"is_sensitive": is_sensitive, "reason": reason, "decided_by": by, "decided_at": timezone.now()}
    Sensitivity.objects.update_or_create(generation=generation, defaults=said)


@transaction.atomic
def refuse_held(held: Outbox, by: User, *, reason: str, request: HttpRequest | None = None) -> bool:
    """What waits for the feed is never told, and what was made here is hidden. False when it does not wait."""
    if not moderation.refuse([held.pk], by, request, reason=reason):
        return False
    if row := _made(held):
        uphold(row, by, reason=reason, request=request)
    return True


@transaction.atomic
def mark_held(held: Outbox, by: User, *, reason: str, request: HttpRequest | None = None) -> bool:
    """What waits for the feed is never told, being sensitive. False when it does not wait, or was made elsewhere."""
    row = _made(held)
    if row is None or not moderation.refuse([held.pk], by, request, reason=reason):
        return False
    mark(row, by, reason=reason, request=request)
    return True


def _made(held: Outbox) -> Generation | None:
    return Generation.objects.filter(pk=held.event_id, visibility="public").first()


def _overrule(generation: Generation, by: User, reason: str) -> int:
    """The open reports do not hide it, nor what they had hidden any more. Says how many there were."""
    was_hidden_by_reports = _is_hidden_by_reports(generation)
    count = _decide(generation, by, reason, is_upheld=False)
    if count and was_hidden_by_reports:
        rows = Generation.objects.filter(pk=generation.pk, deleted_at=None).exclude(hidden_at=None)
        if rows.update(hidden_at=None):
            search.expect([generation.pk])  # a sweep may have come meanwhile
    return count


def _is_hidden_by_reports(generation: Generation) -> bool:
    """Nobody's hand: the last time it was hidden was when enough people had reported it, and nobody has upheld that."""
    if Report.objects.upheld().filter(generation=generation).exists():
        return False
    last = AuditEvent.objects.last_by_operators("item.hidden", generation.public_id)
    return last is not None and last.actor_id is None and last.actor_name == audit.ITSELF


def _decide(generation: Generation, by: User, reason: str, *, is_upheld: bool) -> int:
    return (
        Report.objects.open()
        .filter(generation=generation)
        .update(decided_at=timezone.now(), decided_by=by, is_upheld=is_upheld, decision=reason)
    )


@transaction.atomic
def grant(appeal: Appeal, by: User, *, answer: str, request: HttpRequest | None = None) -> bool:
    """The maker is right: the item is where it was, and the reports are overruled. False when it does not wait."""
    if not _close(appeal, by, answer, is_granted=True):
        return False
    Report.objects.upheld().filter(generation=appeal.generation).update(is_upheld=False)
    show(appeal.generation, by, request=request)
    _record("appeal.granted", appeal, by, answer, request)
    return True


@transaction.atomic
def refuse(appeal: Appeal, by: User, *, answer: str, request: HttpRequest | None = None) -> bool:
    """It stays out. False when the appeal does not wait."""
    if not _close(appeal, by, answer, is_granted=False):
        return False
    _record("appeal.refused", appeal, by, answer, request)
    return True


def _close(appeal: Appeal, by: User, answer: str, *, is_granted: bool) -> bool:
    waiting = list(Appeal.objects.waiting().filter(pk=appeal.pk).values_list("pk", flat=True))
    closed = (
        Appeal.objects.open()
        .filter(pk__in=waiting)
        .update(decided_at=timezone.now(), decided_by=by, is_granted=is_granted, answer=answer)
    )
    if closed:
        _tell(appeal.generation, "granted" if is_granted else "refused", answer)
    return bool(closed)


def _record(action: str, appeal: Appeal, by: User, answer: str, request: HttpRequest | None) -> None:
    audit.record(action, team=None, actor=by, target=appeal.generation.public_id, request=request, reason=answer)


def _tell(generation: Generation, verdict: str, reason: str) -> None:
    """Write to the owners of the team that made it, when the decision is stored."""
    team = generation.team
    if team is None or team.deleted_at:
        return
    context = {
        "team": team.name,
        "verdict": verdict,
        "reason": reason,
        "prompt": generation.prompt[:200],
        "link": settings.SITE_URL + reverse("item", args=[generation.public_id]),
    }
    to = [owner.email for owner in owners_mail(team)[:20]]
    transaction.on_commit(lambda: mail.send("removal", to, context))


@transaction.atomic
def make_private(generation: Generation) -> None:
    """By its maker: from now on theirs alone, and what is asked for again by others is made anew."""
    changed = Generation.objects.filter(pk=generation.pk, visibility="public")
    if changed.update(visibility="private", scope=F("principal")):
        outbox.retract(generation.public_id)


@transaction.atomic
def delete(generation: Generation) -> None:
    """By its maker: out of sight at once, erased for good a little later."""
    if Generation.objects.filter(pk=generation.pk).remove():
        outbox.retract(generation.public_id)


def restore(generation: Generation) -> bool:
    """Undo `delete`. False when it is too late."""
    return bool(Generation.objects.filter(pk=generation.pk).restore())
