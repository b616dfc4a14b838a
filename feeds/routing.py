"""Where the feeds' web sockets are."""

from typing import Any

websocket_urlpatterns: list[Any] = []
