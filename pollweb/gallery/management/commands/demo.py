"""`manage.py demo --items N`: fill this installation with something to look at."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from generation import worker
from pollweb.gallery import demo


class Command(BaseCommand):
    help = (
        "Fills this installation with public pictures, texts and speech by the embedded engines, two people and their "
        "collections. Run again it makes only what is missing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--items", type=int, default=40, help=f"how many results, at most {demo.MOST} (40)")

    def handle(self, *args: Any, items: int, **options: Any) -> None:
        if not 0 < items <= demo.MOST:
            raise CommandError(f"--items is a number from 1 to {demo.MOST}.")
        call_command("migrate", verbosity=0, interactive=False)  # an installation that was never started has no tables
        makers, made = demo.people(), 0
        try:
            for wish in demo.wishes(items):
                made += demo.make(wish, makers) is not None
                if (wish.number + 1) % 20 == 0:
                    self.stdout.write(f"{wish.number + 1} of {items}")
            demo.finish(makers)
        finally:
            worker.shutdown()
        if made < items:
            self.stderr.write(
                f"{items - made} could not be made. `manage.py models list` tells which engines are here."
            )
        self.stdout.write(f"{made} results are in the gallery.")
