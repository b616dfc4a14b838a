"""A team's pages of walls, and the walls and kiosks that come of them."""

import re
from typing import Any

import pytest
from django.test import Client

from feeds import outbox, walls
from feeds.choices import Choices
from feeds.models import Screen, Wall
from pollweb.accounts.models import App, AuditEvent
from pollweb.accounts.tokens import OPERATOR
from pollweb.gallery import keeping
from pollweb.gallery.models import Collection
from tests.accounts.conftest import Cast, call_the_cast
from tests.feeds.conftest import event
from tests.gallery.conftest import make

__all__ = ["make"]  # a fixture

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(db: None) -> Cast:
    return call_the_cast()


@pytest.fixture
def bob(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.bob)
    return client


@pytest.fixture
def told(settings: Any) -> Any:
    """Tell events at once, old enough for a kiosk."""
    feeds = settings.DESIGN.feeds.model_copy(update={"kiosk_delay": 0})
    settings.DESIGN = settings.DESIGN.model_copy(update={"feeds": feeds})

    def told(*events: Any) -> None:
        outbox.append([outbox.Outbox(event_id=each.id, kind=each.kind, payload=each.as_dict()) for each in events])

    return told


SCREEN = {"name": "By the door", "layout": "stream", "speed": "calm", "density": "dense", "theme": "dark"}


def test_a_member_makes_a_wall_changes_it_and_removes_it(bob: Client, cast: Cast):
    app = App.objects.create(team=cast.bees, name="Booth")
    bob.post(
        "/t/bees/walls", {"name": "大厅 Lobby", "source": f"app:{app.pk}", "kind": "image", "words": "boats\nlakes"}
    )
    wall = Wall.objects.get()
    assert (wall.own, wall.app, wall.kind, wall.words) == (True, app, "image", ["boats", "lakes"])
    assert re.fullmatch(r"lobby-[a-z0-9]{8}", wall.slug)
    assert "what Booth makes" in bob.get("/t/bees/walls").content.decode()
    assert f"/wall/{wall.slug}" in bob.get(f"/t/bees/walls/{wall.pk}").content.decode()
    bob.post(f"/t/bees/walls/{wall.pk}/change", {"name": "Hall", "source": "", "kind": "", "words": ""})
    wall.refresh_from_db()
    assert (wall.name, wall.own, wall.app, wall.revision) == ("Hall", False, None, 2)
    bob.post(f"/t/bees/walls/{wall.pk}/remove")
    assert bob.get(f"/wall/{wall.slug}").status_code == 404
    actions = AuditEvent.objects.filter(team=cast.bees).order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["wall.created", "wall.changed", "wall.removed"]


def test_the_application_of_another_team_cannot_be_chosen(bob: Client, cast: Cast):
    foreign = App.objects.create(team=cast.wasps, name="Sting")
    answer = bob.post("/t/bees/walls", {"name": "Lobby", "source": f"app:{foreign.pk}"})
    assert answer.status_code == 422
    assert not Wall.objects.exists()


@pytest.mark.parametrize("given", [{"name": ""}, {"name": "x" * 81}, {"words": "\n".join(map(str, range(21)))}])
def test_a_wall_that_cannot_be_is_explained(bob: Client, given: dict[str, str]):
    assert bob.post("/t/bees/walls", {"name": "Lobby", **given}).status_code == 422


def test_a_viewer_sees_walls_and_makes_none(cast: Cast):
    client = Client()
    client.force_login(cast.vera)
    assert "Make a wall" not in client.get("/t/bees/walls").content.decode()
    assert client.post("/t/bees/walls", {"name": "Lobby"}).status_code == 403


def test_a_screen_shows_what_its_key_says_whatever_its_address_says(bob: Client, cast: Cast, client: Client, told: Any):
    wall = walls.create(cast.bees, by=OPERATOR, name="Lobby", own=True)
    told(event(prompt="ours", team=cast.bees.pk), event(prompt="theirs", team=cast.wasps.pk), event(prompt="nobody's"))
    made = bob.post(f"/t/bees/walls/{wall.pk}/screens", SCREEN).content.decode()
    address = re.search(r"/live/kiosk\?token=pd_\w+", made)
    assert address
    page = client.get(address.group() + "&layout=spotlight&kind=text&theme=light")
    content = page.content.decode()
    assert [item["prompt"] for item in page.context["items"]] == ["ours"]
    assert 'data-layout="stream"' in content
    assert 'data-theme="dark"' in content
    assert 'data-revision="1.1"' in content
    assert "<title>Lobby</title>" in content
    assert Screen.objects.get().last_seen_at
    listed = bob.get(f"/t/bees/walls/{wall.pk}").content.decode()
    assert "By the door" in listed
    assert "pd_…" + address.group()[-4:] in listed
    assert address.group()[-36:] not in listed


def test_a_screen_whose_key_does_not_hold_says_so_calmly(bob: Client, cast: Cast, client: Client):
    wall = walls.create(cast.bees, by=OPERATOR, name="Lobby")
    screen, key = walls.add_screen(wall, "Door", Choices(), by=OPERATOR)
    assert client.get(f"/live/kiosk?token={key}").status_code == 200
    bob.post(f"/t/bees/screens/{screen.pk}/key")
    answer = client.get(f"/live/kiosk?token={key}")
    assert answer.status_code == 404
    assert "key does not hold any more" in answer.content.decode()
    assert client.get("/live/kiosk?token=%00pd_").status_code == 404


