"""The order of a collection: its owner moves items, by forms, by scripts, and from two windows at once."""

import re
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from generation.models import Generation
from pollweb.gallery import keeping, order
from pollweb.gallery.models import Collection, Place
from tests.factories import UserFactory

ITEM = re.compile(r'class="tile" href="/p/([\w-]{22})"')


@pytest.fixture
def alice(db):
    return UserFactory(username="alice")


@pytest.fixture
def collection(alice):
    return keeping.new(alice, "Foxes", "Only foxes.", "public")


@pytest.fixture
def rows(collection, make):
    """Four items of it, the first one first."""
    made = [make(prompt=f"fox {n}") for n in range(4)]
    for row in made[::-1]:
        keeping.add(collection, row)
    return made


def names(collection: Collection, rows: list[Generation]) -> str:
    """The order as letters: a is the item that stood first at the beginning."""
    letters = {row.pk: "abcd"[at] for at, row in enumerate(rows)}
    return "".join(letters[pk] for pk in collection.items().values_list("pk", flat=True))


@pytest.mark.parametrize(
    ("item", "deed", "by", "then"),
    [
        (2, "first", None, "cabd"),
        (2, "earlier", None, "acbd"),
        (1, "later", None, "acbd"),
        (0, "last", None, "bcda"),
        (0, "before", 3, "bcad"),
        (0, "after", 2, "bcad"),
        (3, "before", 0, "dabc"),
        (3, "after", 0, "adbc"),
        (0, "after", 3, "bcda"),
        (0, "first", None, "abcd"),
        (0, "earlier", None, "abcd"),
        (3, "last", None, "abcd"),
        (1, "after", 0, "abcd"),
        (1, "before", 1, "abcd"),
    ],
)
def test_a_move_writes_one_place(collection, rows, item, deed, by, then):
    before = dict(Place.objects.values_list("pk", "position"))
    moved = order.move(collection, rows[item], deed, None if by is None else rows[by])
    assert names(collection, rows) == then
    assert moved == (then != "abcd")
    changed = [pk for pk, position in Place.objects.values_list("pk", "position") if before[pk] != position]
    assert len(changed) == int(moved)


def test_it_goes_past_what_is_hidden(collection, rows):
    Generation.objects.filter(pk=rows[1].pk).update(hidden_at=timezone.now())
    order.move(collection, rows[2], "earlier")
    assert names(collection, rows) == "cad"
    order.move(collection, rows[2], "later")
    assert names(collection, rows) == "acd"


def test_where_no_room_is_left_all_are_spread_and_nothing_else_changes(collection, rows):
    for turn in range(100):  # each into the same narrowing place, below the first
        order.move(collection, rows[2 + turn % 2], "after", rows[0])
        assert names(collection, rows) == ("acdb" if turn % 2 == 0 else "adcb") or turn == 0
    positions = list(Place.objects.values_list("position", flat=True))
    assert len(set(positions)) == 4
    assert min(positions) > 0


def test_to_the_end_again_and_again(collection, rows):
    for turn in range(80):
        order.move(collection, rows[turn % 4], "last")
    assert names(collection, rows) == "abcd"
    assert min(Place.objects.values_list("position", flat=True)) > 0


def test_a_move_costs_the_same_in_a_large_collection(collection, rows, make):
    def cost() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            order.move(collection, rows[0], "last")
        order.move(collection, rows[0], "first")
        return len(seen)

    few = cost()
    for _ in range(30):
        keeping.add(collection, make())
    assert cost() == few <= 9


@pytest.mark.django_db(transaction=True)
def test_two_windows_at_once_lose_nothing(collection, rows):
    def turn(n: int) -> None:
        try:
            order.move(collection, rows[n % 4], order.DEEDS[n % 4])
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as windows:
        list(windows.map(turn, range(24)))
    positions = list(Place.objects.values_list("position", flat=True))
    assert len(set(positions)) == 4
    assert sorted(names(collection, rows)) == list("abcd")


def test_the_page_the_feed_and_the_cover_follow_it(client, alice, collection, rows):
    client.force_login(alice)
    address = f"/c/{collection.public_id}"
    back = client.post(f"{address}/items", {"item": rows[3].public_id, "deed": "first"})
    assert back["Location"] == f"{address}#{rows[3].public_id}"
    wanted = [rows[at].public_id for at in (3, 0, 1, 2)]
    assert ITEM.findall(client.get(address).text) == wanted
    assert [each["id"][-22:] for each in client.get(f"{address}.json").json()["items"]] == wanted
    cover = client.get("/collections").text
    assert f"/media/{rows[3].public_id}/" in cover


def test_a_script_is_told_whether_it_moved(client, alice, collection, rows):
    client.force_login(alice)
    values = {"item": rows[0].public_id, "deed": "after", "by": rows[1].public_id}
    for moved in (True, False):
        answer = client.post(f"/c/{collection.public_id}/items", values, headers={"Accept": "application/json"})
        assert answer.json() == {"moved": moved}
    assert names(collection, rows) == "bacd"


def test_what_it_goes_beside_may_be_gone_meanwhile(client, alice, collection, rows, make):
    client.force_login(alice)
    for by in (make().public_id, "nonsense", ""):
        values = {"item": rows[0].public_id, "deed": "before", "by": by}
        assert client.post(f"/c/{collection.public_id}/items", values).status_code == 302
    assert names(collection, rows) == "abcd"
    assert client.post(f"/c/{collection.public_id}/items", {"item": "nonsense", "deed": "first"}).status_code == 404
    assert client.post(f"/c/{collection.public_id}/items", {"item": rows[0].public_id, "deed": "up"}).status_code == 404


def test_an_item_is_taken_out(client, alice, collection, rows):
    client.force_login(alice)
    client.post(f"/c/{collection.public_id}/items", {"item": rows[1].public_id, "deed": "remove"})
    assert names(collection, rows) == "acd"


def test_what_was_counted_before_gets_room_once(collection, rows):
    Place.objects.update(position=F("position") / order.GAP)
    migration = import_module("pollweb.gallery.migrations.0006_room_between_places")
    for _ in range(2):
        migration.spread(apps, None)
        assert sorted(Place.objects.values_list("position", flat=True)) == [n * order.GAP for n in (1, 2, 3, 4)]
    assert names(collection, rows) == "abcd"
