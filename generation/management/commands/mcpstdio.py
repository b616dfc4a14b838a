"""`manage.py mcpstdio`: the MCP server for assistants that start a program. Standard output holds the protocol only."""

import asyncio
import contextlib
import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from pollweb.lib import env


class Command(BaseCommand):
    help = "Serve MCP over standard input and output, for this installation or the one at --base-url."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--base-url", default="", help="a pollweb elsewhere (or POLLWEB_URL); this one if left out")
        parser.add_argument("--token", default="", help="whose limits count; POLLWEB_TOKEN keeps it out of `ps`")

    def handle(self, *args: Any, **options: Any) -> None:
        base_url = options["base_url"] or env.text("POLLWEB_URL") or here()
        if not base_url.startswith(("http://", "https://")):
            raise CommandError(f"--base-url is {base_url[:100]!r}; an http or https address is needed.")
        if sys.stdin.isatty():
            self.stderr.write(f"This speaks MCP for {base_url}; it is meant to be started by an assistant.")
        from generation.mcp_server import bridge  # a second, which the errors above need not wait for

        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(bridge.serve(base_url, options["token"] or env.text("POLLWEB_TOKEN")))


def here() -> str:
    """Where this installation answers: what `manage.py up` wrote down, else the site's address."""
    try:
        return str(json.loads(settings.RUN_FILE.read_text(encoding="utf-8"))["address"])
    except (OSError, ValueError, KeyError):
        return settings.SITE_URL
