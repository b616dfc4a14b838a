"""The operator's page of the feed: what is held back, what was told, and what holds for all of it."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from feeds import moderation, policy, recent
from feeds.events import FeedEvent
from feeds.forms import Decide
from feeds.models import Outbox, Policy
from feeds.policy import sources_of
from feeds.views import local
from pollweb.accounts.pages import staff_page
from pollweb.lib.errors import NotFound

HELD, TOLD, HIDDEN = 60, 24, 12
REASONS = {
    "approve": gettext_lazy("Waits for approval"),
    "words": gettext_lazy("Has a held word"),
    "score": gettext_lazy("High score"),
    "blocked": gettext_lazy("Blocked source"),
    "judged": gettext_lazy("Mature words"),
}


def _shown(event: FeedEvent) -> dict[str, Any]:
    """What a moderator sees of an event."""
    return {
        "kind": event.kind,
        "model": event.model,
        "prompt": event.prompt,
        "response": event.response,
        "src": local(event.src) if event.kind == "image" and not event.remote else "",
        "score": event.score,
        "source": (sources_of(event) or [""])[0],
        "public_id": event.public_id,
        "href": event.href,
        "remote": event.remote,
    }


def _context(form: Decide | None = None) -> dict[str, Any]:
    decided = policy.read()
    row = Policy.objects.first()
    initial = {
        "approves_first": decided.approves_first,
        "follows": "" if decided.follows is None else "on" if decided.follows else "off",
        "delay": row.delay if row else None,
        "threshold": decided.threshold,
        "words": row.words if row else [],
        "blocked": row.blocked if row else [],
    }
    held = Outbox.objects.held()
    return {
        "form": form or Decide(initial=initial),
        "decided": decided,
        "held": [
            {**_shown(each.event), "pk": each.pk, "reason": REASONS.get(each.held, each.held), "at": each.release_at}
            for each in held.order_by("pk")[:HELD]
        ],
        "held_count": held.count(),
        "told": [{**_shown(item.event), "place": item.id} for item in recent.told()[:TOLD]],
        # Their files are given to nobody.
        "hidden": [{**_shown(each), "src": "", "is_hidden": True} for each in moderation.hidden()[:HIDDEN]],
    }


@require_safe
@staff_page
def feed(request: Any) -> HttpResponse:
    part = "staff/feed.html#queue" if getattr(request, "htmx", False) else "staff/feed.html"
    response = render(request, part, _context())
    response["Vary"] = "HX-Request"
    return response


@require_POST
@staff_page
def decide(request: Any) -> HttpResponse:
    form = Decide(request.POST)
    if not form.is_valid():
        return render(request, "staff/feed.html", _context(form), status=422)
    moderation.decide(request.user, request, **form.cleaned_data)
    messages.success(request, _("It holds in every process within two seconds."))
    return redirect("staff-feed")


@require_POST
@staff_page
def pause(request: Any) -> HttpResponse:
    moderation.decide(request.user, request, is_paused=request.POST.get("paused") == "1")
    return redirect("staff-feed")


@require_POST
@staff_page
def act(request: Any) -> HttpResponse:
    """One deed for one thing: `approve`, `refuse` or `undo` a held row (`held`), `hide` what was told (`told`) or
    `show` it again, or `block` where either came from."""
    deed = request.POST.get("deed", "")
    held = _number(request.POST.get("held", ""))
    told = request.POST.get("told", "")[:64]
    undo = 0
    if deed == "approve":
        said = _("Approved; it is on the screens.") if moderation.approve([held], request.user, request) else ""
    elif deed == "refuse":
        undo = held if moderation.refuse([held], request.user, request) else 0
        said = _("Refused; nobody will see it.") if undo else ""
    elif deed == "undo":
        said = _("It is held again.") if moderation.undo([held], request.user, request) else ""
    elif deed == "hide":
        moderation.hide(_event(0, told).public_id, request.user, request)
        said = _("Hidden; it leaves every screen within a second.")
    elif deed == "show":
        said = _("It is in the gallery again.") if moderation.show(told, request.user, request) else ""
    elif deed == "block":
        source = moderation.block(_event(held, told), request.user, request)
        said = _("Blocked: %(source)s.") % {"source": source} if source else _("Nobody knows where it came from.")
    else:
        raise NotFound(_("There is nothing at this address."))
    messages.info(request, said or _("Somebody else was quicker."), extra_tags=f"undo-{undo}" if undo else "")
    return redirect("staff-feed")


@require_POST
@staff_page
def approve_all(request: Any) -> HttpResponse:
    """Those that were shown, not what came since."""
    ids = [_number(each) for each in request.POST.getlist("held")[:HELD]]
    count = moderation.approve(ids, request.user, request)
    messages.success(request, ngettext("%(count)d approved.", "%(count)d approved.", count) % {"count": count})
    return redirect("staff-feed")


def _event(held: int, told: str) -> FeedEvent:
    if held and (row := Outbox.objects.filter(pk=held).first()):
        return row.event
    for item in recent.told():
        if item.public_id == told:
            return item.event
    raise NotFound(_("This is not in the feed any more."))


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
