"""What goes wrong between us and an upstream, in our words.

An upstream's own text is for the operator: callers are told our message and code, and `details` hold the provider's
name, the status and at most a scrubbed excerpt.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import httpx

from generation.errors import (
    ContentRefused,
    InvalidRequest,
    ProviderBusy,
    ProviderError,
    ProviderRefused,
    ProviderUnavailable,
)
from pollweb.lib import log
from pollweb.lib.errors import PollwebError

EXCERPT = 300
# Statuses after which the same request may well succeed a moment later, and those that blame the request itself.
PASSING = frozenset({408, 425, 500, 502, 504})
BUSY = frozenset({429, 503})
BLAMING = frozenset({400, 413, 415, 422})

# Other houses' keys (sk-…, gsk_…, AIza…), addresses of people, and whatever follows a scheme's user name.
FOREIGN_SECRETS = re.compile(
    r"\b(?:sk|pk|gsk|hf|xai|key)[-_][\w-]{8,}|\bAIza[\w-]{20,}|[\w.+-]+@[\w-]+\.[\w.]+|(?<=://)[^\s/@]+@"
)
REFUSED_CONTENT = re.compile(r"content[_ ](?:policy|filter)|moderation_blocked|nsfw", re.IGNORECASE)


def scrubbed(text: str) -> str:
    """The beginning of an upstream's text, without keys and without characters that cannot be seen."""
    return log.clean(FOREIGN_SECRETS.sub("[secret]", text[: 4 * EXCERPT]))[:EXCERPT]


def garbled(provider: str, what: str, excerpt: str = "") -> ProviderError:
    """It answered, but with something that is no answer."""
    details: dict[str, Any] = {"provider": provider}
    if excerpt:
        details["excerpt"] = scrubbed(excerpt)
    return ProviderError(f"The provider's answer is not usable: {what}.", code="provider_garbled", details=details)


@dataclass(eq=False)
class Refusal(Exception):
    """An answer with another status than success. Never leaves this package: `error()` does."""

    provider: str
    status: int
    text: str
    retry_after: float | None = None

    def error(self) -> PollwebError:
        details = {"provider": self.provider, "status": self.status, "excerpt": scrubbed(self.text)}
        if self.status in BLAMING:
            if REFUSED_CONTENT.search(self.text):
                return ContentRefused("The provider refuses to make this.", details=details)
            return InvalidRequest(
                "The provider cannot take this request as it is. Check its parameters and its length.",
                code="provider_rejected_request",
                details=details,
            )
        if self.status in BUSY:
            return ProviderBusy("The provider is busy. Try again later.", retry_after=self.retry_after, details=details)
        if self.status in PASSING:
            return ProviderError("The provider failed. Try again.", details=details)
        return ProviderRefused("The provider refuses this installation's request.", details=details)


def refusal_of(provider: str, error: Any) -> Refusal:
    """An error object inside a stream, `{"error": {"message", "code" | "status"}}`, as if it were a status."""
    inner = error if isinstance(error, dict) else {"message": str(error)}
    numbers = [inner.get("status"), inner.get("code")]
    status = next((n for n in numbers if isinstance(n, int) and 400 <= n < 600), 0)
    kind = f"{inner.get('type', '')} {inner.get('code', '')}".lower()
    if not status:
        status = 429 if "rate_limit" in kind else 400 if "invalid_request" in kind else 502
    return Refusal(provider, status, f"{kind} {inner.get('message', '')}")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """`Retry-After` in seconds, written as a number or a date (RFC 9110, 10.2.3)."""
    said = headers.get("retry-after", "").strip()
    if not said:
        return None
    try:
        return min(max(0.0, float(said)), 86_400.0)
    except ValueError:
        pass
    try:
        return min(max(0.0, parsedate_to_datetime(said).timestamp() - time.time()), 86_400.0)
    except (ValueError, OverflowError):
        return None


# Every error of httpx, and what its transports let through.
RAISED = (httpx.HTTPError, httpx.InvalidURL, httpx.CookieConflict, httpx.StreamError, aiohttp.ClientError, OSError)


def error_of(provider: str, exc: Exception) -> ProviderError:
    """What is RAISED, in our words."""
    details = {"provider": provider}
    if isinstance(exc, httpx.InvalidURL | httpx.UnsupportedProtocol):
        return ProviderRefused("The provider's address cannot be called.", details=details)
    unreached = isinstance(exc, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout) and not _was_open(exc)
    if unreached or (isinstance(exc, OSError) and not isinstance(exc, aiohttp.ClientError)):
        return ProviderUnavailable("The provider cannot be reached.", details=details)
    return ProviderError("The provider broke off. Try again.", code="provider_broke_off", details=details)


def _was_open(exc: Exception) -> bool:
    """httpx-aiohttp calls every loss of a connection a ConnectTimeout, though it may have been open already."""
    return isinstance(exc.__cause__, aiohttp.ClientConnectionError) and not isinstance(
        exc.__cause__, aiohttp.ClientConnectorError | aiohttp.ServerTimeoutError
    )
