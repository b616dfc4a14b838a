"""One web process: serves `pollweb.asgi` on a listening socket that somebody else has bound.

`python -m pollweb.serve --fd 3 [--server uvicorn|daphne]`. The supervisor, or systemd, hands the same socket to several
of these. `--listen 0.0.0.0:8000` binds one of its own, where a container is all there is. With `--behind FD`, a pipe,
it loads its code and then waits until the pipe's other end is closed: the database is up to date then.
"""

import argparse
import gc
import os
import socket
import sys
from types import FrameType

import uvicorn

APPLICATION = "pollweb.asgi:application"


# Objects between two looks of the collector at the youngest. Requests leave few cycles behind; the usual 2,000 would
# have it look at all that is under way several hundred times a second.
YOUNG = 20_000


def keep_what_is_loaded() -> None:
    """It stays for good: the collector need not look through it for ever."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 20)


def load_pages() -> None:
    """What the first visitor would wait for: every view, and the templates of the page that most people come to."""
    from django.template.loader import get_template
    from django.urls import reverse

    reverse("explore")
    get_template("gallery/explore.html")


def wait_for(pipe: int | None) -> None:
    """Until its other end is closed; at once when it is, or there is none."""
    if pipe is not None:
        os.read(pipe, 1)


class Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, behind: int | None) -> None:
        super().__init__(config)
        self.behind = behind

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        load_pages()
        wait_for(self.behind)  # the loop has nothing else to do yet
        await super().startup(sockets)
        keep_what_is_loaded()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Streams that never end by themselves end first; the wait for connections comes after."""
        from pollweb import lifespan

        await lifespan.drain()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal drains, the second stops at once. Neither is raised again: a drained end is exit code 0."""
        self.force_exit = self.should_exit
        self.should_exit = True


def with_uvicorn(listener: socket.socket, drain_seconds: float, behind: int | None) -> None:
    config = uvicorn.Config(
        APPLICATION,
        loop="uvloop",
        http="pollweb.protocol:HTTP",
        ws="pollweb.protocol:WebSocket",
        ws_max_size=64 * 1024,
        ws_ping_interval=None,  # the wall asks by itself, and page by page (feeds.consumers)
        ws_per_message_deflate=False,  # a compressor for each socket, and each frame compressed for each of them
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,  # it prints query strings, and with them tokens
        proxy_headers=False,  # it believes the left-most address
        server_header=False,
        timeout_graceful_shutdown=drain_seconds,  # type: ignore[arg-type]  # asyncio takes parts of a second
    )
    Server(config, behind).run(sockets=[listener])


def with_daphne(listener: socket.socket, behind: int | None) -> None:
    from daphne.endpoints import build_endpoint_description_strings
    from daphne.server import Server as Daphne  # installs Twisted's reactor, so it comes before the application
    from uvicorn.importer import import_from_string

    endpoints = build_endpoint_description_strings(file_descriptor=listener.fileno())
    server = Daphne(import_from_string(APPLICATION), endpoints=endpoints, server_name="pollweb")
    wait_for(behind)
    server.run()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m pollweb.serve", description=__doc__)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--fd", type=int, help="an inherited listening socket")
    where.add_argument("--listen", metavar="HOST:PORT", help="an address to bind")
    parser.add_argument("--server", choices=("uvicorn", "daphne"), default="uvicorn")
    parser.add_argument("--behind", type=int, metavar="FD", help="an inherited pipe: nothing begins until it ends")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pollweb.settings")
    from django.conf import settings

    if settings.PRODUCTION:
        wait_for(options.behind)  # what is unsafe is also looked for in the database
        refuse_unsafe()
    listener = socket.socket(fileno=options.fd) if options.listen is None else bound(options.listen)
    if options.server == "daphne":
        with_daphne(listener, options.behind)
    else:
        with_uvicorn(listener, settings.DRAIN_SECONDS, options.behind)


def bound(address: str) -> socket.socket:
    from pollweb import preflight

    host, _, port = address.rpartition(":")
    if not port.isdigit():
        sys.exit(f"--listen is {address!r}; allowed is an address and a port, such as 0.0.0.0:8000.")
    try:
        return preflight.listen(host.strip("[]"), int(port))
    except preflight.CannotStart as exc:
        sys.exit(str(exc))


def refuse_unsafe() -> None:
    import django

    django.setup()

    from pollweb import preflight, production

    try:
        production.refuse()
    except preflight.CannotStart as exc:
        sys.exit(str(exc))


if __name__ == "__main__":
    main()
