"""Making a team, deleting it, and having it back."""

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from pollweb.accounts import remembered
from pollweb.accounts.audit import record
from pollweb.accounts.errors import NotPossible
from pollweb.accounts.models import Membership, Team, User

# Far more than anybody needs, few enough that nobody fills the database with them.
MOST_TEAMS = 50


def create(user: User, name: str, visibility: str, *, request: HttpRequest | None = None) -> Team:
    """A team of which `user` is the owner. Raises NotPossible beyond 50 of them, deleted ones included."""
    with transaction.atomic():
        if Membership.objects.filter(user=user, role="owner").count() >= MOST_TEAMS:
            raise NotPossible(_("You own as many teams as one person may. Delete one first."))
        team = Team.objects.create(name=name, visibility=visibility)
        Membership.objects.create(team=team, user=user, role="owner")
        record("team.created", team=team, actor=user, target=team.name, request=request)
    return team


def delete(team: Team, user: User, *, request: HttpRequest | None = None) -> None:
    """Close it at once; a week later everything of it is erased. A person's own team goes with their account only."""
    if team.person_id:
        raise NotPossible(_("This is your own team. It is deleted together with your account."))
    with transaction.atomic():
        Team.objects.living().filter(pk=team.pk).update(deleted_at=timezone.now(), deleted_by=user)
        record("team.deleted", team=team, actor=user, target=team.name, request=request)
    remembered.changed()


def restore(team: Team, user: User, *, request: HttpRequest | None = None) -> bool:
    """Open a deleted team again; False when the week is over or somebody was faster."""
    with transaction.atomic():
        restored = Team.objects.restorable_by(user).filter(pk=team.pk)
        if not Team.objects.filter(pk__in=restored.values("pk")).update(deleted_at=None, deleted_by=None):
            return False
        record("team.restored", team=team, actor=user, target=team.name, request=request)
    return True
