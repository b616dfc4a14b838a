"""`manage.py prune`: what beat does every hour, at once, and said."""

from typing import Any

from django.core.management.base import BaseCommand

from generation import retention
from pollweb.accounts import old_sessions, tasks


class Command(BaseCommand):
    help = "Removes what has had its time ([retention] in the TOML file), and says how much that was."

    def handle(self, *args: Any, **options: Any) -> None:
        tasks.tidy()
        for name, count in {**retention.prune(), "ended sessions": old_sessions.prune()}.items():
            self.stdout.write(f"{name}\t{count}")
