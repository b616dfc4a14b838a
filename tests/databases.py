"""A PostgreSQL database of its own for a test that starts whole installations on one."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import psycopg

from tests import postgres


@contextmanager
def fresh(kind: str) -> Iterator[str]:
    """The address of an empty one, dropped afterwards: beside that of the tests, or on a server of its own."""
    outer = os.environ.get("POLLWEB_DATABASE_URL", "")
    with ExitStack() as stack:
        if not outer.startswith("postgres"):
            outer = stack.enter_context(postgres.serving()).url
        server, name = urlsplit(outer), f"pollweb_{kind}_{os.getpid()}"
        admin = stack.enter_context(psycopg.connect(server._replace(path="/postgres").geturl(), autocommit=True))
        admin.execute(f"drop database if exists {name} with (force)")
        admin.execute(f"create database {name}")
        stack.callback(admin.execute, f"drop database {name} with (force)")
        yield server._replace(path=f"/{name}").geturl()
