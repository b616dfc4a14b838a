"""Walls of a collection: what they show, and how what comes into it and what leaves it gets to who watches."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from feeds import attendance, collected, moderation, outbox, stream, walls
from feeds.models import Outbox, Wall
from generation import fulfilment
from generation.models import Generation
from pollweb.accounts.models import Team, User
from pollweb.accounts.tokens import OPERATOR
from pollweb.gallery import keeping, removal
from pollweb.gallery.models import Collection
from pollweb.lib import db
from tests.factories import TeamFactory, UserFactory
from tests.feeds.conftest import event
from tests.feeds.test_consumers import Wall as Socket
from tests.feeds.test_stream import Listener, ask
from tests.feeds.test_walls import sit
from tests.gallery.conftest import make

__all__ = ["make"]  # a fixture

pytestmark = [pytest.mark.usefixtures("ears"), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def alice() -> User:
    return UserFactory.create(username="alice")


@pytest.fixture
def foxes(alice: User, make: Callable[..., Generation]) -> tuple[Collection, list[Generation]]:
    """A public collection of alice with three pictures, as it shows them."""
    collection = keeping.new(alice, "Foxes", visibility="public")
    rows = [make(prompt=f"fox {n}") for n in range(3)]
    for row in rows:
        keeping.add(collection, row)
    return collection, rows[::-1]


@pytest.fixture
def wall(foxes: tuple[Collection, list[Generation]]) -> Wall:
    team: Team = TeamFactory.create(name="Bees")
    return walls.create(team, by=OPERATOR, name="Lobby", collection=foxes[0].public_id)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attendance, "LOOK", 0.02)


async def watch(wall: Wall, **sub: Any) -> tuple[Socket, dict[str, Any]]:
    socket = await sit(wall=wall.slug, **sub)
    hello = await socket.hear()
    assert await socket.hear() == {"t": "screen", "revision": "1.0"}
    return socket, hello


def names(collection: Collection) -> list[str]:
    return list(collected.items(collection.public_id))


def test_it_shows_the_collections_public_items_in_its_order(foxes):
    collection, rows = foxes
    assert names(collection) == [row.public_id for row in rows]
    Generation.objects.filter(pk=rows[0].pk).update(visibility="private")
    Generation.objects.filter(pk=rows[1].pk).update(is_mature=True)
    assert names(collection) == [rows[2].public_id]


def test_of_a_collection_that_is_private_or_gone_or_of_somebody_locked_out_nothing_is_shown(foxes, alice):
    collection, rows = foxes
    Collection.objects.update(visibility="unlisted")
    assert len(names(collection)) == len(rows)
    User.objects.update(is_active=False)
    assert names(collection) == []
    User.objects.update(is_active=True)
    Collection.objects.update(visibility="private")
    assert names(collection) == []
    collection.delete()
    assert collected.items(collection.public_id) == {}


def test_what_the_feed_holds_back_or_refused_is_not_shown(foxes, alice):
    collection, (first, second, third) = foxes
    moderation.decide(alice, approves_first=True)
    for row in (first, second, third):
        outbox.announce(fulfilment.event(row))
    assert names(collection) == []
    held = {str(each.event_id): each.pk for each in Outbox.objects.held()}
    moderation.approve([held[str(first.pk)], held[str(second.pk)]], alice)
    moderation.refuse([held[str(third.pk)]], alice)
    assert names(collection) == [first.public_id, second.public_id]
    moderation.decide(alice, words=["fox 1"])
    assert names(collection) == [first.public_id]


def test_what_was_refused_is_remembered_however_long_ago(foxes, alice, settings):
    collection, rows = foxes
    feeds = settings.DESIGN.feeds.model_copy(update={"history": 0})
    settings.DESIGN = settings.DESIGN.model_copy(update={"feeds": feeds})
    Outbox.objects.create(
        event_id=rows[0].pk, kind="image", payload=fulfilment.event(rows[0]).as_dict(), held="words",
        published_at=timezone.now() - timedelta(days=400),
    )  # fmt: skip
    outbox.prune()
    assert names(collection) == [row.public_id for row in rows[1:]]


async def test_a_socket_hears_all_of_the_collection_and_nothing_of_the_stream(foxes, wall, tell):
    _, rows = foxes
    tell(event())
    socket, hello = await watch(wall, after="1.1")
    assert hello["whole"] is True
    assert [each["href"] for each in hello["items"]] == [f"/p/{row.public_id}" for row in rows[::-1]]
    tell(event())
    assert await socket.receive_nothing(0.2)
    await socket.disconnect()


async def test_what_is_added_appears_and_what_is_taken_out_vanishes(foxes, wall, make, soon):
    collection, rows = foxes
    socket, hello = await watch(wall)
    new = await db.run(make, prompt="a badger")
    await db.run(keeping.add, collection, new)
    heard = await socket.hear()
    assert (heard["t"], heard["href"]) == ("item", f"/p/{new.public_id}")
    await db.run(keeping.remove, collection, rows[0])
    gone = await socket.hear()
    assert (gone["t"], gone["href"]) == ("remove", f"/p/{rows[0].public_id}")
    assert gone["id"] == hello["items"][-1]["id"]
    await db.run(keeping.add, collection, rows[0])
    assert (await socket.hear())["id"] == gone["id"]
    await socket.disconnect()


async def test_a_hidden_item_leaves_at_once_and_a_collection_made_private_takes_all_along(
    foxes, wall, alice, monkeypatch
):
    collection, rows = foxes
    monkeypatch.setattr(attendance, "LOOK", 3600)
    socket, _ = await watch(wall)
    await db.run(removal.hide, rows[0], alice, reason="no foxes")
    assert (await socket.hear())["href"] == f"/p/{rows[0].public_id}"
    await socket.disconnect()
    monkeypatch.setattr(attendance, "LOOK", 0.02)
    socket, hello = await watch(wall)
    assert len(hello["items"]) == 2
    await db.run(Collection.objects.filter(pk=collection.pk).update, visibility="private")
    assert {(await socket.hear())["href"] for _ in range(2)} == {f"/p/{row.public_id}" for row in rows[1:]}
    await socket.disconnect()


async def test_while_the_feed_is_paused_nothing_comes_and_what_leaves_leaves(foxes, wall, alice, make, soon):
    collection, rows = foxes
    socket, _ = await watch(wall)
    await db.run(moderation.decide, alice, is_paused=True)
    new = await db.run(make)
    await db.run(keeping.add, collection, new)
    await db.run(keeping.remove, collection, rows[0])
    assert (await socket.hear())["t"] == "remove"
    assert await socket.receive_nothing(0.2)
    await db.run(moderation.decide, alice, is_paused=False)
    assert (await socket.hear())["href"] == f"/p/{new.public_id}"
    await socket.disconnect()


async def test_what_the_page_asks_for_narrows_it_further(foxes, wall, make):
    collection, _ = foxes
    words = await db.run(make, "text", response="A fox.")
    await db.run(keeping.add, collection, words)
    socket, hello = await watch(wall, kinds=["text"])
    assert [each["href"] for each in hello["items"]] == [f"/p/{words.public_id}"]
    await socket.disconnect()


async def test_browsers_without_sockets_get_the_same(foxes, wall):
    _, rows = foxes
    query = f"wall={wall.slug}&after=1.1"
    answer = json.loads((await stream.wall_items(ask.get(f"/live/items.json?{query}"))).content)
    async with Listener(await stream.wall_events(ask.get(f"/live/events?{query}"))) as listener:
        hello = json.loads((await listener.next()).partition(b"data: ")[2])
    assert hello["whole"] is True
    assert hello["items"] == answer["items"]
    assert (answer["whole"], answer["gap"]) == (True, 0)
    assert [each["href"] for each in answer["items"]] == [f"/p/{row.public_id}" for row in rows[::-1]]


async def test_a_large_collection_is_all_there_and_its_page_begins_small(foxes, wall, make, async_client, monkeypatch):
    collection, _ = foxes
    for n in range(60):
        await db.run(keeping.add, collection, await db.run(make, prompt=f"badger {n}"))
    socket, hello = await watch(wall)
    assert len(hello["items"]) == 63
    assert (await async_client.get(f"/wall/{wall.slug}")).text.count("data-span=") == 40 + 2
    await socket.disconnect()
    monkeypatch.setattr(collected, "SHOWN", 5)
    socket, hello = await watch(wall)
    assert [each["prompt"] for each in hello["items"]] == [f"badger {n}" for n in range(55, 60)]
    await socket.disconnect()


async def test_many_that_come_at_once_all_arrive(foxes, wall, make, soon):
    collection, _ = foxes
    await db.run(Collection.objects.filter(pk=collection.pk).update, visibility="private")
    for n in range(60):
        await db.run(keeping.add, collection, await db.run(make, prompt=f"badger {n}"))
    socket, hello = await watch(wall)
    assert hello["items"] == []
    await db.run(Collection.objects.filter(pk=collection.pk).update, visibility="public")
    assert len({(await socket.hear())["href"] for _ in range(63)}) == 63
    await socket.disconnect()
