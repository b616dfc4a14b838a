"""Valid rows in few words, and the cast: alice owns the team, bob is in it, charlie is in none of it."""

from typing import Any

import factory

from pollweb.accounts import tokens
from pollweb.accounts.models import Membership, Team, User


class UserFactory(factory.django.DjangoModelFactory[User]):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"person{n}")
    email = factory.LazyAttribute(lambda person: f"{person.username}@example.com")
    password = factory.django.Password("correct horse battery")


class TeamFactory(factory.django.DjangoModelFactory[Team]):
    class Meta:
        model = Team

    name = factory.Sequence(lambda n: f"Team {n}")


def join(team: Team, user: User, role: str) -> Membership:
    return Membership.objects.create(team=team, user=user, role=role)


def token_of(team: Team, **fields: Any) -> str:
    """A new token's secret."""
    made = tokens.create(team, fields.pop("name", "token"), fields.pop("visibility", ""))
    if fields:
        type(made.token).objects.filter(pk=made.token.pk).update(**fields)
    return made.secret
