"""The hub: what each listener hears, what it is told that it missed, and how it comes back."""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from feeds import frames, outbox
from feeds.hub import Hub, Wants
from feeds.seat import Closed, Seat
from pollweb.lib import redis
from tests.feeds.conftest import event

pytestmark = pytest.mark.usefixtures("ears")

ALL = Wants(frozenset({"image", "text", "audio"}), removes=True)
PICTURES = Wants(frozenset({"image"}))


@pytest.fixture
async def hub() -> Any:
    hub = Hub()
    yield hub
    await hub.stop()


async def take(seat: Seat, count: int) -> list[dict[str, Any]]:
    """The next frames, `count` of them at least."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(5):
        while len(found) < count:
            found += [orjson.loads(frame) for frame in await seat.take()]
    return found


async def reached(hub: Hub, count: int) -> None:
    async with asyncio.timeout(5):
        while int(hub.head.partition(".")[2]) < count:
            await hub._moved.wait()


async def test_it_tells_what_comes_and_remembers_what_was(hub: Hub, tell: Callable) -> None:
    old = tell(event(), event("text"))
    seat = await hub.join(frames.WALL, ALL, past=20)
    new = tell(event("audio"))
    heard = await take(seat, 2) + await take(seat, 1)
    assert [each["href"] for each in heard] == [f"/p/{each.public_id}" for each in old + new]
    assert [each["kind"] for each in heard] == ["image", "text", "audio"]
    assert [int(each["id"].partition(".")[2]) for each in heard] == [1, 2, 3]


async def test_each_listener_hears_what_it_wants(hub: Hub, tell: Callable) -> None:
    pictures = await hub.join(frames.IMAGE, PICTURES)
    flux = await hub.join(frames.WALL, Wants(frozenset({"image"}), frozenset({"turbo"})))
    grown = await hub.join(frames.WALL, Wants(frozenset({"image"}), mature=True))
    tell(event("text"), event(is_mature=True), event(model="turbo"), event())
    await reached(hub, 4)
    assert len(await pictures.take()) == 2
    assert [each["model"] for each in await take(flux, 1)] == ["turbo"]
    assert len(await grown.take()) == 3


async def test_a_frame_is_written_once_for_all_listeners_of_a_door(hub: Hub, tell: Callable) -> None:
    seats = [await hub.join(frames.WALL, ALL) for _ in range(3)]
    tell(event())
    first, second, third = [(await seat.take())[0] for seat in seats]
    assert first is second is third


async def test_received_and_gaps_together_are_all_that_was_told(hub: Hub, tell: Callable) -> None:
    slow = await hub.join(frames.WALL, ALL)
    quick = await hub.join(frames.WALL, ALL)
    heard_quickly = 0
    for _ in range(6):
        tell(*[event() for _ in range(30)])
        heard_quickly += len(await take(quick, 30))
    heard = await take(slow, 1)
    assert heard[0] == {"t": "gap", "count": 130}
    assert len(heard) == 1 + 50
    assert heard_quickly == 180
    assert [int(each["id"].partition(".")[2]) for each in heard[1:]] == list(range(131, 181))
    tell(event())
    assert [each["t"] for each in await take(slow, 1)] == ["item"]


async def test_who_keeps_up_has_no_gap_when_much_comes_at_once(hub: Hub, tell: Callable) -> None:
    seat = await hub.join(frames.WALL, ALL)
    hearing = asyncio.create_task(take(seat, 400))
    tell(*[event() for _ in range(400)])
    assert {each["t"] for each in await hearing} == {"item"}


async def test_a_seat_is_bounded_in_bytes_too(hub: Hub, tell: Callable) -> None:
    seat = await hub.join(frames.TEXT, Wants(frozenset({"text"})))
    long = [{"role": "user", "content": "m" * 30_000}]
    tell(*[event("text", messages=long, response="r" * 30_000) for _ in range(12)])
    await reached(hub, 12)
    heard = await seat.take()
    assert heard[0].startswith(b": gap ")
    missed = int(heard[0].split()[2])
    assert missed + len(heard) - 1 == 12
    assert sum(map(len, heard[1:])) <= 256 * 1024


async def test_a_withdrawal_is_never_dropped(hub: Hub, tell: Callable, withdraw: Callable) -> None:
    seat = await hub.join(frames.WALL, ALL)
    first = tell(event())[0]
    withdraw(first.public_id)
    tell(*[event() for _ in range(70)])
    await reached(hub, 72)
    heard = await take(seat, 1)
    assert [each["t"] for each in heard[:2]] == ["gap", "remove"]
    assert heard[1]["id"].endswith(".1")
    assert heard[1]["href"] == f"/p/{first.public_id}"
    assert heard[0]["count"] + len(heard) - 2 == 71


async def test_what_was_withdrawn_is_not_told_to_those_who_come_later(
    hub: Hub, tell: Callable, withdraw: Callable
) -> None:
    gone, stays = tell(event(), event())
    withdraw(gone.public_id)
    seat = await hub.join(frames.IMAGE, PICTURES, past=20)
    heard = b"".join(await seat.take())  # type: ignore[arg-type]
    assert heard.count(b"data: ") == 1
    after_first = hub.head.partition(".")[0] + ".0"
    again = await hub.join(frames.WALL, ALL, after=after_first)
    assert [each["t"] for each in await take(again, 2)] == ["item", "remove"]
    assert gone.public_id not in str(hub._ring._known)
    assert stays.public_id in hub._ring._known


async def test_who_comes_back_hears_exactly_what_was_missed(hub: Hub, tell: Callable) -> None:
    tell(*[event() for _ in range(3)])
    seat = await hub.join(frames.WALL, ALL, past=20)
    last = (await take(seat, 3))[-1]["id"]
    seat.leave()
    missed = tell(*[event() for _ in range(120)])
    await reached(hub, 123)
    again = await hub.join(frames.WALL, ALL, after=last)
    live = tell(event())
    heard = await take(again, 121)
    assert [each["href"] for each in heard] == [f"/p/{each.public_id}" for each in missed + live]


async def test_of_too_many_missed_items_the_older_ones_become_a_gap(hub: Hub, tell: Callable) -> None:
    tell(*[event() for _ in range(61)])
    await hub.join(frames.WALL, ALL)
    first = hub.head.partition(".")[0] + ".1"
    seat = await hub.join(frames.WALL, ALL, after=first, most=40)
    assert (seat.missed, len(seat.take_backlog())) == (20, 40)


@pytest.mark.parametrize("after", ["nonsense", "1.1", "-1.5", "٣.٣", "1" * 64, "head+7", "."])
async def test_an_id_that_says_nothing_begins_with_a_gap(
    hub: Hub, tell: Callable, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feeds.hub.CATCH_UP", 0.01)
    tell(event(), event())
    await hub.join(frames.WALL, ALL)
    if after == "head+7":
        after = hub.head.replace(".2", ".9")
    seat = await hub.join(frames.WALL, ALL, after=after, past=20)
    live = tell(event())
    heard = await take(seat, 2)
    assert heard[0] == {"t": "gap", "count": 0}
    assert [each["href"] for each in heard[1:]] == [f"/p/{live[0].public_id}"]


async def test_what_is_older_than_the_history_begins_with_a_gap(
    hub: Hub, tell: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feeds.ring.BYTES", 5 * len(event().to_json()) + 100)
    tell(*[event() for _ in range(20)])
    await hub.join(frames.WALL, ALL)
    epoch = hub.head.partition(".")[0]
    old = await hub.join(frames.WALL, ALL, after=f"{epoch}.3")
    assert await take(old, 1) == [{"t": "gap", "count": 17}]
    near = await hub.join(frames.WALL, ALL, after=f"{epoch}.17")
    assert [each["id"] for each in await take(near, 3)] == [f"{epoch}.{n}" for n in (18, 19, 20)]


async def test_two_hubs_tell_the_same_and_a_client_may_change_between_them(hub: Hub, tell: Callable) -> None:
    other = Hub()
    try:
        here = await hub.join(frames.WALL, ALL)
        tell(event())
        first = (await take(here, 1))[0]["id"]
        there = await other.join(frames.WALL, ALL, after=first)
        new = tell(event())
        assert [each["href"] for each in await take(there, 1)] == [f"/p/{new[0].public_id}"]
    finally:
        await other.stop()


async def test_a_hub_that_is_behind_does_not_tell_twice(hub: Hub, tell: Callable) -> None:
    tell(event())
    await hub.join(frames.WALL, ALL)
    ahead = hub.head.replace(".1", ".2")
    joining = asyncio.create_task(hub.join(frames.WALL, ALL, after=ahead))
    await asyncio.sleep(0)
    tell(event(), event())
    seat = await joining
    assert [int(each["id"].partition(".")[2]) for each in await take(seat, 1)] == [3]


async def test_an_emptied_redis_loses_nothing_and_doubles_nothing(hub: Hub, tell: Callable) -> None:
    seat = await hub.join(frames.WALL, ALL)
    before = tell(event(), event())
    heard = await take(seat, 2)
    client: Any = redis.sync_client()
    client.delete(*client.scan_iter(redis.key("feed", "*")))
    after = tell(before[1], event())  # the first of them is told again by somebody who died before noting it
    heard += await take(seat, 1)
    assert [each["href"] for each in heard] == [f"/p/{each.public_id}" for each in [*before, after[1]]]
    assert heard[-1]["id"].partition(".")[0] != heard[0]["id"].partition(".")[0]
    resumed = await hub.join(frames.WALL, ALL, after=heard[1]["id"])
    assert (await take(resumed, 1))[0] == {"t": "gap", "count": 0}


async def test_a_stream_that_began_again_under_an_earlier_clock_is_found(
    hub: Hub, tell: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feeds.hub.BLOCK", 0.05)
    seat = await hub.join(frames.WALL, ALL)
    tell(event())
    await take(seat, 1)
    redis.sync_client().delete(outbox.stream_key())
    with monkeypatch.context() as patch:
        patch.setattr("feeds.outbox.time.time_ns", lambda: 10**15)
        new = tell(event())
    assert [each["href"] for each in await take(seat, 1)] == [f"/p/{new[0].public_id}"]


async def test_a_broken_connection_is_opened_again_and_nothing_is_missing(hub: Hub, tell: Callable) -> None:
    seat = await hub.join(frames.WALL, ALL)
    tell(event())
    first = await take(seat, 1)
    client: Any = redis.sync_client()
    for each in client.client_list():
        if each["cmd"].startswith("xread"):
            client.client_kill_filter(_id=each["id"])
    tell(event(), event())
    heard = first + await take(seat, 2)
    assert [int(each["id"].partition(".")[2]) for each in heard] == [1, 2, 3]


async def test_what_the_hub_itself_did_not_see_is_a_gap(hub: Hub, tell: Callable) -> None:
    seat = await hub.join(frames.WALL, ALL)
    tell(event())
    await take(seat, 1)
    epoch = int(hub.head.partition(".")[0])
    client: Any = redis.sync_client()
    newest = client.xrevrange(outbox.stream_key(), count=1)[0][1]
    client.xadd(outbox.stream_key(), {**newest, "public_id": "another"}, id=f"{epoch}-6")
    heard = await take(seat, 2)
    assert heard[0] == {"t": "gap", "count": 4}
    assert heard[1]["id"] == f"{epoch}.6"


async def test_a_paused_listener_gets_withdrawals_only_and_later_the_rest(
    hub: Hub, tell: Callable, withdraw: Callable
) -> None:
    seat = await hub.join(frames.WALL, ALL)
    seat.pause()
    first, _ = tell(event(), event())
    withdraw(first.public_id)
    assert [each["t"] for each in await take(seat, 1)] == ["remove"]
    seat.pause(False)
    assert [each["t"] for each in await take(seat, 2)] == ["item", "item"]


async def test_it_counts_the_watchers_of_all_processes(hub: Hub) -> None:
    other = Hub()
    try:
        mine = await hub.join(frames.WALL, ALL, watching=True)
        await other.join(frames.WALL, ALL, watching=True)
        await other.join(frames.IMAGE, PICTURES)
        assert await other._count_watchers() == 1
        assert await hub._count_watchers() == 2
        mine.leave()
        assert await hub._count_watchers() == 1
    finally:
        await other.stop()


async def test_a_listener_that_takes_nothing_is_reported_stuck_once(hub: Hub, tell: Callable) -> None:
    reports: list[str] = []
    seat = await hub.join(frames.WALL, ALL, most_behind=1000, stuck=lambda: reports.append("stuck"))
    tell(*[event() for _ in range(9)])
    await reached(hub, 9)
    seat.tick(0.0)
    seat.tick(0.0)
    assert reports == ["stuck"]


class Connection:
    """The end of a transport: what was written, and how much of it the other side has not taken."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.unsent = 0
        self.closing = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def is_closing(self) -> bool:
        return self.closing


