"""Library: everything a team made, public and private, to be looked through and changed in bulk."""

from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from feeds import outbox
from generation import intake, search
from generation.models import Generation, GenerationQuerySet, State
from generation.web.tiles import Tile, for_tiles
from pollweb.accounts import audit, exporting, reports
from pollweb.accounts.errors import NotPossible
from pollweb.accounts.identity import Principal
from pollweb.accounts.pages import NotAllowed, Visit, team_page
from pollweb.accounts.views import privacy
from pollweb.gallery.team import archive
from pollweb.lib import ids
from pollweb.lib.errors import PollwebError
from pollweb.lib.paging import page as page_of

PAGE = 60
KINDS = ("image", "text", "audio")
STATES = {
    "": gettext_lazy("Finished"),
    "failed": gettext_lazy("Failed"),
    "active": gettext_lazy("In progress"),
}
VISIBILITIES = {"public": gettext_lazy("Public"), "private": gettext_lazy("Private")}


def _filters(query: QueryDict) -> dict[str, str]:
    kind, state, seen = query.get("kind", ""), query.get("state", ""), query.get("visibility", "")
    token, view = query.get("token", ""), query.get("view", "")
    return {
        "kind": kind if kind in KINDS else "",
        "model": query.get("model", "")[:100],
        "token": token if token.isascii() and token.isdigit() and len(token) < 19 else "",
        "visibility": seen if seen in VISIBILITIES else "",
        "state": state if state in STATES else "",
        "view": view if view == "table" else "",
    }


def _query(filters: dict[str, str], **place: str) -> str:
    query = QueryDict(mutable=True)
    query.update({name: value for name, value in {**filters, **place}.items() if value})
    return f"?{query.urlencode()}" if query else ""


def _rows(visit: Visit, filters: dict[str, str]) -> GenerationQuerySet:
    rows = Generation.objects.of_team(visit.team)
    match filters["state"]:
        case "failed":
            rows = rows.filter(state__in=[State.FAILED, State.EXPIRED])
        case "active":
            rows = rows.active()
        case _:
            rows = rows.finished()
    chosen = {name: filters[name] for name in ("kind", "model", "visibility") if filters[name]}
    if filters["token"]:
        chosen["token_id"] = filters["token"]
    return rows.filter(**chosen)


@require_safe
@team_page("library.see")
def page(request: Any) -> HttpResponse:
    visit, filters = request.visit, _filters(request.GET)
    after, before = request.GET.get("after", ""), request.GET.get("before", "")
    rows = for_tiles(_rows(visit, filters).newest_first(), "error_code", "error_status", "token__name")
    found = page_of(rows, PAGE, after=after, before=before)
    if before and len(found.rows) < PAGE:
        return HttpResponseRedirect(request.path + _query(filters))
    context = {
        "tiles": [Tile(row, place, own=True, of_team=True) for place, row in enumerate(found.rows)],
        "filters": filters,
        "is_filtered": any(value for name, value in filters.items() if name != "view"),
        "kinds": [(name, _query({**filters, "kind": name})) for name in ("", *KINDS)],
        "states": [(name, label, _query({**filters, "state": name})) for name, label in STATES.items()],
        "visibilities": list(VISIBILITIES.items()),
        "models": sorted({name for kind in KINDS for name in _models(kind)}),
        "tokens": reports.token_names(visit.team),
        "cleared": _query({"view": filters["view"]}),
        "as_gallery": _query({**filters, "view": ""}),
        "as_table": _query({**filters, "view": "table"}),
        "older_url": _query(filters, after=found.older) if found.older else "",
        "newer_url": _query(filters, before=found.newer) if found.newer else "",
        "here": request.get_full_path(),
        "undo": request.session.pop("undo", None),
        "may_publish": not visit.team.always_private,
        "archives": privacy.listed(visit.user.exports.chosen_lately(visit.team)),
    }
    return render(request, "teams/library.html", context)


def _models(kind: str) -> list[str]:
    from django.conf import settings

    return list(getattr(settings.DESIGN.models, kind))


@require_POST
@team_page("library.change")
def change(request: Any) -> HttpResponse:
    """Do to the chosen ones what the button says: private, public, hide, delete, restore, retry or zip."""
    visit: Visit = request.visit
    chosen = [name for name in request.POST.getlist("item")[: PAGE * 4] if ids.is_public_id(name)]
    rows = Generation.objects.filter(team=visit.team, public_id__in=chosen)
    if request.POST.get("action") == "zip_all":
        _zip(request, _rows(visit, _filters(QueryDict(urlsplit(_back(request)).query))))
        return redirect(_back(request))
    if "library.change_all" not in visit.may:
        rows = rows.filter(token__created_by=visit.user)
    action = ACTIONS.get(request.POST.get("action", ""))
    back = _back(request)
    if action is None or not rows.exists():
        words = (
            _("Choose something first.")
            if not chosen
            else _("Your role lets you change only what your own tokens made.")
        )
        messages.warning(request, words)
        return redirect(back)
    return action(request, rows) or redirect(back)


