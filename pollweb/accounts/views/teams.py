"""Into a team, and what happens to a team as a whole: made, deleted, had back, left."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pollweb.accounts import current, membership, teams
from pollweb.accounts.errors import NotPossible
from pollweb.accounts.models import Membership, Team, User
from pollweb.accounts.navigation import sections
from pollweb.accounts.pages import team_page
from pollweb.accounts.team_forms import NewTeam, TypedName
from pollweb.accounts.words import ROLE_NAMES
from pollweb.lib.errors import NotFound
from pollweb.lib.forms import sent


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """The team entered last, else one's own, else the list, from where one can be made."""
    team = current.team_of(request, "team.see")
    return redirect("team", team.slug) if team else redirect("my-teams")


@require_safe
@team_page("team.see")
def enter(request: Any) -> HttpResponse:
    """The first page of the team that one may see."""
    for group in sections(request.visit.team.slug, request.visit.may):
        return redirect(group[0][1])
    raise NotFound(_("There is nothing at this address."))


@require_safe
@login_required
def mine(request: HttpRequest) -> HttpResponse:
    """Every team that one is in, and the deleted ones that one can still have back."""
    user = cast(User, request.user)
    memberships = Membership.objects.filter(user=user, team__deleted_at=None).select_related("team")
    context = {
        "memberships": [(each, ROLE_NAMES[each.role]) for each in memberships.order_by("team__name")],
        "deleted": Team.objects.restorable_by(user),
    }
    return render(request, "teams/mine.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def new(request: HttpRequest) -> HttpResponse:
    form = NewTeam(sent(request))
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                team = teams.create(
                    cast(User, request.user),
                    form.cleaned_data["name"],
                    form.cleaned_data["visibility"],
                    request=request,
                )
            except NotPossible as refused:
                form.add_error(None, refused.message)
            else:
                messages.success(request, _("The team is made. Invite the others, or make a token."))
                return redirect("team", team.slug)
    return render(request, "teams/new.html", {"form": form}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@team_page("team.delete")
def delete(request: Any) -> HttpResponse:
    """Asks for the team's name; a week to undo."""
    team = request.visit.team
    form = TypedName(sent(request), name=team.name)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                teams.delete(team, request.visit.user, request=request)
            except NotPossible as refused:
                form.add_error(None, refused.message)
            else:
                messages.success(
                    request, _("%(team)s is deleted. For a week you can have it back here.") % {"team": team.name}
                )
                return redirect("my-teams")
    return render(request, "teams/delete.html", {"form": form}, status=status)


@require_POST
@login_required
def restore(request: HttpRequest, slug: str) -> HttpResponse:
    user = cast(User, request.user)
    team = Team.objects.restorable_by(user).filter(slug=slug).first()
    if team is None or not teams.restore(team, user, request=request):
        raise NotFound(_("There is nothing at this address."))
    messages.success(request, _("%(team)s is back, with everything in it.") % {"team": team.name})
    return redirect("team", team.slug)


@require_http_methods(["GET", "HEAD", "POST"])
@team_page("team.see", needs_second_factor=False)
def leave(request: Any) -> HttpResponse:
    """Asks once; the last owner is told why it cannot be."""
    problem = ""
    if request.method == "POST":
        try:
            membership.leave(request.visit, request=request)
        except NotPossible as refused:
            problem = refused.message
        else:
            messages.success(request, _("You have left %(team)s.") % {"team": request.visit.team.name})
            return redirect("my-teams")
    return render(request, "teams/leave.html", {"problem": problem}, status=409 if problem else 200)
