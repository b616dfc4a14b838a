"""A PostgreSQL database of its own for a test that starts whole installations on one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
import pytest


@contextmanager
def fresh(kind: str) -> Iterator[str]:
    """The address of an empty one beside that of the tests, dropped afterwards."""
    outer = os.environ.get("POLLWEB_DATABASE_URL", "")
    if not outer.startswith("postgres"):
        pytest.skip("POLLWEB_DATABASE_URL names no PostgreSQL: make test-services does")
    server, name = urlsplit(outer), f"pollweb_{kind}_{os.getpid()}"
    with psycopg.connect(server._replace(path="/postgres").geturl(), autocommit=True) as admin:
        admin.execute(f"drop database if exists {name} with (force)")
        admin.execute(f"create database {name}")
        try:
            yield server._replace(path=f"/{name}").geturl()
        finally:
            admin.execute(f"drop database {name} with (force)")
