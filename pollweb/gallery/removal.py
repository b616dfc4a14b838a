"""An item leaves the gallery, and every screen with it: by an operator, by reports, or by whoever made it.

What an operator decides is told to its maker by mail, where there is a team to write to.
"""

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from feeds import outbox
from generation import search
from generation.models import Generation
from pollweb.accounts import audit, mail
from pollweb.accounts.membership import owners_mail
from pollweb.accounts.models import AuditEvent, User
from pollweb.gallery.models import Appeal, Report


@transaction.atomic
def hide(
    generation: Generation, by: User | None, *, reason: str, words: str = "", request: HttpRequest | None = None
) -> bool:
    """Out of the gallery until somebody shows it again; `words` are for its maker. False when it was hidden already."""
    hidden = Generation.objects.filter(pk=generation.pk, hidden_at=None).update(hidden_at=timezone.now())
    if hidden:
        outbox.retract(generation.public_id)
        audit.record("item.hidden", team=None, actor=by, target=generation.public_id, request=request, reason=reason)
        if by is not None:
            _tell(generation, "removed", words)
    return bool(hidden)


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
def uphold(generation: Generation, by: User, *, reason: str, request: HttpRequest | None = None) -> int:
    """The reports are right: the item is hidden, and they are decided. Says how many there were."""
    is_news = hide(generation, by, reason=reason, words=reason, request=request)
    count = _decide(generation, by, reason, is_upheld=True)
    if count and not is_news:  # the reports had hidden it before
        _tell(generation, "removed", reason)
    return count


@transaction.atomic
def dismiss(generation: Generation, by: User, *, reason: str, request: HttpRequest | None = None) -> int:
    """The reports are not right: what they had hidden is shown again. Says how many there were."""
    was_hidden_by_reports = _is_hidden_by_reports(generation)
    count = _decide(generation, by, reason, is_upheld=False)
    if count and was_hidden_by_reports:
        rows = Generation.objects.filter(pk=generation.pk, deleted_at=None).exclude(hidden_at=None)
        if rows.update(hidden_at=None):
            search.expect([generation.pk])  # a sweep may have come meanwhile
    audit.record(
        "reports.dismissed", team=None, actor=by, target=generation.public_id, request=request, reason=reason, n=count
    )
    return count


def _is_hidden_by_reports(generation: Generation) -> bool:
    """Nobody's hand: the last time it was hidden was when enough people had reported it, and nobody has upheld that."""
    if Report.objects.upheld().filter(generation=generation).exists():
        return False
    hidden = AuditEvent.objects.filter(team=None, action="item.hidden", target=generation.public_id)
    last = hidden.newest_first().first()
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
