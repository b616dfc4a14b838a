"""How many long connections one address holds in this process, so that nobody takes them all."""

import ipaddress
from collections import Counter
from collections.abc import Callable


class Visitors:
    """Counts by address; an IPv6 network of 64 bits counts as one, loopback is not counted."""

    def __init__(self) -> None:
        self._here: Counter[str] = Counter()

    def enter(self, address: str, most: int) -> Callable[[], None] | None:
        """Let in and answer with what to call on leaving (more than once does no harm); None when it is full."""
        name = _network(address)
        if name is None:
            return lambda: None
        if self._here[name] >= most:
            return None
        self._here[name] += 1
        inside = True

        def leave() -> None:
            nonlocal inside
            if inside:
                inside = False
                self._here[name] -= 1
                if self._here[name] <= 0:
                    del self._here[name]

        return leave


def _network(address: str) -> str | None:
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address or None
    if isinstance(ip, ipaddress.IPv6Address):
        ip = ip.ipv4_mapped or ip
    if ip.is_loopback:
        return None
    return str(ipaddress.ip_network((ip, 64), strict=False)) if ip.version == 6 else str(ip)