async def test_ready_made_frames_go_to_the_connection_while_nothing_else_waits(hub: Hub, tell: Callable) -> None:
    connection = Connection()
    seat = await hub.join(frames.WALL, ALL, past=5, direct=connection)
    (first,) = tell(event())  # while the listener is not there yet: the usual way
    await reached(hub, 1)
    assert [each["href"] for each in await take(seat, 1)] == [f"/p/{first.public_id}"]
    listening = asyncio.create_task(take(seat, 1))
    await asyncio.sleep(0)
    (second,) = tell(event())
    await reached(hub, 2)
    (written,) = connection.written
    assert written[:2] == b"\x81\x7e"
    assert len(written) == 4 + int.from_bytes(written[2:4])
    assert orjson.loads(written[4:])["href"] == f"/p/{second.public_id}"
    connection.unsent = 10**6
    tell(event())
    await reached(hub, 3)
    assert [int(each["id"].partition(".")[2]) for each in await listening] == [3]
    connection.unsent, connection.closing = 0, True
    waiting = asyncio.create_task(seat.take())
    await asyncio.sleep(0)
    tell(event())
    await reached(hub, 4)
    assert len(connection.written) == 1
    waiting.cancel()


async def test_a_waiting_connection_is_told_the_figures_without_waking_its_listener(hub: Hub) -> None:
    connection = Connection()
    seat = await hub.join(frames.WALL, ALL, direct=connection, regular=lambda: [hub.stats(), frames.PING])
    listening = asyncio.create_task(seat.take())
    await asyncio.sleep(0)
    seat.tick(0.0)
    stats = b'{"t":"stats","rate":0,"watchers":0}'
    assert connection.written == [frames.socket_message(stats) + frames.socket_message(b'{"t":"ping"}')]
    seat._regular = lambda: None  # the listener has to look for itself
    seat.tick(0.0)
    assert await listening == []
    assert len(connection.written) == 1


