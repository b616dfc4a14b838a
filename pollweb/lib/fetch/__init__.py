"""Fetching what callers point at, without being led inside: the only way to an address that a caller has written.

https or http, ports 80 and 443, no user names; every address that a name has must be public, and only these are
connected to. No cookies, no credentials, no compression, a limit on time and bytes. Fetching is GET alone; `post` is
for what we tell others (webhooks), and follows no redirect. Exceptions are the
`host:port` pairs of POLLWEB_FETCH_ALLOW.
"""

from pollweb.lib.fetch.errors import FetchFailed, FetchRefused
from pollweb.lib.fetch.fetching import MOST_BYTES, Fetched, Posted, fetch, post

__all__ = ["MOST_BYTES", "FetchFailed", "FetchRefused", "Fetched", "Posted", "fetch", "post"]
