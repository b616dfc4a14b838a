"""All who sit at one door and want the same: a filter is asked once for them, and a frame is made once."""

import asyncio
from typing import TYPE_CHECKING

from feeds.frames import Written

if TYPE_CHECKING:
    from feeds.seat import Seat

DIRECT_BYTES = 64 * 1024  # of what a transport holds back, as the server's own flow control has it


class Audience:
    """Those who wait at a transport of their own (`direct`) get a frame written there at once, without a task waking
    up; the `others` get it put on their seats. A seat moves between the two by itself."""

    __slots__ = ("direct", "others")

    def __init__(self) -> None:
        self.direct: dict[Seat, asyncio.Transport] = {}
        self.others: set[Seat] = set()

    def __len__(self) -> int:
        return len(self.direct) + len(self.others)

    def seats(self) -> list["Seat"]:
        return [*self.direct, *self.others]

    def tell(self, written: Written, remove: bool) -> None:
        wire = written.wire
        for seat in self.others:
            seat.push(written, remove)
        late = []
        for seat, transport in self.direct.items():
            # A closed transport takes a write too, and would complain to the log for each.
            if transport.is_closing():
                continue
            if wire is None or transport.get_write_buffer_size() >= DIRECT_BYTES:
                late.append(seat)
            else:
                transport.write(wire)
        for seat in late:
            seat.push(written, remove)  # it wakes up, and with that becomes one of the others

    def waits(self, seat: "Seat", transport: asyncio.Transport) -> None:
        self.others.discard(seat)
        self.direct[seat] = transport

    def wakes(self, seat: "Seat") -> None:
        if self.direct.pop(seat, None) is not None:
            self.others.add(seat)

    def leaves(self, seat: "Seat") -> None:
        self.direct.pop(seat, None)
        self.others.discard(seat)
