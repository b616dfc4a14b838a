"""Who is at the other end: addresses that were not claimed by the caller itself."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from django.conf import settings
from django.http import HttpRequest

UNKNOWN = "0.0.0.0"  # noqa: S104 - a caller without an address, not an address to listen on


@lru_cache(maxsize=8)
def _networks(names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(ip_network(name, strict=False) for name in names)


@lru_cache(maxsize=4096)
def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.strip().strip("[]"))
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_loopback(address: str) -> bool:
    parsed = _parsed(address)
    return parsed is not None and parsed.is_loopback


def is_trusted_proxy(peer: str) -> bool:
    """Whether `peer` may say for whom it speaks. A peer on a unix socket ("") is a proxy of this machine."""
    networks = _networks(tuple(settings.TRUSTED_PROXIES))
    if not networks:
        return False
    if not peer:
        return True
    address = _parsed(peer)
    return address is not None and any(address in network for network in networks)


def client_address(request: HttpRequest) -> str:
    """The caller's address, as `caller_address` has it."""
    return caller_address(request.META.get("REMOTE_ADDR", ""), request.META.get("HTTP_X_FORWARDED_FOR", ""))


def caller_address(peer: str, forwarded: str) -> str:
    """The caller's address in its shortest spelling.

    `X-Forwarded-For` counts only when a trusted proxy sent it, and then its right-most entry that is no trusted proxy.
    """
    if forwarded and is_trusted_proxy(peer):
        for entry in reversed(forwarded.split(",")):
            address = _parsed(entry)
            if address is None:
                break  # what stands left of an unreadable entry was not written by a proxy we trust
            peer = str(address)
            if not is_trusted_proxy(peer):
                break
    return _shortest(peer)


@lru_cache(maxsize=4096)
def _shortest(address: str) -> str:
    return str(_parsed(address) or UNKNOWN)


def network_of(address: str) -> str:
    """What one customer of a network provider has: an IPv4 address as it is, the /64 of an IPv6 address."""
    parsed = _parsed(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, 64), strict=False))
    return str(parsed or UNKNOWN)


@lru_cache(maxsize=4096)
def shortened(address: str) -> str:
    """For logs: three octets of an IPv4 address, four groups of an IPv6 address."""
    parsed = _parsed(address)
    if isinstance(parsed, IPv6Address):
        return ":".join(parsed.exploded.split(":")[:4])
    return ".".join(str(parsed or UNKNOWN).split(".")[:3])
