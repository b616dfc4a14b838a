"""Typed readers for environment variables and secret files.

A variable that is not set, or set to nothing, has its default. One that is set to something we cannot read stops the
start with a sentence that names the variable, the value and what is allowed. Any variable may come from a file instead:
`NAME_FILE=/run/secrets/name`.
"""

import os
import re
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from pollweb.lib import sentinels

TRUE, FALSE = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})

files: set[Path] = set()  # those that values came from


def text(name: str, default: str = "") -> str:
    """The value without surrounding white space."""
    value = os.environ.get(name, "").strip()
    if value:
        return value
    path = os.environ.get(f"{name}_FILE", "").strip()
    if not path:
        return default
    files.add(Path(path).absolute())
    try:
        return Path(path).read_text(encoding="utf-8").strip() or default
    except (OSError, UnicodeDecodeError) as exc:
        raise ImproperlyConfigured(f"{name}_FILE names {path}, which cannot be read: {exc}.") from exc


def flag(name: str, default: bool = False) -> bool:
    value = text(name).lower()
    if not value:
        return default
    if value in TRUE | FALSE:
        return value in TRUE
    raise ImproperlyConfigured(f"{name} is {value!r}; allowed are 1, true, yes, on, 0, false, no and off.")


def number(name: str, default: int, *, least: int = 0, most: int = 2**31) -> int:
    value = text(name)
    if not value:
        return default
    try:
        result = int(value)
    except ValueError:
        result = least - 1
    if least <= result <= most:
        return result
    raise ImproperlyConfigured(f"{name} is {value!r}; allowed is a whole number from {least} to {most}.")


def seconds(name: str, default: float) -> float:
    value = text(name)
    if not value:
        return default
    try:
        result = float(value)
    except ValueError:
        result = -1
    if 0 <= result < float("inf"):
        return result
    raise ImproperlyConfigured(f"{name} is {value!r}; allowed is a number of seconds, such as 8 or 0.5.")


def words(name: str) -> list[str]:
    """A list separated by commas or white space."""
    return text(name).replace(",", " ").split()


def host_ports(name: str) -> list[str]:
    """A list of `host:port`; an IPv6 address stands in brackets."""
    pairs = words(name)
    for pair in pairs:
        if not re.fullmatch(r"([^\s:/@\[\]]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}", pair):
            raise ImproperlyConfigured(
                f"{name} holds {pair!r}; allowed are pairs such as intranet.example:8080 or [::1]:8080."
            )
    return pairs


def networks(name: str) -> list[str]:
    """A list of IP networks and addresses."""
    found = words(name)
    for word in found:
        try:
            ip_network(word, strict=False)
        except ValueError:
            raise ImproperlyConfigured(
                f"{name} holds {word!r}; allowed are networks such as 10.0.0.0/8 and addresses."
            ) from None
    return found


def redis_url(name: str, default: str) -> str:
    """`redis://` or `rediss://` with a host, `sentinel://` with hosts and a name, or `unix://` with a path.

    A refused one may hold a password: not told.
    """
    value = text(name, default)
    try:
        if value.startswith("sentinel://"):
            sentinels.parse(value)
            return value
        parts = urlsplit(value)
        known = bool(parts.path if parts.scheme == "unix" else parts.scheme in ("redis", "rediss") and parts.hostname)
        known = known and (parts.port or 1) > 0
    except ValueError:
        known = False
    if known:
        return value
    told = value.partition(":")[0] if "://" in value else ""
    raise ImproperlyConfigured(
        f"{name} is {f'{told}://…' if told else 'no address'}; allowed are redis://host:port/0, "
        "rediss://host:port/0, sentinel://host:port,host:port/master and unix:///path."
    )


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = text(name, default)
    if value in allowed:
        return value
    raise ImproperlyConfigured(f"{name} is {value!r}; allowed are {', '.join(allowed)}.")


def folder(name: str, default: Path) -> Path:
    return Path(text(name) or default).expanduser().absolute()


def base_url(name: str, default: str) -> str:
    """An http or https address without a slash at the end."""
    value = text(name, default).rstrip("/")
    parts = urlsplit(value)
    if parts.scheme in ("http", "https") and parts.hostname and not parts.query and not parts.fragment:
        return value
    raise ImproperlyConfigured(
        f"{name} is {value!r}; allowed is an address such as https://example.com or http://localhost:8000."
    )


def optional_url(name: str) -> str:
    """As `base_url`, or nothing."""
    return base_url(name, "") if text(name) else ""


def location(name: str) -> str:
    """The path of a location, from slash to slash, or nothing."""
    value = text(name)
    if not value or re.fullmatch(r"/([A-Za-z0-9_-]+/)+", value):
        return value
    raise ImproperlyConfigured(f"{name} is {value!r}; allowed is a path that begins and ends with a slash: /stored/.")