def test_screens_are_reloaded_one_by_one_or_all_at_once(bob: Client, cast: Cast):
    wall = walls.create(cast.bees, by=OPERATOR, name="Lobby")
    first, second = (walls.add_screen(wall, name, Choices(), by=OPERATOR)[0] for name in ("Door", "Window"))
    bob.post(f"/t/bees/screens/{first.pk}/reload")
    bob.post(f"/t/bees/walls/{wall.pk}/reload")
    assert list(Screen.objects.order_by("pk").values_list("revision", flat=True)) == [3, 2]
    bob.post(f"/t/bees/screens/{second.pk}/change", {**SCREEN, "name": "Hall", "qr": "create"})
    second.refresh_from_db()
    assert (second.name, second.shown.layout, second.shown.qr, second.revision) == ("Hall", "stream", "create", 3)
    bob.post(f"/t/bees/screens/{second.pk}/remove")
    assert Screen.objects.count() == 1


def test_a_named_wall_and_its_kiosk_show_its_part_and_lead_to_each_other(cast: Cast, client: Client, told: Any):
    wall = walls.create(cast.bees, by=OPERATOR, name="Lobby", own=True, kind="text")
    told(event("text", prompt="ours", team=cast.bees.pk), event(team=cast.bees.pk), event("text"))
    for path in (f"/wall/{wall.slug}", f"/wall/{wall.slug}/kiosk?qr=wall"):
        page = client.get(path)
        assert [item["prompt"] for item in page.context["items"]] == ["ours"]
    content = client.get(f"/wall/{wall.slug}?layout=stream").content.decode()
    assert f'href="/wall/{wall.slug}/kiosk?layout=stream"' in content
    assert "<h1>Lobby</h1>" in content
    assert f'data-wall-name="{wall.slug}"' in content


def test_a_named_wall_finds_its_items_behind_many_others(cast: Cast, client: Client, told: Any):
    wall = walls.create(cast.bees, by=OPERATOR, name="Lobby", own=True)
    told(event(prompt="ours", team=cast.bees.pk), *[event() for _ in range(200)])
    assert len(client.get(f"/wall/{wall.slug}").context["items"]) == 1


def test_the_list_of_walls_asks_the_same_number_of_questions_whatever_their_number(
    bob: Client, cast: Cast, django_assert_max_num_queries: Any
):
    for number in range(5):
        wall = walls.create(cast.bees, by=OPERATOR, name=f"Wall {number}")
        walls.add_screen(wall, "Door", Choices(), by=OPERATOR)
    with django_assert_max_num_queries(12):
        bob.get("/t/bees/walls")


def test_the_walls_of_a_team_are_in_its_export_without_keys(cast: Cast):
    wall = walls.create(cast.bees, by=OPERATOR, name="Lobby")
    _, key = walls.add_screen(wall, "Door", Choices(), by=OPERATOR)
    (told,) = walls.export(cast.bees)
    assert told["screens"][0]["name"] == "Door"
    assert key not in str(told)


class TestOfACollection:
    """What somebody may choose, and the page without scripts."""

    @pytest.fixture
    def foxes(self, cast: Cast, make: Any) -> Any:
        collection = keeping.new(cast.bob, "Foxes", visibility="unlisted")
        keeping.add(collection, make(prompt="a fox in the snow"))
        return collection

    def test_a_member_limits_a_wall_to_it(self, bob: Client, foxes: Any, told: Any):
        told(event(prompt="three boats"))
        bob.post("/t/bees/walls", {"name": "Lobby", "source": f"collection:{foxes.public_id}"})
        wall = Wall.objects.get()
        assert (wall.own, wall.app, wall.collection) == (False, None, foxes.public_id)
        assert "the collection “Foxes”" in bob.get(f"/t/bees/walls/{wall.pk}").content.decode()
        page = Client().get(f"/wall/{wall.slug}").content.decode()
        assert "a fox in the snow" in page
        assert "three boats" not in page
        assert "a fox in the snow" in Client().get(f"/wall/{wall.slug}/kiosk").content.decode()

    def test_made_private_it_is_gone_from_the_page(self, bob: Client, foxes: Any):
        bob.post("/t/bees/walls", {"name": "Lobby", "source": f"collection:{foxes.public_id}"})
        wall = Wall.objects.get()
        Collection.objects.update(visibility="private")
        assert "a fox in the snow" not in Client().get(f"/wall/{wall.slug}").content.decode()
        for page in ("/t/bees/walls", f"/t/bees/walls/{wall.pk}", f"/t/bees/walls/{wall.pk}/change"):
            assert "Foxes" not in bob.get(page).content.decode()

    @pytest.mark.parametrize(("person", "visibility", "may"), [
        ("bob", "private", False), ("bob", "public", True), ("alice", "unlisted", False), ("alice", "public", True),
        ("charlie", "public", False),
    ])  # fmt: skip
    def test_ones_own_may_be_chosen_and_public_ones_of_the_team(
        self, bob: Client, cast: Cast, person: str, visibility: str, may: bool
    ):
        given = keeping.new(getattr(cast, person), "Given", visibility=visibility)
        bob.post("/t/bees/walls", {"name": "Lobby", "source": f"collection:{given.public_id}"})
        assert Wall.objects.exists() is may

    def test_whoever_else_changes_the_wall_may_leave_it_as_it_is(self, bob: Client, cast: Cast, foxes: Any):
        bob.post("/t/bees/walls", {"name": "Lobby", "source": f"collection:{foxes.public_id}"})
        wall = Wall.objects.get()
        alice = Client()
        alice.force_login(cast.alice)
        assert "Only the collection “Foxes”" in alice.get(f"/t/bees/walls/{wall.pk}/change").content.decode()
        alice.post(f"/t/bees/walls/{wall.pk}/change", {"name": "Hall", "source": f"collection:{foxes.public_id}"})
        wall.refresh_from_db()
        assert (wall.name, wall.collection) == ("Hall", foxes.public_id)
