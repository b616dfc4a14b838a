"""`manage.py relayfeed`: follows the feeds of other installations until it is told to stop. Any number may run."""

import asyncio
import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from feeds.relay import following, sources
from feeds.relay.sources import Source
from pollweb.lib import redis


class Command(BaseCommand):
    help = (
        "Follows other installations' feeds ([feeds] in the TOML file) and tells their items on ours and on the wall."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--follow", action="append", default=[], metavar="URL", help="a feed, or a site for both of its feeds"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            chosen = sources.chosen(options["follow"])
        except ValueError as exc:
            raise CommandError(str(exc)) from exc
        if not chosen:
            raise CommandError(
                "Nothing is followed: set follow = true under [feeds], or name a feed with --follow URL."
            )
        asyncio.run(self.run(chosen))

    async def run(self, chosen: list[Source]) -> None:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)  # signal.signal() would not wake a loop that waits
        try:
            await following.follow(chosen, lambda: following.wanted(True), stopping)
        finally:
            await redis.close()