def _back(request: Any) -> str:
    given = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(given, allowed_hosts=None) and given.startswith("/"):
        return str(given)
    return reverse("team-library", args=[request.visit.team.slug])


def _private(request: Any, rows: GenerationQuerySet) -> None:
    with transaction.atomic():
        changed = list(rows.finished().filter(visibility="public").values_list("public_id", flat=True))
        # Its scope too, or strangers who ask for the same would still be given it from the cache.
        rows.filter(public_id__in=changed).update(visibility="private", scope=f"team:{request.visit.team.pk}")
        for public_id in changed:
            outbox.retract(public_id)
        _record(request, "library.made_private", changed)
    _say(request, ngettext("%(n)s item is private now.", "%(n)s items are private now.", len(changed)), len(changed))


def _public(request: Any, rows: GenerationQuerySet) -> None:
    if request.visit.team.always_private:
        raise NotAllowed(_("This team keeps everything private. An admin can change that in its settings."))
    with transaction.atomic():
        private = rows.finished().filter(visibility="private").values_list("public_id", "pk")
        keys = dict(private)
        changed = list(keys)
        rows.filter(public_id__in=changed).update(visibility="public")
        search.expect(keys.values())
        _record(request, "library.made_public", changed)
    _say(request, ngettext("%(n)s item is public now.", "%(n)s items are public now.", len(changed)), len(changed))


def _delete(request: Any, rows: GenerationQuerySet) -> None:
    with transaction.atomic():
        rows = rows.exclude(state__in=[State.QUEUED, State.RUNNING]).filter(deleted_at=None)
        told = list(rows.filter(visibility="public").values_list("public_id", flat=True))
        gone = list(rows.values_list("public_id", flat=True))
        rows.filter(public_id__in=gone).remove()
        for public_id in told:  # of what was private nobody is told even the name
            outbox.retract(public_id)
        _record(request, "library.deleted", gone)
    request.session["undo"] = {
        "items": gone,
        "words": ngettext("%(n)s item was deleted.", "%(n)s items were deleted.", len(gone)) % {"n": len(gone)},
    }


def _restore(request: Any, rows: GenerationQuerySet) -> None:
    back = rows.restore()
    _record(request, "library.restored", [str(back)])
    _say(request, ngettext("%(n)s item is back.", "%(n)s items are back.", back), back)


def _retry(request: Any, rows: GenerationQuerySet) -> None:
    team, sent = request.visit.team, 0
    for row in rows.filter(state__in=[State.FAILED, State.EXPIRED, State.CANCELLED])[:PAGE]:
        caller = Principal(
            key=f"team:{team.pk}", tier=team.tier, team_id=team.pk, token_id=row.token_id, visibility=row.visibility
        )
        try:
            intake.enqueue(row.request(), intake.Context(principal=caller, referrer=row.referrer))
        except PollwebError as error:
            messages.error(request, error.message)
            break
        sent += 1
    if sent:
        _say(request, ngettext("%(n)s is being tried again.", "%(n)s are being tried again.", sent), sent)


def _hide(request: Any, rows: GenerationQuerySet) -> None:
    """Off the walls and out of the feeds; public in the gallery and at its address all the same."""
    with transaction.atomic():
        gone = list(rows.finished().filter(visibility="public").values_list("public_id", flat=True))
        for public_id in gone:
            outbox.retract(public_id)
        _record(request, "library.hidden_from_feed", gone)
    words = ngettext("%(n)s item is out of the feed.", "%(n)s items are out of the feed.", len(gone))
    _say(request, words, len(gone))


def _zip(request: Any, rows: GenerationQuerySet) -> None:
    """An archive of the chosen ones, or of all that the filters show, is made by a worker."""
    items = archive.available(rows).newest_first().values_list("public_id", flat=True)[: exporting.MOST_CHOSEN]
    if not items:
        messages.warning(request, _("There is no file among these."))
        return
    try:
        exporting.ask(request.visit.user, request.visit.team, list(items), request=request)
    except NotPossible as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, _("The archive is being made. It will lie here in a moment."))


ACTIONS: dict[str, Any] = {
    "private": _private,
    "hide": _hide,
    "public": _public,
    "delete": _delete,
    "restore": _restore,
    "retry": _retry,
    "zip": _zip,
}


def _record(request: Any, action: str, items: list[str]) -> None:
    if items:
        visit = request.visit
        target = items[0] if len(items) == 1 else f"{len(items)} items"
        audit.record(action, team=visit.team, actor=visit.user, target=target, request=request, items=items[:60])


def _say(request: HttpRequest, words: str, number: int) -> None:
    messages.success(request, words % {"n": number})
