"""What waits for an operator's decision, each as the queue shows it: appeals, reports, what is held back, and what a
machine found sensitive."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, Max
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from feeds.events import FeedEvent
from feeds.models import Outbox
from feeds.staff import REASONS
from feeds.views import local
from generation.models import Generation, GenerationQuerySet
from generation.web.tiles import Tile, for_tiles
from pollweb.gallery import appeals
from pollweb.gallery.models import Appeal, Reason, Report

WHY = gettext_lazy("Why")
SHOWN = 30  # of each list
SHOWN_REPORTS = 5  # of one item


@dataclass(frozen=True, slots=True)
class Deed:
    """A button. Without `needs_why` it may be pressed while nothing is written beside it."""

    value: str
    label: str | Promise
    icon: str
    is_danger: bool = False
    needs_why: bool = True


HIDE = Deed("hide", gettext_lazy("Hide the item"), "eye-off", is_danger=True)
MARK = Deed("mark", gettext_lazy("Mark as sensitive"), "shield")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing to decide about. `href` is its page and `src` its picture, where it has one here; `lead` says why it is
    here, `note` what was decided before, `words` what its maker says, `told` what visitors say. The answer is sent to
    `action` with `subject` as `name`, and what the operator writes as `why`, which is `proposed` at first."""

    kind: str
    model: str
    prompt: str
    action: str
    name: str
    subject: str
    deeds: Sequence[Deed]
    href: str = ""
    src: str = ""
    alt: str = ""
    response: str = ""
    is_mature: bool = False
    is_hidden: bool = False
    lead: str | Promise = ""
    facts: Sequence[str] = ()
    at: datetime | None = None
    note: str = ""
    words: str = ""
    told: Sequence[Report] = ()
    why: str = "reason"
    ask: str | Promise = WHY
    proposed: str = ""


def _shown(row: Generation) -> dict[str, Any]:
    """A row as `for_tiles` fetches it."""
    tile = Tile(row, of_team=True)
    return {
        "kind": row.kind,
        "model": row.model,
        "prompt": tile.prompt or row.public_id,
        "response": tile.response if row.kind == "text" else "",
        "href": reverse("item", args=[row.public_id]),
        "src": reverse("item-media", args=[row.public_id]) if tile.is_picture else "",
        "alt": tile.alt,
        "is_mature": row.is_mature,
        "is_hidden": row.hidden_at is not None,
    }


def _of_item(row: Generation) -> dict[str, Any]:
    return {**_shown(row), "action": reverse("staff-reports-decide"), "name": "item", "subject": row.public_id}


# --- appeals ----------------------------------------------------------------------------------------------------------


def appealed() -> list[Case]:
    """The oldest first."""
    found = list(Appeal.objects.waiting().order_by("pk")[:SHOWN])
    rows = for_tiles(Generation.objects.filter(pk__in=[each.generation_id for each in found])).in_bulk()
    return [_appeal(each, rows[each.generation_id]) for each in found if each.generation_id in rows]


def _appeal(appeal: Appeal, row: Generation) -> Case:
    removal = appeals.removal_of(row)
    return Case(
        **_shown(row),
        action=reverse("staff-appeals-decide"),
        name="appeal",
        subject=str(appeal.pk),
        facts=[removal.reason] if removal.reason else [],
        at=appeal.made_at,
        note=removal.words,
        words=appeal.words,
        why="answer",
        ask=_("Answer"),
        deeds=(
            Deed("grant", _("Show it again"), "check"),
            Deed("refuse", _("Refuse the appeal"), "x", is_danger=True),
        ),
    )


# --- reports ----------------------------------------------------------------------------------------------------------


def waiting() -> Any:
    """A queryset of each reported item once, and from how many networks it was reported."""
    return Report.objects.open().values("generation").annotate(networks=Count("network", distinct=True))


def reported() -> list[Case]:
    """The most reported first."""
    found = list(waiting().annotate(latest=Max("pk")).order_by("-networks", "-latest")[:SHOWN])
    pks = [each["generation"] for each in found]
    rows = for_tiles(Generation.objects.filter(pk__in=pks)).in_bulk()
    reports: dict[Any, list[Report]] = {pk: [] for pk in pks}
    for report in Report.objects.open().filter(generation__in=pks).order_by("-pk"):
        reports[report.generation_id].append(report)
    return [_report(rows[pk], reports[pk]) for pk in pks if pk in rows]


def _report(row: Generation, reports: list[Report]) -> Case:
    count = len(reports)
    marks = () if row.is_mature else (MARK,)
    return Case(
        **_of_item(row),
        lead=ngettext("%(n)s report", "%(n)s reports", count) % {"n": count},
        facts=[row.model],
        told=reports[:SHOWN_REPORTS],
        proposed=", ".join(sorted({str(Reason(report.reason).label) for report in reports}))[:200],
        deeds=(HIDE, *marks, Deed("dismiss", _("Dismiss the reports"), "check")),
    )


# --- what waits for the feed ------------------------------------------------------------------------------------------


def held() -> list[Case]:
    """The oldest first. Of what was made elsewhere there is no item here, only what was told of it."""
    found = list(Outbox.objects.held().order_by("pk")[:SHOWN])
    rows = for_tiles(Generation.objects.filter(pk__in=[each.event_id for each in found])).in_bulk()
    return [_held(each, rows.get(each.event_id)) for each in found]


def _held(waits: Outbox, row: Generation | None) -> Case:
    event = waits.event
    marks = (MARK,) if row is not None and not row.is_mature else ()
    return Case(
        **(_shown(row) if row is not None else _foreign(event)),
        action=reverse("staff-held-decide"),
        name="held",
        subject=str(waits.pk),
        lead=REASONS.get(waits.held, waits.held),
        facts=[event.model, *_score(event.score), *([event.source] if event.source else [])],
        at=waits.release_at,
        deeds=(Deed("release", _("Release"), "check", needs_why=False), *marks, HIDE),
    )


def _foreign(event: FeedEvent) -> dict[str, Any]:
    return {
        "kind": event.kind,
        "model": event.model,
        "prompt": event.prompt[:300],
        "response": event.response[:400],
        "src": local(event.src) if event.kind == "image" and not event.remote else "",
    }


# --- what a machine found sensitive -----------------------------------------------------------------------------------


def unjudged() -> GenerationQuerySet:
    """Sensitive by the classifier or the word rules; no operator has said anything yet."""
    return Generation.objects.sensitive().filter(sensitivity=None)


def found_sensitive() -> list[Case]:
    """The newest first."""
    scores = dict(unjudged().newest_first().values_list("pk", "notes__nsfw_score")[:SHOWN])
    rows = for_tiles(Generation.objects.filter(pk__in=list(scores)), "finished_at").in_bulk()
    return [_found_sensitive(rows[pk], score) for pk, score in scores.items() if pk in rows]


def _found_sensitive(row: Generation, score: float | None) -> Case:
    is_high = score is not None and score >= settings.DESIGN.moderation.threshold
    return Case(
        **_of_item(row),
        lead=_("High score") if is_high else _("Mature words"),
        facts=[row.model, *_score(score)],
        at=row.finished_at,
        deeds=(
            Deed("unmark", _("Release"), "check"),
            Deed("mark", _("Keep it sensitive"), "shield"),
            HIDE,
        ),
    )


def _score(score: float | None) -> list[str]:
    return [] if score is None else [_("Score %(score)s") % {"score": f"{score:.2f}"}]
