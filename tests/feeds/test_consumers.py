"""The wall's socket."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from channels.routing import URLRouter

from feeds import consumers, hub
from feeds.routing import websocket_urlpatterns
from tests.feeds.conftest import event
from tests.sockets import Socket

# Channels closes old connections around each message, which looks at the database.
pytestmark = [pytest.mark.usefixtures("ears"), pytest.mark.django_db(transaction=True)]


class Wall(Socket):
    async def say(self, **words: Any) -> None:
        await self.send_json_to(words)


@pytest.fixture
async def wall(ears: None) -> AsyncIterator[Wall]:
    wall = Wall(URLRouter(websocket_urlpatterns), "/ws/wall")
    assert (await wall.connect())[0]
    yield wall
    await wall.disconnect()


async def test_it_greets_with_the_past_and_tells_what_comes(wall: Wall, tell: Callable, withdraw: Callable) -> None:
    old = tell(*[event() for _ in range(50)])
    await wall.say(t="sub", kinds=["image", "text"])
    hello = await wall.hear()
    assert (hello["t"], hello["rate"], len(hello["items"])) == ("hello", 50, 40)
    assert hello["items"][-1]["href"] == f"/p/{old[-1].public_id}"
    (new, _) = tell(event("text"), event("audio"))
    item = await wall.hear()
    assert (item["t"], item["kind"], item["response"]) == ("item", "text", "Paris.")
    withdraw(new.public_id)
    assert await wall.hear() == {"t": "remove", "id": item["id"], "href": f"/p/{new.public_id}"}


async def test_it_begins_by_itself_when_the_client_says_nothing(
    ears: None, tell: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "FIRST_WORD", 0.0)
    tell(event("audio"))
    wall = Wall(URLRouter(websocket_urlpatterns), "/ws/wall")
    await wall.connect()
    assert len((await wall.hear())["items"]) == 1
    await wall.disconnect()


async def test_it_goes_on_after_the_last_item(wall: Wall, tell: Callable) -> None:
    events = tell(*[event() for _ in range(3)])
    await wall.say(t="sub")
    hello = await wall.hear()
    await wall.say(t="sub", after=hello["items"][1]["id"], models=["flux"])
    again = await wall.hear()
    assert [item["href"] for item in again["items"]] == [f"/p/{events[2].public_id}"]
    await wall.say(t="sub", after="1.1")
    assert (await wall.hear())["items"] == []
    assert await wall.hear() == {"t": "gap", "count": 0}
    assert len(hub.current()._watching) == 1


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.005)


async def test_a_paused_wall_is_told_afterwards(wall: Wall, tell: Callable) -> None:
    await wall.say(t="sub")
    await wall.hear()
    await wall.say(t="pause")
    (seat,) = hub.current()._seated()
    await until(lambda: seat.paused)
    tell(*[event() for _ in range(60)])
    await until(lambda: seat.missed == 10)
    assert await wall.receive_nothing(0.02)
    await wall.say(t="resume")
    assert await wall.hear() == {"t": "gap", "count": 10}
    assert (await wall.hear())["t"] == "item"


async def test_it_tells_figures_and_asks_if_somebody_is_there(wall: Wall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feeds.hub.TICK", 0.01)
    monkeypatch.setattr(consumers, "PING", 0.0)
    await wall.say(t="sub")
    heard = [await wall.hear() for _ in range(3)]
    assert [each["t"] for each in heard] == ["hello", "stats", "ping"]
    assert heard[1] == {"t": "stats", "rate": 0, "watchers": 1}
    await wall.say(t="pong")
    assert await wall.closed_with() == 4008


async def test_an_answered_ping_keeps_it_open(wall: Wall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feeds.hub.TICK", 0.01)
    monkeypatch.setattr(consumers, "PING", 0.0)
    monkeypatch.setattr(consumers, "MOST_INBOUND_RATE", 1000)
    wall_pings = 0
    await wall.say(t="sub")
    while wall_pings < 8:
        if (await wall.hear())["t"] == "ping":
            wall_pings += 1
            await wall.say(t="pong")


@pytest.mark.parametrize(
    ("text", "code"),
    [("no JSON", 1008), ("[1]", 1008), ("x" * 20_000, 1009)],
)
async def test_what_is_not_understood_closes_it(wall: Wall, text: str, code: int) -> None:
    await wall.send_to(text_data=text)
    assert (await wall.hear())["t"] == "bye"
    assert await wall.closed_with() == code


async def test_bytes_close_it(wall: Wall) -> None:
    await wall.send_to(bytes_data=b"{}")
    assert await wall.closed_with() == 1008


async def test_more_than_ten_frames_in_a_second_close_it(wall: Wall) -> None:
    for _ in range(11):
        await wall.say(t="pong")
    assert await wall.closed_with() == 1008


async def test_words_it_does_not_know_change_nothing(wall: Wall, tell: Callable) -> None:
    await wall.say(t="sub", kinds=["video", 7], models={"a": 1}, after=["x"])
    await wall.say(t="shout")
    await wall.say()
    assert (await wall.hear())["t"] == "hello"
    tell(event())
    assert (await wall.hear())["t"] == "item"


async def test_a_restart_says_goodbye(wall: Wall) -> None:
    await wall.say(t="sub")
    await wall.hear()
    await hub.stop()
    assert await wall.hear() == {"t": "bye", "reason": "restart", "retry": 5}
    assert await wall.closed_with() == 1012


async def test_one_address_holds_a_bounded_number_of_sockets(ears: None, settings: Any) -> None:
    async def come() -> Wall:
        wall = Wall(URLRouter(websocket_urlpatterns), "/ws/wall")
        wall.scope["client"] = ("203.0.113.9", 5)
        await wall.connect()
        return wall

    walls = [await come() for _ in range(settings.DESIGN.limits.sockets_per_address)]
    refused = await come()
    assert await refused.closed_with() == 1013
    for each in [*walls, refused]:
        await each.disconnect()
    assert not consumers.visitors._here


async def test_a_wall_that_takes_nothing_is_closed(wall: Wall, monkeypatch: pytest.MonkeyPatch) -> None:
    await wall.say(t="sub")
    await wall.hear()
    (seat,) = hub.current()._watching
    assert seat._stuck is not None
    seat._taking = False
    seat._taken_at -= 60
    seat.tick(asyncio.get_running_loop().time())
    assert await wall.closed_with() == 4008
