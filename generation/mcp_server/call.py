"""One call of a tool: who asks, what is told meanwhile, and the way to intake. The same identity, limits, deadlines and
cache as over HTTP, since it is the same HTTP request."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest

from generation import media
from generation.intake import Answer, Context, check, generate
from generation.requests import Request
from pollweb.accounts.identity import Principal, identify
from pollweb.lib.errors import NotFound

TOLD_EVERY = 1.0  # seconds between two notifications of progress

Report = Callable[[float, float | None, str | None], Awaitable[None]]


@dataclass
class Call:
    """`report` tells the client seconds since the beginning, no total, and in words how far it is."""

    principal: Principal
    report: Report
    state: str = ""
    began: float = field(default_factory=time.monotonic)

    @classmethod
    async def of(cls, request: HttpRequest, report: Report) -> "Call":
        principal = await identify(request)
        principal.require("mcp")
        return cls(principal, report)

    async def make(self, wanted: Request, *, is_private: bool = True) -> Answer:
        """The finished answer. What assistants make is private unless they were told otherwise."""
        # Its own address or referrer says nothing about a call: assistants run on servers of their makers.
        context = Context(principal=self.principal, may_be_public=not is_private)
        self.state = "Waiting in line"
        async with self._told(), generate(wanted, context) as answer:
            self.state = "Being made"
            said = 0
            async for piece in answer.pieces():
                if (fraction := piece.get("progress")) is not None:
                    self.state = f"Being made, {fraction:.0%}"
                elif content := (piece.get("delta") or {}).get("content"):
                    said += len(content)
                    self.state = f"{said} characters so far"
            return answer

    def check(self, wanted: Request, card: Any) -> None:
        """Raises what `make` would refuse at once: tier, refused words, length, abilities."""
        check(wanted, card, self.principal)

    @asynccontextmanager
    async def _told(self) -> AsyncIterator[None]:
        teller = asyncio.ensure_future(self._tell())
        try:
            yield
        finally:
            teller.cancel()

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(TOLD_EVERY)
            await self.report(round(time.monotonic() - self.began, 1), None, self.state)


async def bytes_of(answer: Answer) -> bytes:
    """The picture or the sound."""
    data = await media.load(answer.row.artifact_id or "") if answer.row.artifact_id else None
    if data is None:
        raise NotFound("The file of this result is no longer available. Make it again.", code="file_lost")
    return data
