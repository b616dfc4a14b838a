"""`manage.py createtoken --team NAME`: a token without a browser; the token alone on stdout."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from pollweb.accounts import tokens
from pollweb.accounts.models import TIERS, Team


class Command(BaseCommand):
    help = "Make a token, and the team if it is missing. The token is printed once, alone, on stdout."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--team", required=True)
        parser.add_argument(
            "--tier", choices=[tier for tier, _ in TIERS], help="set the team's tier (a new team: seed)"
        )
        parser.add_argument("--name", default="token", help="what to call the token")
        parser.add_argument("--visibility", choices=["public", "private"], help="what this token's results are")

    def handle(self, *args: Any, **options: Any) -> None:
        team, made = Team.objects.get_or_create(name=options["team"], defaults={"tier": options["tier"] or "seed"})
        if options["tier"] and team.tier != options["tier"]:
            team.tier = options["tier"]
            team.save(update_fields=["tier"])
        new = tokens.create(team, options["name"], options["visibility"] or "")
        self.stderr.write(
            f"{'New team' if made else 'Team'} {team.name}, tier {team.tier}. "
            f"Token {new.token.name}, shown this once; its results are {new.token.visibility or team.visibility}."
        )
        self.stdout.write(new.secret)
