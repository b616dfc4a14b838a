"""An address as text, taken apart in one way only: what two readers could understand differently is refused."""

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, urljoin, urlsplit

import idna
from django.conf import settings

from pollweb.lib.fetch import addresses
from pollweb.lib.fetch.errors import FetchRefused

PORTS = {"http": 80, "https": 443}
LONGEST = 4096
# White space and control characters are dropped by some readers of addresses; a backslash is a slash to others.
AMBIGUOUS = re.compile(r"[\x00-\x20\x7f-\x9f\\]")
LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")


@dataclass(frozen=True, slots=True)
class Target:
    """Where one request goes. `host` is ASCII and lower case, an IPv6 address without brackets."""

    scheme: str
    host: str
    port: int
    rest: str

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.rest}"

    @property
    def is_allowed(self) -> bool:
        """The operator named this host and port: neither need be public."""
        return f"{self.host}:{self.port}" in _allowed(tuple(settings.FETCH_ALLOW))

    def redirected(self, location: str) -> "Target":
        return parse(urljoin(self.url, location))


@lru_cache(maxsize=8)
def _allowed(pairs: tuple[str, ...]) -> frozenset[str]:
    """POLLWEB_FETCH_ALLOW as `host:port`, spelled as a Target spells them."""
    named = set()
    for pair in pairs:
        host, _, port = pair.rpartition(":")
        named.add(f"{_host(host.strip('[]'))}:{port}")
    return frozenset(named)


def parse(url: str) -> Target:
    """Raises FetchRefused for other schemes and ports, user names, and hosts that are neither name nor address."""
    url = url.strip()
    if len(url) > LONGEST or AMBIGUOUS.search(url):
        raise FetchRefused
    try:
        parts = urlsplit(url)
        port = parts.port
        host = _host(parts.hostname or "")
    except ValueError as exc:
        raise FetchRefused from exc
    if parts.scheme not in PORTS or "@" in parts.netloc:
        raise FetchRefused
    rest = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    if parts.query:
        rest += "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~-._?[]")
    target = Target(parts.scheme, host, PORTS[parts.scheme] if port is None else port, rest)
    if target.port not in PORTS.values() and not target.is_allowed:
        raise FetchRefused
    return target


def _host(text: str) -> str:
    if address := addresses.parse(text):
        return str(address)
    try:
        name = idna.encode(text, uts46=True, std3_rules=True).decode() if not text.isascii() else text.lower()
    except idna.IDNAError as exc:
        raise FetchRefused from exc
    name = name.removesuffix(".")
    if len(name) > 253 or not all(LABEL.fullmatch(label) for label in name.split(".")):
        raise FetchRefused
    return name
