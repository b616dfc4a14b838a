"""`manage.py backup FILE`: one archive of the whole installation, made while it runs."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from pollweb.backup import writing


class Command(BaseCommand):
    help = "Writes rows, results and pollweb.toml into one tar file (.tar, or .tar.gz), while everything runs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--without-media", action="store_true", help="rows only: a bucket has copies of its own")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        if path.exists():
            raise CommandError(f"{path} is there already.")
        try:
            told = writing.write(path, media=not options["without_media"])
        except OSError as exc:
            raise CommandError(f"{path} cannot be written: {exc.strerror or exc}.") from exc
        lost = f", {len(told['lost'])} were lost before" if told["lost"] else ""
        self.stdout.write(f"{told['rows']} rows and {told['files']} results{lost}: {path}, {told['bytes']} bytes.")
        self.stderr.write("Keep the secret key apart from it; without the key second factors and webhooks are lost.")
