"""A browser's end of one of our sockets."""

from typing import Any

from channels.testing import WebsocketCommunicator

PATIENCE = 10.0  # seconds


class Socket(WebsocketCommunicator):
    async def hear(self) -> dict[str, Any]:
        return await self.receive_json_from(PATIENCE)

    async def closed_with(self) -> int:
        while (message := await self.receive_output(PATIENCE))["type"] != "websocket.close":
            pass
        return message["code"]

    async def disconnect(self, code: int = 1000, timeout: float = PATIENCE) -> None:
        """Nothing, when a wait has run out before: Channels cancelled the consumer then.

        To say so with its CancelledError, which is no Exception, would keep pytest from taking the other fixtures down,
        and the database would not be emptied for the tests that follow.
        """
        if not (self.future.done() and self.future.cancelled()):
            await super().disconnect(code, timeout)
