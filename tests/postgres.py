"""A PostgreSQL server of a test's own, from Debian's package, that can be killed and started again.

No Python package brings one, so a machine may lack it: there `serving` skips the test. `.ci/run` installs it.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.site import eventually, free_port

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
LONG = 60.0  # seconds; an idle machine needs one


def cannot() -> str:
    """Why none can be started here, or nothing."""
    if not BINARIES:
        return "there is no PostgreSQL to start on this machine (Debian's postgresql)"
    if os.geteuid() and not os.access(BINARIES[-1] / "postgres", os.X_OK):
        return "PostgreSQL may not be started by this user"
    return ""


def as_postgres() -> list[str]:
    """It does not run as root."""
    return [] if os.geteuid() else ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups"]


def make(folder: Path) -> None:
    """An empty cluster in `folder`/data, which everybody on this machine may enter."""
    if not os.geteuid():
        shutil.chown(folder, "postgres")
    folder.chmod(0o755)
    words = ["--pgdata", f"{folder}/data", "--username", "postgres", "--auth", "trust", "--encoding", "UTF8"]
    subprocess.run([*as_postgres(), str(BINARIES[-1] / "initdb"), *words, "--no-sync"], check=True, capture_output=True)


def command(folder: Path, host: str, *settings: str) -> list[str]:
    words = ["-D", f"{folder}/data", "-k", str(folder), "-c", f"listen_addresses={host}", "-c", "fsync=off"]
    return [*as_postgres(), str(BINARIES[-1] / "postgres"), *words, *(part for one in settings for part in ("-c", one))]


def answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


class Postgres:
    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                command(self.folder, "127.0.0.1", f"port={self.port}"), stdout=log, stderr=log, cwd=self.folder
            )
        assert eventually(lambda: answers(self.url), LONG), (self.folder / "log").read_text()

    def stop(self) -> None:
        """Now, as a machine that loses its power: no connection is closed in order."""
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(30)
            self.process = None


@contextmanager
def serving() -> Iterator[Postgres]:
    if reason := cannot():
        pytest.skip(reason)
    # pytest's folders are root's alone.
    with tempfile.TemporaryDirectory(prefix="pollweb-postgres-") as name:
        make(Path(name))
        server = Postgres(Path(name))
        server.start()
        try:
            yield server
        finally:
            server.stop()
