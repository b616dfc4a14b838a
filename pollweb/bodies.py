"""How much of a body the site reads: forms bring pictures and recordings, and nobody may fill the disk with them."""

import asyncio
from typing import Any

from django.conf import settings

from pollweb.lib.errors import TooLarge

Scope = dict[str, Any]


class Bounded:
    """An ASGI application, which hears TooLarge from `receive` when more comes than is taken; `refuse` answers it."""

    def __init__(self, application: Any, refuse: Any) -> None:
        self.application, self.refuse = application, refuse

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        limit = settings.DESIGN.limits.media_request_bytes
        error = TooLarge(f"The request body is larger than the {limit} bytes that are taken here.")
        size = 0

        async def counted() -> dict[str, Any]:
            nonlocal size
            message: dict[str, Any] = await receive()
            size += len(message.get("body", b""))
            if size > limit:
                raise error
            return message

        try:
            if _announced(scope) > limit:
                raise error
            await self.application(scope, counted, send)
        except TooLarge as exc:
            if exc is not error:
                raise
            headers = [field for field in scope["headers"] if field[0] not in (b"content-length", b"transfer-encoding")]
            await self.refuse({**scope, "headers": headers, "pollweb.refused": error}, _no_body(), send)


def _no_body() -> Any:
    """A `receive` for whoever shall answer without reading what is left."""
    messages = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        return messages.pop() if messages else await asyncio.get_running_loop().create_future()

    return receive


def _announced(scope: Scope) -> int:
    """What Content-Length says; 0 where it says no number."""
    said = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    return int(said) if said.isdigit() else 0
