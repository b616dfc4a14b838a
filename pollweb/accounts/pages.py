"""What a team's page says at its door: `@team_page("tokens.see")`."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from pollweb.accounts import current, second_factor
from pollweb.accounts.models import Membership, Team, User
from pollweb.accounts.permissions import BY_ROLE, may
from pollweb.lib.errors import NotFound, PollwebError


@dataclass(frozen=True, slots=True)
class Visit:
    """Who stands in which team, and what they may do there; `request.visit`, and `visit` in templates."""

    user: User
    team: Team
    membership: Membership

    @property
    def may(self) -> frozenset[str]:
        """For templates: `{% if "tokens.create" in visit.may %}`."""
        return BY_ROLE[self.membership.role]

    def require(self, action: str) -> None:
        """NotAllowed for a member whose role does not reach that far."""
        if not may(self.membership, action):
            raise NotAllowed(_("Your role in this team does not reach this far. An admin of the team can help."))


class NotAllowed(PollwebError):
    code, status = "forbidden", 403


class SecondFactorNeeded(NotAllowed):
    code = "second_factor_needed"


def team_page[**P](
    action: str, *, needs_second_factor: bool = True
) -> Callable[[Callable[Concatenate[HttpRequest, P], HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """A page under /t/<team>/ for members who may do `action`.

    To strangers a team that exists and one that does not are the same 404; a member whose role does not reach is told
    so with 403. The view is called with the request, which has `visit`, and what else stands in the path. What it asks
    for can be read as the view's `team_action`; a team that wants a second factor of everybody has it checked here.
    """

    def decorate(view: Callable[Concatenate[HttpRequest, P], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @login_required
        @wraps(view)
        def guarded(request: HttpRequest, team: str, *args: Any, **kwargs: Any) -> HttpResponseBase:
            membership = (
                Membership.objects.filter(user=request.user, team__slug=team, team__deleted_at=None)  # type: ignore[misc]
                .select_related("team", "user")
                .first()
            )
            if membership is None:
                raise NotFound(_("There is nothing at this address."))
            visit = Visit(membership.user, membership.team, membership)
            visit.require(action)
            if (
                needs_second_factor
                and membership.team.requires_second_factor
                and not second_factor.has(membership.user)
            ):
                return _to_second_factor(request)
            current.enter(request, membership.team)
            request.visit = visit  # type: ignore[attr-defined]
            response = view(request, *args, **kwargs)
            response.headers.setdefault("Cache-Control", "private, no-store")
            return response

        guarded.team_action = action  # type: ignore[attr-defined]
        return guarded

    return decorate


def one_of[Row: Model](rows: QuerySet[Row]) -> Row:
    """The row that an address names; NotFound where there is none, or none that may be seen."""
    found = rows.first()
    if found is None:
        raise NotFound(_("There is nothing at this address."))
    return found


def _to_second_factor(request: HttpRequest) -> HttpResponse:
    """Whoever looks at a page is led to where they get one; what was sent by a form is refused."""
    wanted = _("This team wants everybody to have a second factor. Set one up in your account, then come back.")
    if request.method not in ("GET", "HEAD"):
        raise SecondFactorNeeded(wanted)
    messages.warning(request, wanted)
    return redirect("mfa_index")


def staff_page[**P](
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """A page of the operator's. To everybody else who is signed in it does not exist."""

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not (request.user.is_active and request.user.is_staff):
            raise NotFound(_("There is nothing at this address."))
        response = view(request, *args, **kwargs)
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    guarded.is_staff_page = True  # type: ignore[attr-defined]
    return guarded
