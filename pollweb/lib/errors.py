"""The root of the error tree.

    PollwebError
    ├── generation.errors      what can go wrong with a wish and its making
    ├── pollweb.accounts.errors  who may not, and who must wait
    └── BadRequest, NotFound, TooLarge, Unavailable   what any door can say

Raise where it is known what went wrong; one middleware answers. A message says what happened and what to do next, and
holds no secret, no path and no text of an upstream.
"""

from typing import Any


class PollwebError(Exception):
    """Something a caller is told about.

    `code` is for programs (snake_case), `status` is the HTTP status, `retry_after` are seconds after which trying again
    makes sense, `details` is shown to the caller as it is.
    """

    code = "internal_error"
    status = 500
    retry_after: float | None = None

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        status: int = 0,
        retry_after: float | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.status = status or self.status
        self.retry_after = retry_after if retry_after is not None else self.retry_after
        self.details = details


class BadRequest(PollwebError):
    code, status = "bad_request", 400


class NotFound(PollwebError):
    code, status = "not_found", 404


class MethodNotAllowed(PollwebError):
    code, status = "method_not_allowed", 405


class TooLarge(PollwebError):
    code, status = "request_too_large", 413


class Unavailable(PollwebError):
    """A part of this installation is away or full; it is expected back."""

    code, status = "unavailable", 503
    retry_after: float | None = 5
