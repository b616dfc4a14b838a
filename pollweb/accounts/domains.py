"""Domains and identifiers as they are registered and as requests name them: one spelling for both.

A domain is IDNA, lower case, without port, path, user or dot at its end. An identifier has no dot, and counts letter by
letter.
"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any
from urllib.parse import urlsplit

import idna
from django.conf import settings
from django.utils.translation import gettext as _

from pollweb.accounts.errors import InvalidReferrer
from pollweb.lib.fetch import addresses

LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{2,63}")
# What some readers of addresses drop or take for a slash, and others do not.
AMBIGUOUS = re.compile(r"[\x00-\x20\x7f-\xa0\\@]")
# A token that got into the wrong field is a secret and no name.
TOKEN = re.compile(r"pw_[0-9A-Za-z]{36}")
LONGEST = 2048
SCHEMES = ("http://", "https://")


@dataclass(frozen=True, slots=True)
class Claim:
    """What somebody wants to register: kind is domain, wildcard or identifier."""

    kind: str
    pattern: str

    @property
    def host(self) -> str:
        """Where its owner shows that it is theirs; "" for an identifier."""
        return "" if self.kind == "identifier" else self.pattern.removeprefix("*.")


@lru_cache(maxsize=4096)
def spelled(name: str) -> str:
    """A host name or address as it is compared; "" for what is none."""
    if address := addresses.parse(name.strip("[]")):
        return str(address)
    try:
        name = name.lower() if name.isascii() else idna.encode(name, uts46=True, std3_rules=True).decode()
    except idna.IDNAError:
        return ""
    name = name.removesuffix(".")
    return name if len(name) <= 253 and all(LABEL.fullmatch(label) for label in name.split(".")) else ""


def _host(netloc: str) -> str:
    """The host of `host:port`."""
    try:
        parts = urlsplit(f"//{netloc}")
        _port = parts.port  # a port that is no number
        return spelled(parts.hostname or "")
    except ValueError:
        return ""


@lru_cache(maxsize=4096)
def named(value: str) -> Claim | None:
    """The domain or identifier that a request's referrer names; None for one that can be read in two ways.

    An address is its host; bare text with a dot is a host too, with or without a port, and other text an identifier.
    """
    if len(value) > LONGEST or AMBIGUOUS.search(value) or TOKEN.search(value):
        return None
    if value.lower().startswith(SCHEMES):
        host = _host(value.partition("://")[2].partition("/")[0].partition("?")[0].partition("#")[0])
        return Claim("domain", host) if host else None
    if "." not in value and ":" not in value:
        return Claim("identifier", value) if IDENTIFIER.fullmatch(value) else None
    host = "" if "/" in value else _host(value)
    return Claim("domain", host) if host else None


def wildcards(host: str) -> list[str]:
    """The patterns that a host falls under, the longest first: a.b.c is under *.b.c and *.c, never under *.a.b.c."""
    labels = host.split(".")
    return [] if addresses.parse(host) else ["*." + ".".join(labels[i:]) for i in range(1, len(labels))]


@cache
def _suffixes() -> Any:
    from publicsuffixlist import PublicSuffixList  # a few MB, needed where something is registered only

    return PublicSuffixList()


def _is_named_by_operator(host: str) -> bool:
    """In POLLWEB_FETCH_ALLOW: a host of the operator's own network, which no public list knows."""
    return any(_host(pair) == host for pair in settings.FETCH_ALLOW)


def claimed(text: str) -> Claim:
    """What is meant by what somebody typed to register it. InvalidReferrer says what is wrong with it.

    Takes addresses, hosts, wildcards and identifiers.
    """
    text = text.strip()
    if not text:
        raise InvalidReferrer(_("Give a domain or an identifier."))
    if TOKEN.search(text):
        raise InvalidReferrer(_("This is a token. It is a secret: register the domain or a name instead."))
    if len(text) > LONGEST or AMBIGUOUS.search(text):
        raise InvalidReferrer(_("A domain or an identifier has no spaces, backslashes or user names in it."))
    if "://" in text and not text.lower().startswith(SCHEMES):
        raise InvalidReferrer(_("An address begins with http:// or https://."))
    rest = text.partition("://")[2] or text
    bare = rest.partition("/")[0].partition("?")[0].partition("#")[0]
    starred = bare.startswith("*.")
    if "://" not in text and not starred and "." not in bare and ":" not in bare:
        if IDENTIFIER.fullmatch(text) and not _is_named_by_operator(text.lower()):
            return Claim("identifier", text)
        if not _is_named_by_operator(text.lower()):
            raise InvalidReferrer(_("An identifier has 3 to 64 letters, digits, dashes and underscores."))
    host = _host(bare.removeprefix("*."))
    if not host or "*" in bare.removeprefix("*."):
        raise InvalidReferrer(_("This is no domain. A star may stand for the first part only, as in *.example.com."))
    if not _is_named_by_operator(host):
        if addresses.parse(host):
            raise InvalidReferrer(_("A number is no domain: anybody may have it tomorrow."))
        if _suffixes().is_public(host):
            raise InvalidReferrer(
                _("%(host)s is not one owner's: domains are given out below it. Register a whole domain.")
                % {"host": host}
            )
    return Claim("wildcard", f"*.{host}") if starred else Claim("domain", host)
