"""One answer as it comes from the engine: handed on piece by piece, stopped when it must be, summed up at the end."""

import time
from collections.abc import Callable
from typing import Any

from generation.providers.local.chat.errors import ContextTooLong, EngineFailed, OutOfTime, RequestRefused
from generation.providers.local.chat.plan import Plan
from generation.providers.local.chat.tools import CallSieve, as_tool_call, whole_call

STOP_BEFORE = 5.0  # seconds before the deadline, for what comes after the engine


class Stream:
    """Called by the engine with each chunk of OpenAI's streaming shape; True stops it."""

    def __init__(
        self,
        plan: Plan,
        on_piece: Callable[[dict[str, Any]], bool],
        deadline: float | None,
        cancelled: Callable[[], bool],
    ) -> None:
        self._plan = plan
        self._on_piece = on_piece
        self._stop_at = float("inf") if deadline is None else deadline - STOP_BEFORE
        self._cancelled = cancelled
        self._sieve = CallSieve({} if plan.tools.forced else plan.tools.known)
        self._failure: BaseException | None = None
        self._written = ""  # all that the model wrote
        self._shown = ""  # what of it is words
        self._tool_call: dict[str, Any] | None = None
        self._finish_reason = ""
        self._stopped = False
        self._completion_tokens = 0
        self.prompt_tokens = 0
        self.too_long = False
        # Set when the model tried a call that cannot be made and nobody has heard anything yet: how to ask again.
        self.tool_choice: Any = None

    def __call__(self, chunk: dict[str, Any]) -> bool:
        # An exception must not travel through the engine's own threads: `reraise` brings it to the caller.
        try:
            self._stopped = self._stopped or self._take(chunk)
        except BaseException as exc:
            self._failure = exc
            self._stopped = True
        return self._stopped

    def refused(self, reason: str) -> None:
        raise RequestRefused(f"the request cannot be answered: {reason[:200]}")

    def reraise(self) -> None:
        """Raise what went wrong inside the engine's callback."""
        if self._failure:
            raise self._failure

    def answer(self) -> dict[str, Any]:
        """The whole answer, after the engine has stopped."""
        if self._plan.tools.forced:
            if call := whole_call(self._written, self._plan.tools.known):
                self._call(call)
            else:
                self._shown = self._written  # cut off before the call was complete
        elif not self._tool_call:
            self._show(self._sieve.end())
        message: dict[str, Any] = {"role": "assistant", "content": self._shown}
        if self._tool_call:
            message = {"role": "assistant", "content": self._shown or None, "tool_calls": [self._tool_call]}
        return {
            "message": message,
            "finish_reason": "tool_calls" if self._tool_call else self._finish_reason or "stop",
            "usage": {
                "prompt_tokens": self.prompt_tokens,
                "completion_tokens": self._completion_tokens,
                "total_tokens": self.prompt_tokens + self._completion_tokens,
            },
        }

    def _take(self, chunk: dict[str, Any]) -> bool:
        if "error" in chunk:
            return self._error(chunk["error"])
        self._count(chunk)
        if self.prompt_tokens > self._plan.room and self._plan.can_be_shortened:
            self.too_long = True
            return True
        for choice in chunk.get("choices", ()):
            text = choice["delta"].get("content") or ""
            self._written += text
            self._finish_reason = choice.get("finish_reason") or self._finish_reason
            if text and not self._plan.tools.forced and self._read(text):
                return True
        if self._sieve.call:
            self._call(self._sieve.call)
            return True
        if self._cancelled():
            return True
        if time.monotonic() >= self._stop_at and not self._finish_reason:
            if not self._written:
                raise OutOfTime("The prompt alone took all the time there is; a shorter one may be answered.")
            self._finish_reason = "length"
            return True
        return False

    def _error(self, error: dict[str, Any]) -> bool:
        if error.get("type") == "exceed_context_size_error":
            self.prompt_tokens = error["n_prompt_tokens"]
            if not self._plan.can_be_shortened:
                raise ContextTooLong(self._plan.context)
            self.too_long = True
            return True
        if error.get("code") == 400:
            raise RequestRefused(f"the request cannot be answered: {error.get('message', '')[:200]}")
        raise EngineFailed("the chat engine broke off")

    def _count(self, chunk: dict[str, Any]) -> None:
        if progress := chunk.get("prompt_progress"):
            self.prompt_tokens = progress["total"]
        if timings := chunk.get("timings"):
            self._completion_tokens = timings["predicted_n"]
        if usage := chunk.get("usage"):
            self.prompt_tokens = usage["prompt_tokens"]
            self._completion_tokens = usage["completion_tokens"]

    def _read(self, text: str) -> bool:
        words = self._sieve.feed(text)
        if self._sieve.misfire is not None and not self._shown:
            known = self._sieve.misfire in self._plan.tools.known
            self.tool_choice = {"type": "function", "function": {"name": self._sieve.misfire}} if known else "none"
            return True
        return self._show(words)

    def _show(self, text: str) -> bool:
        self._shown += text
        return bool(text) and self._on_piece({"content": text})

    def _call(self, call: dict[str, Any]) -> None:
        self._tool_call = as_tool_call(call)
        self._on_piece({"tool_calls": [{"index": 0, **self._tool_call}]})
