"""Which feeds are followed."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

from django.conf import settings

from pollweb.lib.fetch import addresses

INNER_NAME = re.compile(r"(.*\.)?(localhost|local|internal|lan|home\.arpa)")


@dataclass(frozen=True)
class Source:
    """A feed: `kind` image or text, and its address."""

    kind: str
    url: str

    @cached_property
    def host(self) -> str:
        """With its port, where it has one; never with what the address says after it, which may be a password."""
        return urlsplit(self.url).netloc.lower()

    @cached_property
    def key(self) -> str:
        return hashlib.sha256(f"{self.kind} {self.url}".encode()).hexdigest()[:24]

    @cached_property
    def is_inner(self) -> bool:
        return is_inner(urlsplit(self.url).hostname or "")


def is_inner(host: str) -> bool:
    """Whether a host, by its name alone, belongs to this machine or a private network."""
    address = addresses.parse(host)
    if address is not None:
        return not addresses.is_public(address)
    return "." not in host or INNER_NAME.fullmatch(host.rstrip(".").lower()) is not None


def follow(url: str) -> list[Source]:
    """What `--follow URL` means: a feed, or both feeds of a site. ValueError says what is wrong with the address."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host or parts.scheme not in ("http", "https") or parts.username or len(url) > 2048:
        raise ValueError(f"{url[:200]!r} is no feed's address; one looks like https://image.pollinations.ai/feed.")
    path = parts.path.rstrip("/")
    if path.endswith("/feed"):
        return [Source("text" if host.startswith("text.") or "/text/" in f"{path}/" else "image", url)]
    return [Source(kind, parts._replace(path=f"{path}/{kind}/feed").geturl()) for kind in ("image", "text")]


def named() -> list[Source]:
    """The feeds of the operator's file."""
    feeds = settings.DESIGN.feeds
    return [Source("image", url) for url in feeds.image] + [Source("text", url) for url in feeds.text]


def chosen(urls: Iterable[str] = ()) -> list[Source]:
    """The feeds of the operator's file, if it says `follow`, and `urls`; each once."""
    found = [source for url in urls for source in follow(url)]
    if settings.DESIGN.feeds.follow:
        found += named()
    return list(dict.fromkeys(found))
