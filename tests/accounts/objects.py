"""How a team gets what stands in the addresses of its pages: by the name that it has there."""

from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone

from feeds import walls
from feeds.choices import Choices
from pollweb.accounts import referrers, tokens
from pollweb.accounts.models import Invitation, SeenHost, Team, User, Webhook, WebhookDelivery
from pollweb.accounts.tokens import Actor
from tests.factories import UserFactory, join


def member(team: Team, maker: User) -> int:
    return join(team, UserFactory.create(), "viewer").pk


def invitation(team: Team, maker: User) -> int:
    return Invitation.objects.create(
        team=team,
        email="",
        role="viewer",
        digest=f"{team.pk:064d}",
        created_by=maker,
        expires_at=timezone.now() + timedelta(days=7),
    ).pk


def token(team: Team, maker: User) -> int:
    return tokens.create(team, by=Actor(maker)).token.pk


def referrer(team: Team, maker: User) -> int:
    """An identifier: checking a domain would go out into the network."""
    return referrers.register(team, f"App-{team.pk}", by=Actor(maker)).pk


def host(team: Team, maker: User) -> int:
    return SeenHost.objects.create(team=team, host="stranger.example.net").pk


def webhook(team: Team, maker: User) -> int:
    """Its address is refused before anything is connected to."""
    return Webhook.objects.create(team=team, url="https://127.0.0.1/hook", events=[], created_by=maker).pk


def delivery(team: Team, maker: User) -> object:
    return WebhookDelivery.objects.create(webhook_id=webhook(team, maker), event="webhook.test", body="{}").pk


def wall(team: Team, maker: User) -> int:
    return walls.create(team, name="Lobby", by=Actor(maker)).pk


def screen(team: Team, maker: User) -> int:
    lobby = walls.create(team, name="Lobby", by=Actor(maker))
    return walls.add_screen(lobby, "By the door", Choices(), by=Actor(maker))[0].pk


OBJECTS: dict[str, Callable[[Team, User], object]] = {
    "member": member,
    "invitation": invitation,
    "token": token,
    "referrer": referrer,
    "host": host,
    "webhook": webhook,
    "delivery": delivery,
    "wall": wall,
    "screen": screen,
}
