"""Calling the servers of others: the one factory of HTTP clients, with limits on time, size and number, and their
errors in our words."""

from generation.providers.upstream.answer import Answer
from generation.providers.upstream.calls import Upstream, close
from generation.providers.upstream.faults import garbled

__all__ = ["Answer", "Upstream", "close", "garbled"]
