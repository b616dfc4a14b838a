"""The interface of everything that makes results.

A provider knows its upstream or engine, and nothing of callers, limits, rows or feeds.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, ClassVar

from generation.requests import Request
from generation.results import Piece

NO_LIMIT = 1_000_000  # characters, where an upstream names no other limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A model that an upstream says it has, and what it says of it. Where it says nothing, all is deemed possible:
    it answers for itself."""

    name: str
    ability: str
    description: str = ""
    aliases: tuple[str, ...] = ()
    voices: tuple[str, ...] = ()
    tools: bool = True
    vision: bool = True
    edits: bool = False
    reasoning: bool = False
    max_input_chars: int = NO_LIMIT


class Provider(ABC):
    """One way to make things: configuration, not open connections, since each call may run in another event loop."""

    kind: ClassVar[str]

    def __init__(self, name: str, options: dict[str, Any]) -> None:
        """`name` is the operator's name for it, `options` the provider's table without `kind`."""
        self.name = name
        self.options = options

    @abstractmethod
    def generate(self, request: Request, *, model: str, deadline: float, streamed: bool = True) -> AsyncIterator[Piece]:
        """Yield any number of partial pieces, then exactly one Result, last.

        `model` is the name at this provider; `deadline` a time of `time.monotonic()`; `streamed` says whether anybody
        wants partial pieces, since what comes whole is cheaper to pass on. Raises only generation.errors. Closing the
        iterator stops the work.
        """

    @abstractmethod
    def slot(self, model: str) -> tuple[str, int]:
        """The name of what this model occupies while it works, and how many may occupy it at once in a process."""

    async def offers(self, *, deadline: float) -> list[Offer]:
        """The models that it says it has; none where it has no such list. Raises ProviderError."""
        return []

    def check_ready(self, model: str) -> None:
        """Raises EngineNotReady when this model cannot be asked at all now. Asked before anybody stands in line for it,
        so it is cheap; where it is not overridden, only the asking itself can tell."""
        return
