"""`manage.py up`: everything that an installation on one machine needs, under one supervisor."""

import os
import sys
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.checks import run_checks
from django.core.management.base import BaseCommand, CommandParser

from feeds.relay import sources
from generation import checks, model_files
from pollweb import preflight, production, supervise
from pollweb.accounts import first_staff
from pollweb.lib import env
from pollweb.preflight import CannotStart
from pollweb.terminal import Terminal


class Command(BaseCommand):
    help = "Starts and watches the site, its workers and the embedded Redis server, until Ctrl-C."
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=settings.HOST, help="where to listen (POLLWEB_HOST)")
        parser.add_argument("--port", type=int, default=settings.PORT, help="0 takes a free one (POLLWEB_PORT)")
        parser.add_argument("--web", type=int, default=settings.WEB_PROCESSES, help="web processes (POLLWEB_WEB)")
        parser.add_argument("--workers", type=int, default=settings.WORKER_PROCESSES, help="(POLLWEB_WORKERS)")
        parser.add_argument("--server", choices=("uvicorn", "daphne"), default=settings.SERVER)
        parser.add_argument(
            "--follow", action="append", default=[], metavar="URL", help="show a feed, or both feeds of a site, on ours"
        )
        parser.add_argument("--fetch-models", action="store_true", help="bring missing model files meanwhile")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            code = self.up(options)
        except CannotStart as exc:
            self.stderr.write(str(exc), self.style.ERROR)
            code = 1
        except OSError as exc:
            self.stderr.write(str(preflight.because(exc, "go on")), self.style.ERROR)
            code = 1
        except KeyboardInterrupt:  # before anything was started
            code = 130
        sys.exit(code)

    def up(self, wishes: dict[str, Any]) -> int:
        for name in ("web", "workers"):
            if not 1 <= wishes[name] <= 64:
                raise CannotStart(f"--{name} is {wishes[name]}; allowed is a whole number from 1 to 64.")
        if not 0 <= wishes["port"] <= 65535:
            raise CannotStart(f"--port is {wishes['port']}; allowed is a whole number from 0 to 65535.")
        try:
            sources.chosen(wishes["follow"])
        except ValueError as exc:
            raise CannotStart(f"--follow {exc}") from exc
        for mistake in run_checks(tags=[checks.DESIGN]):
            raise CannotStart(f"{mistake.msg} {mistake.hint}")
        production.refuse(migrations=False)
        preflight.prepare_folders()
        held = preflight.lock()
        try:
            listener = preflight.listen(wishes["host"], wishes["port"])
            port = listener.getsockname()[1]
            options = supervise.Options(
                wishes["host"],
                port,
                wishes["web"],
                wishes["workers"],
                wishes["server"],
                wishes["fetch_models"],
                wishes["follow"],
            )
            gate = supervise.Gate()
            running = supervise.programs(options, listener, gate)
            terminal = Terminal(sys.stdout.fileno(), secrets(), max(len(program.name) for program in running))
            supervisor = supervise.Supervisor(running, supervise.environment(options), listener, gate, terminal)
            with supervisor.ahead():
                if migrations := preflight.migrate():
                    terminal.say(f"The database is up to date; {migrations} migrations were run.")
                self.name_missing_models(terminal, options.fetch_models)
                address = f"http://{supervise.local_name(options.host)}:{port}"
                lines = [*addresses(port), *first_visit(port), f"pollweb is ready: {address}"]
            return supervisor.run(address, lines)
        finally:
            os.close(held)

    def name_missing_models(self, terminal: Terminal, fetched: bool) -> None:
        files = [file for file in model_files.state(settings.MODEL_FOLDER, settings.MODEL_SET) if file.state != "ready"]
        if files:
            what = "they are being fetched" if fetched else "`manage.py models fetch` brings them"
            names = ", ".join(file.name for file in files)
            terminal.say(f"{len(files)} model files are not here yet, {what}; the site answers without them: {names}")


def addresses(port: int) -> list[str]:
    """As the children's settings derive them: the port of the command line is not in ours."""
    site = env.base_url("POLLWEB_SITE_URL", f"http://localhost:{port}")
    return [
        f"site   {site}",
        f"image  {env.base_url('POLLWEB_IMAGE_URL', f'{site}/image')}",
        f"text   {env.base_url('POLLWEB_TEXT_URL', f'{site}/text')}",
    ]


def first_visit(port: int) -> list[str]:
    """While there is no staff account: where to make the first. The ready line stays the last: scripts wait for it."""
    if not first_staff.is_needed():
        first_staff.forget()
        return []
    site = env.base_url("POLLWEB_SITE_URL", f"http://localhost:{port}")
    return [f"operator (once, within 24 hours)  {site}/account/first/{first_staff.new_secret()}/"]


def secrets() -> list[str]:
    """What no child's line may show."""
    keys = [getattr(provider, "api_key_env", "") for provider in settings.DESIGN.providers.values()]
    urls = [settings.DATABASE_URL, settings.REDIS_URL]
    return [
        settings.SECRET_KEY,
        *settings.SECRET_KEY_FALLBACKS,
        settings.FEED_PASSWORD,
        settings.METRICS_TOKEN,
        (settings.MEDIA_BUCKET or {}).get("secret_key", ""),
        settings.MAILERS["default"].get("OPTIONS", {}).get("password", ""),
        *(app["secret"] for provider in settings.SOCIALACCOUNT_PROVIDERS.values() for app in provider["APPS"]),
        env.text("POLLWEB_ADMIN_KEY"),
        *(os.environ.get(str(key), "") for key in keys),
        *(unquote(urlsplit(url).password or "") for url in urls),
        *(urlsplit(url).password or "" for url in urls),
    ]
