"""A team's settings: its name, its policy, how long prompts are kept; and the ways out."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from pollweb.accounts import money, remembered
from pollweb.accounts.audit import record
from pollweb.accounts.models import Team
from pollweb.accounts.pages import team_page
from pollweb.accounts.team_forms import TeamSettings
from pollweb.lib.forms import sent


@require_http_methods(["GET", "HEAD", "POST"])
@team_page("settings.change")
def settings(request: Any) -> HttpResponse:
    # A copy of its own: a form that is refused must not change what the frame around it shows.
    team = Team.objects.get(pk=request.visit.team.pk)
    form = TeamSettings(sent(request), instance=team, user=request.visit.user)
    status = 200
    if request.method == "POST":
        if form.is_valid():
            changed = {
                name: [_shown(name, form.initial.get(name)), _shown(name, form.cleaned_data[name])]
                for name in form.changed_data
            }
            if changed:
                with transaction.atomic():
                    team.save(update_fields=form.changed_data)
                    record(
                        "settings.changed",
                        team=team,
                        actor=request.visit.user,
                        target=", ".join(changed),
                        request=request,
                        **{name: " → ".join(values) for name, values in changed.items()},
                    )
                remembered.changed()
                messages.success(request, _("Saved."))
            return redirect("team-settings", team.slug)
        status = 422
    return render(request, "teams/settings.html", {"form": form}, status=status)


def _shown(name: str, value: Any) -> str:
    return money.said(value) if name == "monthly_budget" and value is not None else str(value)
