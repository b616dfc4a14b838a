"""One web process: serves `pollweb.asgi` on a listening socket that somebody else has bound.

`python -m pollweb.serve --fd 3 [--server uvicorn|daphne]`. The supervisor hands the same socket to several of these.
"""

import argparse
import os
import socket
from types import FrameType

import uvicorn

APPLICATION = "pollweb.asgi:application"


class Server(uvicorn.Server):
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Streams that never end by themselves end first; the wait for connections comes after."""
        from pollweb import lifespan

        await lifespan.drain()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal drains, the second stops at once. Neither is raised again: a drained end is exit code 0."""
        self.force_exit = self.should_exit
        self.should_exit = True


def with_uvicorn(listener: socket.socket, drain_seconds: float) -> None:
    config = uvicorn.Config(
        APPLICATION,
        loop="uvloop",
        http="pollweb.protocol:HTTP",
        ws="pollweb.protocol:WebSocket",
        ws_max_size=64 * 1024,
        ws_per_message_deflate=False,  # a compressor for each socket, and each frame compressed for each of them
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,  # it prints query strings, and with them tokens
        proxy_headers=False,  # it believes the left-most address
        server_header=False,
        timeout_graceful_shutdown=drain_seconds,  # type: ignore[arg-type]  # asyncio takes parts of a second
    )
    Server(config).run(sockets=[listener])


def with_daphne(listener: socket.socket) -> None:
    from daphne.endpoints import build_endpoint_description_strings
    from daphne.server import Server as Daphne  # installs Twisted's reactor, so it comes before the application
    from uvicorn.importer import import_from_string

    endpoints = build_endpoint_description_strings(file_descriptor=listener.fileno())
    Daphne(import_from_string(APPLICATION), endpoints=endpoints, server_name="pollweb").run()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m pollweb.serve", description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="an inherited listening socket")
    parser.add_argument("--server", choices=("uvicorn", "daphne"), default="uvicorn")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pollweb.settings")
    listener = socket.socket(fileno=options.fd)
    if options.server == "daphne":
        with_daphne(listener)
    else:
        from django.conf import settings

        with_uvicorn(listener, settings.DRAIN_SECONDS)


if __name__ == "__main__":
    main()
