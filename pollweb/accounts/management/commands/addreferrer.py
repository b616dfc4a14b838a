"""`manage.py addreferrer --team NAME DOMAIN`: a registered and verified referrer without a browser."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from pollweb.accounts import audit, referrers
from pollweb.accounts.errors import InvalidReferrer
from pollweb.accounts.models import Referrer, Team


class Command(BaseCommand):
    help = "Register a domain, a *.domain or an identifier for a team, and take it as verified: you are the operator."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--team", required=True, help="its name, or its name in addresses")
        parser.add_argument("--app", default="", help="the application it belongs to")
        parser.add_argument("domain")

    def handle(self, *args: Any, **options: Any) -> None:
        name, living = options["team"], Team.objects.living()
        team = living.filter(slug=name).first() or living.filter(name=name).order_by("pk").first()
        if team is None:
            team = Team.objects.create(name=name)
        try:
            row = referrers.register(team, options["domain"], options["app"])
        except InvalidReferrer as exc:
            raise CommandError(exc.message) from exc
        if row.kind != "identifier":
            rival = Referrer.objects.filter(pattern=row.pattern, verified_at__isnull=False).exclude(pk=row.pk).first()
            if rival is not None:
                raise CommandError(f"{row.pattern} is verified by the team {rival.team}.")
            row.verified_at, row.problem = timezone.now(), ""
            row.save(update_fields=["verified_at", "problem"])
            audit.record("referrer.verified", team=team, actor=None, target=row)
        self.stdout.write(f"{row.pattern}\t{row.kind}\t{team.slug}\t{referrers.tier_of(team, row.kind)}")
