"""`manage.py models list|fetch|verify`: the model files of the embedded engines."""

import signal
from typing import Any, TextIO, cast

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from generation import model_files
from generation.model_files.display import display_for


class Command(BaseCommand):
    help = "Lists, fetches or verifies the model files of the embedded engines."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=("list", "fetch", "verify"))
        parser.add_argument("--set", choices=model_files.SETS, help="instead of the set that POLLWEB_MODELS names")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        set_name = options["set"] or settings.MODEL_SET
        {"list": self.list, "fetch": self.fetch, "verify": self.verify}[action](set_name)

    def list(self, set_name: str) -> None:
        """Name, sets, bytes and state of each file, tab-separated, for scripts."""
        for file in model_files.state(settings.MODEL_FOLDER, set_name):
            self.stdout.write(f"{file.name}\t{','.join(file.sets)}\t{file.total}\t{file.state}")

    def fetch(self, set_name: str) -> None:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # stop as for Ctrl-C: what is here stays
        files = model_files.shipped().in_set(set_name)
        try:
            failures = model_files.fetch(
                settings.MODEL_FOLDER,
                files,
                display_for(cast(TextIO, self.stdout._out)),
                mirror_place=settings.MODEL_MIRROR,
            )
        except KeyboardInterrupt:
            raise CommandError("Stopped. Run it again to go on where it was.", returncode=130) from None
        if failures:
            raise CommandError("\n".join(str(failure) for failure in failures))
        self.stdout.write(f"The model files of the set {set_name} are ready.")

    def verify(self, set_name: str) -> None:
        failures = 0
        for file in model_files.shipped().in_set(set_name):
            try:
                model_files.verify(settings.MODEL_FOLDER, file)
            except model_files.ModelFileError as exc:
                failures += 1
                self.stderr.write(str(exc))
            else:
                self.stdout.write(f"{file.name}: right")
        if failures:
            raise CommandError(
                f"{failures} of the set's model files are not right. `manage.py models fetch` brings them."
            )
