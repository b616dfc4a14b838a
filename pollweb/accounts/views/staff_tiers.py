"""The operator's pages for tiers: who asks for a higher one, and any team's tier."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from pollweb.accounts import reports, tiers
from pollweb.accounts.errors import NotPossible
from pollweb.accounts.models import Team, TierRequest
from pollweb.accounts.pages import one_of, staff_page
from pollweb.accounts.team_forms import Decide, SetTier
from pollweb.accounts.words import REQUEST_STATES
from pollweb.lib.paging import page

PAGE = 50


def _list(request: Any, form: SetTier, *, status: int = 200) -> HttpResponse:
    state = request.GET.get("state", "open")
    rows = TierRequest.objects.select_related("team", "asked_by").order_by("-pk")
    rows = rows.filter(state=state) if state in REQUEST_STATES else rows
    state = state if state in REQUEST_STATES else "all"
    found = page(rows, PAGE, after=request.GET.get("after", ""), before=request.GET.get("before", ""))
    context = {
        "form": form,
        "wishes": [(wish, *REQUEST_STATES[wish.state]) for wish in found.rows],
        "state": state,
        "states": [("all", _("All")), *((name, label) for name, (_dot, label) in REQUEST_STATES.items())],
        "older_url": f"?state={state}&after={found.older}" if found.older else "",
        "newer_url": f"?state={state}&before={found.newer}" if found.newer else "",
    }
    return render(request, "staff/tiers.html", context, status=status)


@require_safe
@staff_page
def requests(request: Any) -> HttpResponse:
    team = request.GET.get("team", "")[:60]
    return _list(request, SetTier(initial={"team": team}))


def _one(request: Any, wish: TierRequest, form: Decide, *, status: int = 200) -> HttpResponse:
    dot, label = REQUEST_STATES[wish.state]
    context = {
        "wish": wish,
        "dot": dot,
        "label": label,
        "requests": reports.requests_lately(wish.team),
        "form": form,
    }
    return render(request, "staff/tier.html", context, status=status)


def _wish(pk: int) -> TierRequest:
    return one_of(TierRequest.objects.select_related("team", "asked_by", "decided_by").filter(pk=pk))


@require_safe
@staff_page
def one(request: Any, wish: int) -> HttpResponse:
    return _one(request, _wish(wish), Decide())


@require_POST
@staff_page
def decide(request: Any, wish: int) -> HttpResponse:
    found = _wish(wish)
    form = Decide(request.POST)
    if not form.is_valid():
        return _one(request, found, form, status=422)
    try:
        tiers.decide(found, request.user, form.cleaned_data["verdict"], form.cleaned_data["reason"], request=request)
    except NotPossible as refused:
        form.add_error(None, refused.message)
        return _one(request, found, form, status=refused.status)
    messages.success(request, _("Answered; the team's owners are told by mail."))
    return redirect("staff-tiers")


@require_POST
@staff_page
def set_tier(request: Any) -> HttpResponse:
    form = SetTier(request.POST)
    if form.is_valid():
        team = Team.objects.living().filter(slug=form.cleaned_data["team"]).first()
        if team is not None:
            tiers.set_tier(team, form.cleaned_data["tier"], request.user, form.cleaned_data["reason"], request=request)
            messages.success(
                request,
                _("%(team)s is now in the tier %(tier)s.")
                % {"team": team.name, "tier": form.cleaned_data["tier"].capitalize()},
            )
            return redirect("staff-tiers")
        form.add_error("team", _("There is no team of this name."))
    return _list(request, form, status=422)
