"""Links into a team: 128 random bits of which the digest is kept, for one person, once, for a week."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from pollweb.accounts import mail
from pollweb.accounts.audit import record
from pollweb.accounts.errors import NotPossible
from pollweb.accounts.models import Invitation, Membership, Team, User
from pollweb.accounts.pages import NotAllowed, Visit
from pollweb.accounts.permissions import may_give
from pollweb.lib.errors import NotFound

VALID = timedelta(days=7)
SECRET = re.compile(r"[0-9A-Za-z_-]{22}", re.ASCII)
MOST_OPEN, MOST_MEMBERS = 100, 500


class WrongAccount(NotAllowed):
    code = "wrong_account"


@dataclass(frozen=True, slots=True)
class Sent:
    """An invitation and its link, which nobody can be shown again; whether it went by mail."""

    invitation: Invitation
    link: str
    is_mailed: bool


def invite(visit: Visit, email: str, role: str, *, request: HttpRequest | None = None) -> Sent:
    """Invite one person by mail, or, without an address, whoever is given the link. Raises NotAllowed, NotPossible."""
    if not may_give(visit.membership, role):
        raise NotAllowed(_("Owners are made and unmade by owners only."))
    with transaction.atomic():
        team = Team.objects.select_for_update().get(pk=visit.team.pk)
        if Invitation.objects.open().filter(team=team).count() >= MOST_OPEN:
            raise NotPossible(_("So many invitations are open that there is no room for another. Withdraw some first."))
        if Membership.objects.filter(team=team).count() >= MOST_MEMBERS:
            raise NotPossible(_("This team has as many members as a team may have."))
        if email:
            if Membership.objects.filter(team=team, user__email__iexact=email).exists():
                raise NotPossible(_("Somebody with this address is in the team already."))
            # An address has one open invitation: the newest.
            Invitation.objects.open().filter(team=team, email__iexact=email).update(revoked_at=timezone.now())
        secret = secrets.token_urlsafe(16)
        invitation = Invitation.objects.create(
            team=team,
            email=email,
            role=role,
            digest=digest_of(secret),
            created_by=visit.user,
            expires_at=timezone.now() + VALID,
        )
        record(
            "member.invited",
            team=team,
            actor=visit.user,
            target=email or f"#{invitation.pk}",
            request=request,
            role=role,
        )
    return _sent(invitation, secret, visit.user)


def resend(visit: Visit, invitation: Invitation, *, request: HttpRequest | None = None) -> Sent:
    """A new link for another week; the one before opens nothing any more."""
    if not may_give(visit.membership, invitation.role):
        raise NotAllowed(_("Owners are made and unmade by owners only."))
    secret = secrets.token_urlsafe(16)
    with transaction.atomic():
        renewed = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, revoked_at=None).update(
            digest=digest_of(secret), expires_at=timezone.now() + VALID, created_by=visit.user
        )
        if not renewed:
            raise NotPossible(_("This invitation was used or withdrawn."))
        record(
            "member.invited_again",
            team=visit.team,
            actor=visit.user,
            target=invitation.email or f"#{invitation.pk}",
            request=request,
            role=invitation.role,
        )
    return _sent(invitation, secret, visit.user)


def revoke(visit: Visit, invitation: Invitation, *, request: HttpRequest | None = None) -> bool:
    """Withdraw it; False when it was used, withdrawn or over before."""
    if not may_give(visit.membership, invitation.role):
        raise NotAllowed(_("Owners are made and unmade by owners only."))
    with transaction.atomic():
        if not Invitation.objects.open().filter(pk=invitation.pk).update(revoked_at=timezone.now()):
            return False
        record(
            "member.invitation_withdrawn",
            team=visit.team,
            actor=visit.user,
            target=invitation.email or f"#{invitation.pk}",
            request=request,
        )
    return True


def find(secret: str) -> Invitation:
    """The open invitation that this link stands for. Used, withdrawn, over, unknown: the same NotFound."""
    found = None
    if SECRET.fullmatch(secret):
        found = (
            Invitation.objects.open()
            .filter(digest=digest_of(secret), team__deleted_at=None)
            .select_related("team", "created_by")
            .first()
        )
    if found is None:
        raise NotFound(_("This invitation was used or withdrawn, or its week is over. Ask for a new one."))
    return found


def accept(invitation: Invitation, user: User, *, request: HttpRequest | None = None) -> Membership:
    """Into the team, once. Raises WrongAccount for another person's invitation, NotPossible for a member, NotFound."""
    if not is_for(invitation, user):
        raise WrongAccount(_("This invitation was sent to another address. Sign in with the account of that address."))
    with transaction.atomic():
        team = Team.objects.select_for_update().get(pk=invitation.team_id)
        if Membership.objects.filter(team=team, user=user).exists():
            raise NotPossible(_("You are in this team already."))
        if (
            not Invitation.objects.open()
            .filter(pk=invitation.pk, team__deleted_at=None)
            .update(accepted_at=timezone.now())
        ):
            raise NotFound(_("This invitation was used or withdrawn, or its week is over. Ask for a new one."))
        membership = Membership.objects.create(team=team, user=user, role=invitation.role)
        record("member.joined", team=team, actor=user, target=user, request=request, role=invitation.role)
    return membership


def is_for(invitation: Invitation, user: User) -> bool:
    return not invitation.email or invitation.email.casefold() == user.email.casefold()


def digest_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _sent(invitation: Invitation, secret: str, by: User) -> Sent:
    link = settings.SITE_URL + reverse("invitation", args=[secret])
    is_mailed = bool(invitation.email) and mail.send(
        "invitation",
        [invitation.email],
        {"team": invitation.team.name, "by": by.get_username(), "role": invitation.role, "link": link, "days": 7},
    )
    return Sent(invitation, link, is_mailed)
