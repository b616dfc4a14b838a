"""Django's own backend, which notices when the database is away."""

from typing import Any

from django.db.backends.postgresql import base

from pollweb.lib.postgresql import outage


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: Any) -> Any:
        with outage.noticed():
            return super().get_new_connection(conn_params)
