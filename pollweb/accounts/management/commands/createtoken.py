"""`manage.py createtoken --team NAME`: a token without a browser; the token alone on stdout."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from pollweb.accounts import scopes, tokens
from pollweb.accounts.models import TIERS, Team
from pollweb.accounts.token_forms import networks


def _team(name: str, tier: str) -> tuple[Team, bool]:
    """The living team of this name or slug, and whether it was made just now."""
    living = Team.objects.living()
    found = living.filter(slug=name).first() or living.filter(name=name).order_by("pk").first()
    return (found, False) if found else (Team.objects.create(name=name, tier=tier), True)


def _limits(options: dict[str, Any]) -> dict[str, Any]:
    limits: dict[str, Any] = {
        "scopes": [word.strip() for word in (options.get("scopes") or "").split(",") if word.strip()],
        "allowed_models": [word.strip() for word in (options.get("models") or "").split(",") if word.strip()],
    }
    if unknown := [word for word in limits["scopes"] if word not in scopes.WORDS]:
        raise CommandError(f"{unknown[0]!r} is no scope. Known are {', '.join(scopes.WORDS)}.")
    try:
        limits["networks"] = networks(options.get("networks") or "")
    except ValidationError as exc:
        raise CommandError(exc.messages[0]) from exc
    if (days := options.get("days")) is not None:
        limits["expires_at"] = timezone.now() + timedelta(days=days)
    return limits


class Command(BaseCommand):
    help = "Make a token, and the team if it is missing. The token is printed once, alone, on stdout."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--team", required=True)
        parser.add_argument(
            "--tier", choices=[tier for tier, _ in TIERS], help="set the team's tier (a new team: seed)"
        )
        parser.add_argument("--name", default="token", help="what to call the token")
        parser.add_argument("--scopes", default="", help=f"what it may do, between commas: {', '.join(scopes.WORDS)}")
        parser.add_argument("--models", default="", help="the only models it may use, between commas")
        parser.add_argument("--networks", default="", help="the only addresses it may come from, between commas")
        parser.add_argument("--days", type=int, help="after how many days it expires; not said: never")
        parser.add_argument("--visibility", choices=["public", "private"], help="what this token's results are")

    def handle(self, *args: Any, **options: Any) -> None:
        limits = _limits(options)
        team, made = _team(options["team"], options["tier"] or "seed")
        if options["tier"] and team.tier != options["tier"]:
            team.tier = options["tier"]
            team.save(update_fields=["tier"])
        new = tokens.create(team, options["name"], options["visibility"] or "", **limits)
        self.stderr.write(
            f"{'New team' if made else 'Team'} {team.name}, tier {team.tier}. "
            f"Token {new.token.name}, shown this once; its results are {new.token.visibility or team.visibility}."
        )
        self.stdout.write(new.secret)
