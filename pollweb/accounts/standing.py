"""What an answer says of its caller's limits: RateLimit-Policy and RateLimit, and the names that OpenAI's clients read.

The fields are those of draft-ietf-httpapi-ratelimit-headers-11: each policy is named after the kind that it limits, `q`
starts in `w` seconds; the second policy, in the unit `concurrent-requests`, is how many may run at once. What remains
is said only where the line was asked anyway: an answer from the cache costs no question.
"""

import math
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pollweb.accounts.identity import Principal
    from pollweb.accounts.line import Limits, Step


@dataclass(slots=True)
class Standing:
    """One request's: who asks, under which limits, what the line said last, and how many seconds it waited there."""

    principal: "Principal | None" = None
    limits: "Limits | None" = None
    step: "Step | None" = None
    waited: float = 0.0


_current: ContextVar[Standing | None] = ContextVar("standing", default=None)


def begin() -> Standing:
    """From now on the running request is told about in what this returns."""
    standing = Standing()
    _current.set(standing)
    return standing


def note(
    *,
    principal: "Principal | None" = None,
    limits: "Limits | None" = None,
    step: "Step | None" = None,
    waited: float = 0.0,
) -> None:
    """Say what is known of the running request; outside of one (a worker, a command) nobody is told."""
    standing = _current.get()
    if standing is None:
        return
    if principal is not None:
        standing.principal = principal
    if limits is not None:
        standing.limits = limits
    if step is not None:
        standing.step = step
    if waited:
        standing.waited = waited


@lru_cache(maxsize=1024)
def _policy(kind: str, interval: float, concurrency: int) -> tuple[str, str]:
    """RateLimit-Policy, and x-ratelimit-limit-requests."""
    running = f'"{kind}-running";q={concurrency};qu="concurrent-requests"'
    if not interval:
        return running, str(concurrency)
    return f'"{kind}";q=1;w={math.ceil(interval)}, {running}', "1"


def headers(limits: "Limits", standing: Standing) -> dict[str, tuple[str, str]]:
    """The fields as Django keeps them: lower-case name → (name, value)."""
    kind, interval, concurrency = limits.kind, limits.slowest, limits.most
    policy, limit = _policy(kind, interval, concurrency)
    told = {
        "ratelimit-policy": ("RateLimit-Policy", policy),
        "x-ratelimit-limit-requests": ("x-ratelimit-limit-requests", limit),
    }
    step = standing.step
    if step is not None:
        free = 0 if step.full else min(step.free, concurrency)
        reset = math.ceil(step.reset)
        if interval:
            remaining, state = 0, f'"{kind}";r=0;t={reset}, "{kind}-running";r={free}'
        else:
            remaining, state = free, f'"{kind}-running";r={free}' + (f";t={reset}" if reset else "")
        told["ratelimit"] = ("RateLimit", state)
        told["x-ratelimit-remaining-requests"] = ("x-ratelimit-remaining-requests", str(remaining))
        told["x-ratelimit-reset-requests"] = ("x-ratelimit-reset-requests", f"{reset}s")
    if standing.waited:
        told["x-queue-wait"] = ("X-Queue-Wait", f"{standing.waited:.3f}")
    return told
