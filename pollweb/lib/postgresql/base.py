"""Django's own backend, which notices when the database is away, and can have statements planned once."""

from typing import Any

from django.db.backends.postgresql import base

from pollweb.lib.postgresql import outage


class PreparedCursor(base.ServerBindingCursor):
    def execute(self, query: Any, params: Any = None) -> Any:
        return super().execute(query, params, prepare=True)  # type: ignore[misc]


class DatabaseWrapper(base.DatabaseWrapper):
    prepares = False

    def get_new_connection(self, conn_params: Any) -> Any:
        with outage.noticed():
            return super().get_new_connection(conn_params)

    def create_cursor(self, name: str | None = None) -> Any:
        if name or not self.prepares:
            return super().create_cursor(name)
        usual, self.connection.cursor_factory = self.connection.cursor_factory, PreparedCursor
        try:
            return super().create_cursor()
        finally:
            self.connection.cursor_factory = usual
