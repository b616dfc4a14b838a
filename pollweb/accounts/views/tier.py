"""What each tier gives, and asking for a higher one."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pollweb.accounts import tiers
from pollweb.accounts.errors import NotPossible
from pollweb.accounts.pages import team_page
from pollweb.accounts.team_forms import AskForTier
from pollweb.accounts.words import REQUEST_STATES
from pollweb.lib.forms import sent


@require_safe
@team_page("tier.see")
def tier(request: Any) -> HttpResponse:
    team = request.visit.team
    wishes = list(team.tier_requests.order_by("-pk")[:10])
    context = {
        "offers": tiers.offers(),
        "present": team.tier,
        "progress": tiers.progress(team, wishes[0] if wishes else None),
        "design": settings.DESIGN,
        "wishes": [(wish, *REQUEST_STATES[wish.state]) for wish in wishes],
    }
    return render(request, "teams/tier.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@team_page("tier.ask")
def ask(request: Any) -> HttpResponse:
    team = request.visit.team
    higher = tiers.higher_than(team.tier)
    if not higher:
        messages.info(request, _("There is no higher tier."))
        return redirect("team-tier", team.slug)
    form = AskForTier(sent(request), tiers=higher, initial={"wanted": higher[0]})
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                tiers.ask(request.visit, form.save(commit=False), request=request)
            except NotPossible as refused:
                form.add_error(None, refused.message)
            else:
                messages.success(request, _("Your request is on its way. The answer stands here, and comes by mail."))
                return redirect("team-tier", team.slug)
    return render(request, "teams/tier_ask.html", {"form": form}, status=status)


@require_POST
@team_page("tier.ask")
def withdraw(request: Any) -> HttpResponse:
    if tiers.withdraw(request.visit, request=request):
        messages.success(request, _("The request is withdrawn."))
    return redirect("team-tier", request.visit.team.slug)
