"""How many long connections one address holds in this process, so that nobody takes them all."""

import ipaddress
from collections import Counter
from collections.abc import Callable

from pollweb.lib.http.addresses import UNKNOWN, network_of


class Visitors:
    """Counts by network. Callers on this machine are not counted."""

    def __init__(self) -> None:
        self._here: Counter[str] = Counter()

    def enter(self, address: str, most: int) -> Callable[[], None] | None:
        """Let in and answer with what to call on leaving (more than once does no harm); None when it is full."""
        if address == UNKNOWN or ipaddress.ip_address(address).is_loopback:
            return lambda: None
        network = network_of(address)
        if self._here[network] >= most:
            return None
        self._here[network] += 1
        inside = True

        def leave() -> None:
            nonlocal inside
            if inside:
                inside = False
                self._here[network] -= 1
                if not self._here[network]:
                    del self._here[network]

        return leave
