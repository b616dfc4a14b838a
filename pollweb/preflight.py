"""What must be true before anything is started. Whatever is not ends in one sentence: CannotStart."""

import errno
import fcntl
import json
import os
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from pollweb.lib.log import clean

ROOM = 4 * 1024 * 1024  # bytes: less free space than this is a full disk
CHECKED_WHOLE = 64 * 1024 * 1024  # bytes: a larger SQLite file is checked as far as opening it does


class CannotStart(Exception):
    """A sentence for the person at the terminal."""


def because(exc: OSError, doing: str) -> CannotStart:
    """`doing` is a clause such as "make the folder /srv/pollweb"."""
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return CannotStart(f"The disk is full: pollweb cannot {doing}. Make room below {settings.POLLWEB_HOME}.")
    return CannotStart(f"pollweb cannot {doing}: {exc.strerror or exc}.")


def prepare_folders() -> None:
    """POLLWEB_HOME/run and the socket's folder, for their owner only, and proof that something can be written."""
    for folder in (
        settings.POLLWEB_HOME / "run",
        settings.SOCKET_FOLDER,
        settings.POLLWEB_HOME / "valkey",
        settings.STATIC_ROOT,
    ):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if folder.stat().st_uid != os.getuid():
                raise CannotStart(
                    f"{folder} belongs to somebody else; pollweb keeps its sockets in a folder of its own."
                )
            folder.chmod(0o700)
        except OSError as exc:
            raise because(exc, f"make the folder {folder}") from exc
    probe = settings.POLLWEB_HOME / "run" / "probe"
    try:
        with probe.open("wb") as file:
            file.write(bytes(ROOM))
            file.flush()
            os.fsync(file.fileno())
    except OSError as exc:
        raise because(exc, f"write to {settings.POLLWEB_HOME}") from exc
    finally:
        probe.unlink(missing_ok=True)


def lock() -> int:
    """Hold POLLWEB_HOME for this process, for as long as the returned descriptor is open."""
    path = settings.POLLWEB_HOME / "run" / "up.lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise because(exc, f"open {path}") from exc
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise CannotStart(
            f"pollweb is already running on {settings.POLLWEB_HOME}{_where()}. "
            "Stop it first, or set POLLWEB_HOME to another folder."
        ) from None
    return descriptor


def _where() -> str:
    try:
        run = json.loads(settings.RUN_FILE.read_text(encoding="utf-8"))
        return f" (process {run['pids']['up']}, {run['address']})"
    except (OSError, ValueError, LookupError, TypeError):
        return ""


def listen(host: str, port: int) -> socket.socket:
    """The listening socket that every web process inherits. Port 0 takes a free one."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6 and host == "::":
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            listener.bind(address)
            listener.listen(2048)
        except BaseException:
            listener.close()
            raise
    except socket.gaierror as exc:
        raise CannotStart(f"{host!r} is no address of this machine: {exc.strerror}.") from exc
    except OSError as exc:
        if exc.errno == errno.EADDRINUSE:
            raise CannotStart(
                f"Port {port} on {host} is taken by another program. Choose another: make run PORT={port % 65535 + 1}"
            ) from exc
        if exc.errno == errno.EACCES:
            raise CannotStart(
                f"Port {port} needs more rights than this user has; ports from 1024 on need none."
            ) from exc
        raise CannotStart(f"pollweb cannot listen on {host} port {port}: {exc.strerror}.") from exc
    listener.setblocking(False)
    return listener


def _check_sqlite(path: Path) -> None:
    """Raise sqlite3.DatabaseError for a damaged file. One that is not there yet is fine."""
    if not path.exists() or path.stat().st_size > CHECKED_WHOLE:
        return
    with closing(sqlite3.connect(path)) as database:
        (verdict,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)


def _ask_postgresql() -> None:
    """Once and directly: the pool would try again and again, and say so each time."""
    import psycopg  # not needed with SQLite, and slow to load

    try:
        psycopg.connect(settings.DATABASE_URL, connect_timeout=5).close()
    except psycopg.Error as exc:
        raise OperationalError(str(exc)) from exc


def migrate() -> int:
    """Bring the database up to date and return how many migrations were run."""
    database = settings.DATABASES["default"]
    sqlite = "sqlite" in database["ENGINE"]
    try:
        if sqlite:
            _check_sqlite(Path(database["NAME"]))
        else:
            _ask_postgresql()
        executor = MigrationExecutor(connection)
        pending = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
        if pending:
            call_command("migrate", verbosity=0, interactive=False, skip_checks=True)
    except (DatabaseError, sqlite3.Error) as exc:
        raise _database_trouble(exc, database["NAME"] if sqlite else "") from exc
    finally:
        connection.close()
        if hasattr(connection, "close_pool"):
            connection.close_pool()  # its threads must be gone before a process is forked
    return pending


def _database_trouble(exc: Exception, sqlite_path: str) -> CannotStart:
    said = clean(" ".join(str(exc).split())) or type(exc).__name__
    if not sqlite_path:
        if isinstance(exc, OperationalError):
            return CannotStart(f"The database of POLLWEB_DATABASE_URL does not let us in: {said}")
        return CannotStart(f"The database of POLLWEB_DATABASE_URL cannot be brought up to date: {said}")
    if "full" in said:
        return CannotStart(f"The disk is full: the database {sqlite_path} cannot grow ({said}).")
    if "locked" in said:
        return CannotStart(f"The database {sqlite_path} is held by another program ({said}).")
    if "unable to open" in said or "readonly" in said:
        return CannotStart(f"The database {sqlite_path} cannot be opened for writing ({said}).")
    return CannotStart(
        f"The database {sqlite_path} is damaged ({said}). Restore a backup, or move the file "
        "away to begin with an empty one."
    )
