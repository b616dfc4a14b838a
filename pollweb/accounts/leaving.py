"""Leaving: what becomes of a person's teams, and erasing both so that nothing remains.

`leave` closes everything at once: sessions, tokens and pages end. `erase_leavers` and `erase_teams` do the rest in the
background; both can be interrupted anywhere and begun again.
"""

import logging
from datetime import timedelta

from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from pollweb.accounts import exporting, remembered
from pollweb.accounts.audit import record
from pollweb.accounts.holdings import holdings
from pollweb.accounts.membership import void_invitations
from pollweb.accounts.models import AuditEvent, Invitation, Membership, Team, User

log = logging.getLogger(__name__)

# A process may remember a token for four seconds, and an answer may be on its way a little longer.
GRACE = timedelta(seconds=30)


def owned_alone(user: User) -> list[Team]:
    """The teams that go with this person: nobody else owns them."""
    others = Membership.objects.owners().filter(team=OuterRef("pk")).exclude(user=user)
    mine = Q(memberships__user=user, memberships__role="owner") & ~Exists(others)
    return list(Team.objects.filter(mine | Q(person=user)).distinct().order_by("pk"))


def leave(user: User) -> None:
    """Close the account and the teams that go with it. The clock, which strikes every minute, erases all of both."""
    with transaction.atomic():
        alone = [team.pk for team in owned_alone(user)]
        now = timezone.now()
        Team.objects.living().filter(pk__in=alone).update(deleted_at=now, deleted_by=user)
        for member in Membership.objects.filter(user=user).exclude(team__in=alone).select_related("team", "user"):
            member.role = ""
            void_invitations(member)
            record("member.left", team=member.team, actor=user, target=user)
            member.delete()
        user.leaving_at, user.is_active, user.is_staff, user.is_superuser = now, False, False, False
        user.set_unusable_password()  # which ends every session, too
        user.save(update_fields=["leaving_at", "is_active", "is_staff", "is_superuser", "password"])
        transaction.on_commit(remembered.changed)


def erase_leavers() -> int:
    """Erase those who left more than half a minute ago; returns how many."""
    count = 0
    for user in User.objects.filter(leaving_at__lt=timezone.now() - GRACE).order_by("leaving_at")[:20]:
        erase_person(user)
        count += 1
    return count


def erase_person(user: User) -> None:
    """Their teams, their words in other teams' logs, their sessions and archives, and at last the account."""
    for team in owned_alone(user):
        erase_team(team)
    exporting.remove_of(user.exports.all())
    AuditEvent.objects.forget(user)
    if user.email:
        Invitation.objects.filter(email__iexact=user.email).delete()
    _end_sessions(user)
    user.delete()


def _end_sessions(user: User) -> None:
    """A session names its person inside of what is stored of it: each is looked into."""
    for session in Session.objects.iterator(chunk_size=500):
        if session.get_decoded().get("_auth_user_id") == str(user.pk):
            session.delete()


def erase_teams() -> int:
    """Erase teams that were deleted more than a week ago; returns how many."""
    count = 0
    for team in Team.objects.gone().order_by("deleted_at")[:20]:
        erase_team(team)
        count += 1
    return count


def erase_team(team: Team) -> None:
    """Everything of it, from the top down. What arrives meanwhile finds no team and is dropped."""
    for holding in holdings():
        holding.erase(team)
    exporting.remove_of(team.exports.all())
    team.delete()
    log.info("a team was erased")
