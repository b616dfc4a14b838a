"""One place in the stream, and how each door writes it. What a door has written once is shared by all its listeners."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import orjson

from feeds.events import FeedEvent
from pollweb.lib import sse

Frame = str | bytes


@dataclass(eq=False, frozen=True, slots=True)
class Door:
    """A way out: how an item is written there, and how a number of dropped ones (0 when nobody knows how many)."""

    item: Callable[["Item"], Frame]
    gap: Callable[[int], Frame]
    wire: Callable[[bytes], bytes] | None = None  # the same as the transport carries it


class Written(NamedTuple):
    """A frame for one door, its bytes, and the bytes on the wire where a door may write there."""

    frame: Frame
    size: int
    wire: bytes | None


@dataclass(eq=False, slots=True, kw_only=True)
class Item:
    """An entry of the stream: an event, or (`t` is "remove") the withdrawal of one.

    `team` and `app` are the keys of who made it, or 0. `collection` is that which it is shown of, and nothing for what
    comes from the stream. `target` is the id of what is withdrawn, where it is still
    known. An item that was itself withdrawn keeps its place but has nothing to tell any more (`gone`).
    """

    epoch: int
    seq: int
    t: str
    kind: str
    model: str
    public_id: str
    mature: bool
    sent_ns: int
    data: bytes
    team: int = 0
    app: int = 0
    collection: str = ""
    target: str = ""
    gone: bool = False
    written: dict[Door, "Written"] = field(default_factory=dict)
    _said: str | None = None

    @classmethod
    def from_entry(cls, entry_id: bytes, fields: dict[bytes, bytes]) -> Self:
        """From an entry of the Redis Stream, whose fields feeds.outbox describes."""
        epoch, seq = entry_id.split(b"-")
        return cls(
            epoch=int(epoch),
            seq=int(seq),
            t=fields[b"t"].decode(),
            kind=fields[b"kind"].decode(),
            model=fields[b"model"].decode(),
            public_id=fields[b"public_id"].decode(),
            mature=bool(fields[b"mature"]),
            sent_ns=int(fields[b"sent_ns"]),
            data=fields[b"event"],
            team=int(fields.get(b"team") or 0),
            app=int(fields.get(b"app") or 0),
        )

    @property
    def id(self) -> str:
        return f"{self.epoch}.{self.seq}"

    @property
    def place(self) -> tuple[int, int]:
        return (self.epoch, self.seq)

    @property
    def event(self) -> FeedEvent:
        return FeedEvent.from_json(self.data)

    @property
    def said(self) -> str:
        """Prompt and answer in small letters, for those who look for words."""
        if self._said is None:
            event = self.event
            self._said = f"{event.prompt}\n{event.response}".casefold()
        return self._said

    def withdraw(self) -> None:
        self.gone = True
        self.data = b""
        self.forget()

    def forget(self) -> None:
        """What can be made again."""
        self.written.clear()
        self._said = None

    def write(self, door: Door) -> Written:
        found = self.written.get(door)
        if found is None:
            found = self.written[door] = write(door, door.item(self))
        return found


def write(door: Door, frame: Frame) -> Written:
    data = frame.encode() if isinstance(frame, str) else frame
    return Written(frame, len(data), door.wire(data) if door.wire else None)


def wall(item: Item) -> dict[str, Any]:
    """A frame of the wall: `item`, or `remove` with the item's id (empty when it is too old) and its address."""
    if item.t == "remove":
        return {"t": "remove", "id": item.target, "href": f"/p/{item.public_id}"}
    return item.event.wall_item(item.id, item.sent_ns)


def wall_gap(count: int) -> dict[str, Any]:
    return {"t": "gap", "count": count}


def socket_message(data: bytes) -> bytes:
    """A whole text message as a server sends it: one frame, not masked, not compressed (RFC 6455, section 5.2)."""
    size = len(data)
    if size < 126:
        return bytes((0x81, size)) + data
    if size < 65536:
        return b"\x81\x7e" + size.to_bytes(2) + data
    return b"\x81\x7f" + size.to_bytes(8) + data


def chunk(data: bytes) -> bytes:
    """A piece of an answer whose length nobody knows yet, as HTTP/1.1 carries it (RFC 9112, section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def said(door: Door, frame: dict[str, Any]) -> Written:
    """A frame of the wall that is about no item, for the socket or the events."""
    return write(door, text(frame) if door is WALL else sse.data(frame))


def text(frame: dict[str, Any]) -> str:
    return orjson.dumps(frame).decode()


# The guide's feeds are bare `data:` lines. Clients that resume know ids, and are told of a gap by an event of that
# name; the others by a comment, which every reader passes over.
IMAGE = Door(lambda item: sse.data(item.event.image_frame()), lambda count: sse.comment(f"gap {count}"), chunk)
TEXT = Door(lambda item: sse.data(item.event.text_frame()), lambda count: sse.comment(f"gap {count}"), chunk)
IMAGE_RESUMED = Door(
    lambda item: sse.data(item.event.image_frame(), id=item.id),
    lambda count: sse.data({"count": count}, event="gap"),
    chunk,
)
TEXT_RESUMED = Door(
    lambda item: sse.data(item.event.text_frame(), id=item.id),
    lambda count: sse.data({"count": count}, event="gap"),
    chunk,
)
WALL = Door(lambda item: text(wall(item)), lambda count: text(wall_gap(count)), socket_message)
WALL_EVENTS = Door(lambda item: sse.data(wall(item), id=item.id), lambda count: sse.data(wall_gap(count)), chunk)
HEARTBEAT = write(WALL_EVENTS, sse.HEARTBEAT)
PING = write(WALL, text({"t": "ping"}))
