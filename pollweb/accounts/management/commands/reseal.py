"""`manage.py reseal`: after a change of the secret key, so that those of before can be forgotten."""

from typing import Any

from django.core.management.base import BaseCommand

from pollweb.accounts import resealing


class Command(BaseCommand):
    help = (
        "Seals what lies sealed in the database (webhook secrets, second factors) under the present secret key. "
        "After it POLLWEB_SECRET_KEY_FALLBACKS can be emptied; sessions that began under an older key end then."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        done, closed = resealing.reseal()
        self.stdout.write(f"{done} secrets are sealed under the present key.")
        if closed:
            self.stderr.write(f"{closed} are opened by no key that is known, and stay as they are.")
