"""A connection to PostgreSQL that waits for nobody for ever.

The server itself ends a statement that takes too long. A machine that vanished, or hangs, ends nothing, and says
nothing either: after so many seconds the connection is given up, and whoever asked is told that the database is away.
"""

import re
from typing import Any

import psycopg
from psycopg.errors import _WaitTimeout  # its waiting has a limit in 3.3, its error no other name yet

from pollweb.lib.postgresql import outage

# Seconds beyond the statement's own limit: for the way there and back.
GRACE = 2
# Of a machine that has vanished: two missed probes, within which nobody else noticed. Milliseconds for the last one.
KEPT_ALIVE = {
    "connect_timeout": "3",
    "keepalives_idle": "5",
    "keepalives_interval": "3",
    "keepalives_count": "2",
    "tcp_user_timeout": "11000",
}


class Connection(psycopg.Connection[Any]):
    silence: float | None = None  # seconds

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        try:
            return super().wait(gen, interval, self.silence if timeout is None else timeout)
        except _WaitTimeout:
            if timeout is not None:
                raise
            # What is said later would be taken for the answer to something else.
            self.pgconn.finish()
            outage.begin()
            raise psycopg.OperationalError(f"the database has said nothing for {self.silence:g} s") from None


def patient(options: str) -> type[Connection]:
    """Connections that wait as long as `-c statement_timeout=…` allows, and a little longer; without it for ever."""
    limit = re.findall(r"statement_timeout=(\d+)(ms|s|min)?(?!\w)", options)
    seconds = int(limit[-1][0]) * {"": 0.001, "ms": 0.001, "s": 1, "min": 60}[limit[-1][1]] if limit else 0
    return type("Patient", (Connection,), {"silence": seconds + GRACE if seconds else None})
