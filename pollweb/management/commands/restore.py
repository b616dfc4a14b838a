"""`manage.py restore FILE`: fills an empty installation from an archive of `manage.py backup`."""

from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from pollweb.backup import reading
from pollweb.backup.reading import CannotRestore
from pollweb.lib.errors import PollwebError


class Command(BaseCommand):
    help = "Checks an archive of `backup` and fills this installation from it, where nobody and nothing may be yet."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--check", action="store_true", help="only check that the archive is whole")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            if options["check"]:
                manifest, end = reading.check(path)
                told = {**end, "rows": sum(table["count"] for table in manifest["tables"])}
            else:
                call_command("migrate", verbosity=0, interactive=False)
                told = reading.read(path)
        except CannotRestore as exc:
            raise CommandError(str(exc)) from exc
        except PollwebError as exc:
            raise CommandError(exc.message) from exc
        self.stdout.write(f"{told['rows']} rows and {told['files']} results; every hash is right.")
