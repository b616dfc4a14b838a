"""Changing who is in a team: roles, removal, leaving. Owners are made and unmade by owners; the last owner stays."""

from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from pollweb.accounts.audit import record
from pollweb.accounts.errors import NotPossible
from pollweb.accounts.models import Invitation, Membership, Team, User
from pollweb.accounts.pages import NotAllowed, Visit
from pollweb.accounts.permissions import may, may_give


def change_role(visit: Visit, membership: Membership, role: str, *, request: HttpRequest | None = None) -> bool:
    """Give a member another role; False when it is the present one. Raises NotAllowed, NotPossible."""
    with transaction.atomic():
        member = _locked(membership)
        if member.role == role:
            return False
        if not (may_give(visit.membership, member.role) and may_give(visit.membership, role)):
            raise NotAllowed(_("Owners are made and unmade by owners only."))
        _keep_an_owner(member)
        before, member.role = member.role, role
        member.save(update_fields=["role"])
        void_invitations(member)
        record(
            "member.role_changed",
            team=visit.team,
            actor=visit.user,
            target=member.user,
            request=request,
            before=before,
            after=role,
        )
    return True


def remove(visit: Visit, membership: Membership, *, request: HttpRequest | None = None) -> None:
    """Take a member out of the team. Raises NotAllowed, NotPossible."""
    with transaction.atomic():
        member = _locked(membership)
        if not may_give(visit.membership, member.role):
            raise NotAllowed(_("Owners are made and unmade by owners only."))
        _end(member)
        record("member.removed", team=visit.team, actor=visit.user, target=member.user, request=request)


def leave(visit: Visit, *, request: HttpRequest | None = None) -> None:
    """Go by oneself. Raises NotPossible for the last owner, and for one's own team."""
    if visit.team.person_id == visit.user.pk:
        raise NotPossible(_("This is your own team. It stays as long as your account."))
    with transaction.atomic():
        _end(_locked(visit.membership))
        record("member.left", team=visit.team, actor=visit.user, target=visit.user, request=request)


def _locked(membership: Membership) -> Membership:
    """The member as it is now. The team's row is locked: of two owners who leave at once one is the last."""
    Team.objects.select_for_update().get(pk=membership.team_id)
    member = Membership.objects.filter(pk=membership.pk).select_related("user", "team").first()
    if member is None:
        raise NotPossible(_("This person is no longer in the team."))
    return member


def _keep_an_owner(member: Membership) -> None:
    others = Membership.objects.owners().filter(team=member.team_id).exclude(pk=member.pk)
    if member.role == "owner" and not others.exists():
        raise NotPossible(_("A team needs an owner. Make somebody else an owner first."))


def _end(member: Membership) -> None:
    _keep_an_owner(member)
    member.role = ""
    void_invitations(member)
    member.delete()


def void_invitations(member: Membership) -> None:
    """What this member may no longer give, and what would bring them back in another role, is worth nothing now."""
    theirs = Q(pk__in=[])
    if member.user.email:
        theirs |= Q(email__iexact=member.user.email)
    if not member.role or not may(member, "members.invite"):
        theirs |= Q(created_by=member.user)
    elif not may_give(member, "owner"):
        theirs |= Q(created_by=member.user, role="owner")
    Invitation.objects.open().filter(theirs, team=member.team_id).update(revoked_at=timezone.now())


def everybody(team: Team) -> list[Membership]:
    """The members, owners first."""
    rank = {"owner": 0, "admin": 1, "member": 2, "viewer": 3}
    members = Membership.objects.filter(team=team).select_related("user")
    return sorted(members, key=lambda each: (rank[each.role], each.user.get_username()))


def owners_mail(team: Team) -> list[User]:
    """The owners who can be written to."""
    return list(
        User.objects.filter(memberships__team=team, memberships__role="owner", is_active=True).exclude(email="")
    )
