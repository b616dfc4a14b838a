"""Who is in a team: the list, roles, removal, invitations."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pollweb.accounts import invitations, membership
from pollweb.accounts.errors import NotPossible
from pollweb.accounts.models import Invitation, Membership
from pollweb.accounts.pages import NotAllowed, one_of, team_page
from pollweb.accounts.permissions import may_give
from pollweb.accounts.team_forms import Invite, Role, roles_given_by
from pollweb.accounts.words import ROLE_HELP, ROLE_NAMES
from pollweb.lib.forms import sent


def _member(request: Any, pk: int) -> Membership:
    return one_of(Membership.objects.filter(team=request.visit.team, pk=pk).select_related("user", "team"))


def _invitation(request: Any, pk: int) -> Invitation:
    return one_of(Invitation.objects.filter(team=request.visit.team, pk=pk, accepted_at=None, revoked_at=None))


@require_safe
@team_page("members.see")
def members(request: Any) -> HttpResponse:
    visit = request.visit
    open_ones = Invitation.objects.none()
    if "members.invite" in visit.may:
        open_ones = visit.team.invitations.open().select_related("created_by").order_by("-pk")
    context = {
        "members": [(each, ROLE_NAMES[each.role]) for each in membership.everybody(visit.team)],
        "invitations": [(each, ROLE_NAMES[each.role]) for each in open_ones],
        "roles": [(ROLE_NAMES[name], ROLE_HELP[name]) for name in ROLE_NAMES],
    }
    return render(request, "teams/members.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@team_page("members.invite")
def invite(request: Any) -> HttpResponse:
    form = Invite(sent(request), roles=roles_given_by(request.visit.membership.role))
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                made = invitations.invite(
                    request.visit, form.cleaned_data["email"], form.cleaned_data["role"], request=request
                )
            except NotPossible as refused:
                form.add_error(None, refused.message)
            else:
                return _sent(request, made)
    return render(request, "teams/invite.html", {"form": form}, status=status)


def _sent(request: HttpRequest, sent: invitations.Sent) -> HttpResponse:
    """The one page that shows the link: it is answered to the form itself, since nothing keeps the secret."""
    return render(request, "teams/invited.html", {"sent": sent, "role": ROLE_NAMES[sent.invitation.role]})


@require_POST
@team_page("members.invite")
def resend(request: Any, invitation: int) -> HttpResponse:
    try:
        return _sent(request, invitations.resend(request.visit, _invitation(request, invitation), request=request))
    except NotPossible as refused:
        messages.error(request, refused.message)
        return redirect("team-members", request.visit.team.slug)


@require_POST
@team_page("members.invite")
def withdraw(request: Any, invitation: int) -> HttpResponse:
    if invitations.revoke(request.visit, _invitation(request, invitation), request=request):
        messages.success(request, _("The invitation is withdrawn; its link opens nothing any more."))
    return redirect("team-members", request.visit.team.slug)


def _one(request: Any, member: Membership, form: Role, *, status: int = 200) -> HttpResponse:
    mine = request.visit.membership
    context = {
        "member": member,
        "role": ROLE_NAMES[member.role],
        "form": form,
        "is_self": member.pk == mine.pk,
        "is_changeable": may_give(mine, member.role),
    }
    return render(request, "teams/member.html", context, status=status)


def _roles(request: Any, member: Membership, data: Any = None) -> Role:
    return Role(data, roles=roles_given_by(request.visit.membership.role), initial={"role": member.role})


@require_safe
@team_page("members.change")
def member(request: Any, member: int) -> HttpResponse:
    """One member: their role, and the way out."""
    found = _member(request, member)
    return _one(request, found, _roles(request, found))


@require_POST
@team_page("members.change")
def change_role(request: Any, member: int) -> HttpResponse:
    found = _member(request, member)
    form = _roles(request, found, request.POST)
    if not form.is_valid():
        return _one(request, found, form, status=422)
    try:
        if membership.change_role(request.visit, found, form.cleaned_data["role"], request=request):
            messages.success(
                request,
                _("%(name)s is now: %(role)s.")
                % {"name": found.user.get_username(), "role": ROLE_NAMES[form.cleaned_data["role"]]},
            )
    except (NotPossible, NotAllowed) as refused:
        form.add_error(None, refused.message)
        return _one(request, found, form, status=refused.status)
    return redirect("team-members", request.visit.team.slug)


@require_POST
@team_page("members.change")
def remove(request: Any, member: int) -> HttpResponse:
    found = _member(request, member)
    try:
        membership.remove(request.visit, found, request=request)
    except NotPossible as refused:
        messages.error(request, refused.message)
        return redirect("team-members-one", request.visit.team.slug, found.pk)
    messages.success(request, _("%(name)s is no longer in the team.") % {"name": found.user.get_username()})
    return redirect("team-members" if found.user_id != request.user.pk else "my-teams", *_where(request, found))


def _where(request: Any, removed: Membership) -> tuple[str, ...]:
    return (request.visit.team.slug,) if removed.user_id != request.user.pk else ()
