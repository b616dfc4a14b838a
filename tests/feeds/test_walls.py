"""Named walls: what they let through, and screens with display keys."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from channels.routing import URLRouter
from django.utils import timezone

from feeds import attendance, consumers, frames, walls
from feeds.choices import Choices
from feeds.frames import Item
from feeds.models import Screen, Wall
from feeds.routing import websocket_urlpatterns
from pollweb.accounts.models import App, Team
from pollweb.accounts.tokens import OPERATOR
from pollweb.lib import db
from pollweb.lib.errors import BadRequest
from tests.factories import TeamFactory
from tests.feeds.conftest import event
from tests.feeds.test_consumers import Wall as Socket

pytestmark = [pytest.mark.usefixtures("ears"), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def bees() -> Team:
    return TeamFactory.create(name="Bees")


def make(team: Team, **values: Any) -> Wall:
    return walls.create(team, by=OPERATOR, **{"name": "Lobby", **values})


def hang(wall: Wall, **choices: Any) -> tuple[Screen, str]:
    return walls.add_screen(wall, "By the door", Choices.read(choices), by=OPERATOR)


async def sit(address: str = "/ws/wall", **sub: Any) -> Socket:
    socket = Socket(URLRouter(websocket_urlpatterns), address)
    assert (await socket.connect())[0]
    await socket.say(t="sub", **sub)
    return socket


def item(**values: Any) -> Item:
    made = event(**values)
    fields = {"team": made.team or 0, "app": made.app or 0}
    return Item(
        epoch=1, seq=1, t="event", kind=made.kind, model=made.model, public_id=made.public_id, mature=False, sent_ns=0,
        data=made.to_json(), **fields,
    )  # fmt: skip


def test_a_wall_shows_what_is_within_all_of_its_bounds(bees: Team):
    app = App.objects.create(team=bees, name="Booth")
    everything = walls.bounds(make(bees))
    own = walls.bounds(make(bees, own=True))
    booth = walls.bounds(make(bees, own=True, app=app))
    boats = walls.bounds(make(bees, own=True, words=["Boats"], kind="image"))
    theirs, ours, made_there = item(team=bees.pk + 1), item(team=bees.pk), item(team=bees.pk, app=app.pk)
    assert [everything(each) for each in (theirs, ours, made_there)] == [True, True, True]
    assert [own(each) for each in (theirs, ours, made_there)] == [False, True, True]
    assert [booth(each) for each in (theirs, ours, made_there)] == [False, False, True]
    assert boats(ours)
    assert not boats(item(team=bees.pk, prompt="a lake"))
    assert not boats(item(kind="text", team=bees.pk, response="red boats"))


def test_an_application_that_is_gone_leaves_the_wall_to_its_team_and_not_to_everybody(bees: Team):
    app = App.objects.create(team=bees, name="Booth")
    wall = make(bees, own=True, app=app)
    app.delete()
    bounds = walls.bounds(Wall.objects.get(pk=wall.pk))
    assert bounds(item(team=bees.pk))
    assert not bounds(item(team=bees.pk + 1))


async def test_a_socket_before_a_named_wall_hears_what_is_the_walls(bees: Team, tell: Callable):
    wall = await db.run(make, bees, own=True)
    _, past = tell(event(team=None), event(team=bees.pk))
    socket = await sit(wall=wall.slug)
    hello = await socket.hear()
    assert [each["href"] for each in hello["items"]] == [f"/p/{past.public_id}"]
    assert await socket.hear() == {"t": "screen", "revision": "1.0"}
    _, mine = tell(event(team=bees.pk + 1), event(team=bees.pk))
    assert (await socket.hear())["href"] == f"/p/{mine.public_id}"
    await socket.disconnect()


@pytest.mark.parametrize("name", ["nothing-of-this-name", "\0", "x" * 5000, "../../etc"])
async def test_a_wall_that_is_not_there_is_said_and_closed(bees: Team, name: str):
    socket = await sit(wall=name)
    assert await socket.hear() == {"t": "screen", "gone": True}
    assert await socket.closed_with() == consumers.REFUSED


async def test_a_display_key_locks_what_is_shown_and_needs_no_room_at_its_address(
    bees: Team, tell: Callable, monkeypatch: pytest.MonkeyPatch
):
    wall = await db.run(make, bees, own=True)
    _, key = await db.run(hang, wall, kind="text")
    monkeypatch.setattr(consumers.visitors, "enter", lambda address, most: None)  # the address is full
    tell(event("text"), event("image", team=bees.pk), event("text", team=bees.pk))
    socket = await sit(f"/ws/wall?token={key}", kinds=["image"], wall="another")
    assert [(each["kind"]) for each in (await socket.hear())["items"]] == ["text"]
    await socket.disconnect()
    assert await (await sit()).closed_with() == consumers.BUSY


async def test_a_key_opens_only_so_many_sockets(bees: Team, monkeypatch: pytest.MonkeyPatch):
    _, key = await db.run(lambda: hang(make(bees)))
    monkeypatch.setattr(attendance, "MOST_AT_A_SCREEN", 1)
    first = await sit(f"/ws/wall?token={key}")
    await first.hear()
    await first.hear()
    assert await (await sit(f"/ws/wall?token={key}")).closed_with() == consumers.BUSY
    await first.disconnect()


async def test_a_key_that_does_not_hold_opens_nothing(bees: Team):
    screen, key = await db.run(lambda: hang(make(bees)))
    renewed = await db.run(walls.rotate, screen, by=OPERATOR)
    for wrong in (key, key[:-1] + "x", "pw_" + key[3:], "%00"):
        socket = await sit(f"/ws/wall?token={wrong}")
        assert await socket.hear() == {"t": "screen", "gone": True}
        assert await socket.closed_with() == consumers.REFUSED
    assert (await (await sit(f"/ws/wall?token={renewed}")).hear())["t"] == "hello"


async def test_the_screens_of_a_deleted_team_are_gone(bees: Team):
    _, key = await db.run(lambda: hang(make(bees)))
    await db.run(lambda: Team.objects.filter(pk=bees.pk).update(deleted_at=timezone.now()))
    assert await db.run(walls.of_key, key) is None
    assert not await db.run(Wall.objects.kept().exists)


async def test_screens_hear_that_they_are_to_load_anew_and_whoever_stays_is_sent_away(
    bees: Team, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(attendance, "LOOK", 0.02)
    wall = await db.run(make, bees)
    (first, key), (_, other_key) = await db.run(hang, wall), await db.run(hang, wall)
    screen, other = await sit(f"/ws/wall?token={key}"), await sit(f"/ws/wall?token={other_key}")
    visitor = await sit(wall=wall.slug)
    for socket in (screen, other, visitor):
        assert (await socket.hear())["t"] == "hello"
        await socket.hear()
    await db.run(walls.reload, wall, first)
    assert await screen.hear() == {"t": "screen", "revision": "1.2"}
    assert await screen.closed_with() == consumers.RESTART
    await db.run(walls.change, wall, by=OPERATOR, name="Hall", own=True)
    assert await other.hear() == {"t": "screen", "revision": "2.1"}
    assert await visitor.hear() == {"t": "screen", "revision": "2.0"}
    again = await sit(wall=wall.slug)
    await again.hear()
    await again.hear()
    await db.run(walls.remove, wall, by=OPERATOR)
    assert await again.hear() == {"t": "screen", "gone": True}


async def test_a_screen_is_noted_as_seen(bees: Team, monkeypatch: pytest.MonkeyPatch):
    screen, key = await db.run(lambda: hang(make(bees)))
    socket = await sit(f"/ws/wall?token={key}")
    await socket.hear()
    async with asyncio.timeout(10):
        while (await db.run(Screen.objects.get, pk=screen.pk)).last_seen_at is None:
            await asyncio.sleep(0.01)
    await socket.disconnect()
    assert not attendance.current()._here


def test_the_key_is_stored_as_a_digest_only(bees: Team):
    screen, key = hang(make(bees))
    assert key.startswith("pd_")
    assert len(key) == 39
    row = Screen.objects.filter(pk=screen.pk).values().get()
    assert key not in str(row)
    assert row["last_four"] == key[-4:]


def test_there_are_only_so_many_walls_and_screens(bees: Team, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(walls, "MOST_WALLS", 1)
    monkeypatch.setattr(walls, "MOST_SCREENS", 1)
    wall = make(bees)
    hang(wall)
    with pytest.raises(BadRequest):
        make(bees)
    with pytest.raises(BadRequest):
        hang(wall)


def test_frames_about_the_screen_are_written_for_both_doors():
    assert frames.said(frames.WALL, {"t": "screen"}).wire
    assert frames.said(frames.WALL_EVENTS, {"t": "screen"}).frame == b'data: {"t":"screen"}\n\n'
