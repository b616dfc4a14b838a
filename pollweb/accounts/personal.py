"""A person's team of one: made with the account, however that came about, and once."""

import secrets
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models.signals import post_save
from django.dispatch import receiver

from pollweb.accounts.models import Membership, Team, User


@receiver(post_save, sender=User)
def give_a_team(sender: type[User], instance: User, created: bool, raw: bool = False, **rest: Any) -> None:
    if created and not raw:  # raw: a dump is being loaded, which has the team too
        team_of(instance)


@transaction.atomic
def team_of(user: User) -> Team:
    """The person's team of one, made if it is missing."""
    if team := Team.objects.filter(person=user).first():
        return team
    name = user.get_username()[:80]
    try:
        with transaction.atomic():
            team = Team.objects.create(name=name, person=user)
    except IntegrityError:  # two of the same name at the same moment
        team = Team.objects.create(name=name, person=user, slug=f"team-{secrets.token_hex(6)}")
    Membership.objects.create(team=team, user=user, role="owner")
    return team