async def test_nothing_is_written_beside_a_listener_that_says_goodbye(hub: Hub, tell: Callable) -> None:
    connection = Connection()
    seat = await hub.join(frames.WALL, ALL, direct=connection)
    listening = asyncio.create_task(seat.take())
    await asyncio.sleep(0)
    seat.hush()
    tell(event())
    assert len(await listening) == 1
    assert connection.written == []


async def test_words_are_sought_in_prompts_and_answers_once_for_all_who_seek_them(
    hub: Hub, tell: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0
    call = Wants.__call__

    def count(wants: Wants, item: Any) -> bool:
        nonlocal asked
        asked += 1
        return call(wants, item)

    monkeypatch.setattr(Wants, "__call__", count)
    boats = Wants(ALL.kinds, words=frozenset({"boat", "strasse"}))
    seats = [await hub.join(frames.WALL, boats) for _ in range(50)]
    tell(event(prompt="a cat"), event(prompt="BOATS"), event("text", response="In der Straße", prompt=""))
    await reached(hub, 3)
    for seat in seats:
        assert [each["kind"] for each in await take(seat, 1)] == ["image", "text"]
    assert asked == 3


def test_a_message_of_the_socket_has_its_length_in_the_shortest_form() -> None:
    assert frames.socket_message(b"x" * 125) == b"\x81\x7d" + b"x" * 125
    assert frames.socket_message(b"x" * 126) == b"\x81\x7e\x00\x7e" + b"x" * 126
    assert frames.socket_message(b"x" * 65536)[:10] == b"\x81\x7f" + (65536).to_bytes(8)


async def test_stopping_sends_everybody_home(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    seat = await hub.join(frames.WALL, ALL)

    async def listen() -> None:
        try:
            await seat.take()
        finally:
            seat.leave()

    listening = asyncio.create_task(listen())
    await asyncio.sleep(0)
    monkeypatch.setattr("feeds.hub.FAREWELL", 5.0)
    await hub.stop()
    with pytest.raises(Closed):
        listening.result()


async def test_leaving_leaves_nothing_behind(hub: Hub) -> None:
    seats = [await hub.join(frames.WALL, Wants(frozenset({kind}))) for kind in ("image", "text", "image")]
    for seat in seats:
        seat.leave()
        seat.leave()
    assert hub._audiences == {}
