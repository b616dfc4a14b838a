"""Fetching what callers point at, without being led inside: the only way to an address that a caller has written.

https or http, ports 80 and 443, no user names; every address that a name has must be public, and only these are
connected to. GET alone, no cookies, no credentials, no compression, a limit on time and bytes. Exceptions are the
`host:port` pairs of POLLWEB_FETCH_ALLOW.
"""

from pollweb.lib.fetch.errors import FetchFailed, FetchRefused
from pollweb.lib.fetch.fetching import MOST_BYTES, Fetched, fetch

__all__ = ["MOST_BYTES", "FetchFailed", "FetchRefused", "Fetched", "fetch"]
