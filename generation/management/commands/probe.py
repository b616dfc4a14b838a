"""`manage.py probe`: asks each configured source for one small thing, and says how it went."""

import asyncio
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from generation import probing
from generation.catalogue import Source
from generation.providers import upstream
from generation.results import Result
from pollweb.lib.errors import PollwebError


async def ask(source: Source, kind: str, seconds: float) -> Result:
    try:
        return await probing.ask(source, kind, seconds)
    finally:
        await upstream.close()


class Command(BaseCommand):
    help = "Ask each configured provider for one small thing of each kind it makes. Exit code 1 when one fails."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seconds", type=float, default=60, help="how long each may take")

    def handle(self, *args: Any, **options: Any) -> None:
        failed = 0
        sources = probing.sources()
        for source, kind in sources:
            began = time.monotonic()
            try:
                result = asyncio.run(ask(source, kind, options["seconds"]))
                said = f"ok\t{result.made_by}"
            except (PollwebError, TimeoutError) as exc:
                failed += 1
                said = f"failed\t{exc or 'no answer in time'}"
            self.stdout.write(f"{source}\t{kind}\t{time.monotonic() - began:.1f} s\t{said}")
        if failed:
            self.stderr.write(f"{failed} of {len(sources)} failed.")
            sys.exit(1)
