"""`manage.py searchindex`: read all public results for the search again."""

from typing import Any

from django.core.management.base import BaseCommand

from generation import search
from generation.models import Generation, SearchEntry
from generation.search import index


class Command(BaseCommand):
    help = "Rebuilds the search index. The search answers meanwhile; run it after an upgrade that says so."

    def handle(self, *args: Any, **options: Any) -> None:
        removed = search.sweep()
        missing = Generation.objects.public().filter(search_entry=None).order_by("pk").values_list("pk", flat=True)
        while keys := list(missing[: index.BATCH * 10]):
            search.expect(keys)
        place = done = 0
        while entries := list(SearchEntry.objects.filter(pk__gt=place).defer("words").order_by("pk")[: index.BATCH]):
            index.write(entries)
            place, done = entries[-1].pk, done + len(entries)
            if done % 10_000 == 0:
                self.stdout.write(f"{done} read")
        index.repair()
        self.stdout.write(f"{done} public results can be found; {removed} entries of others are gone.")
