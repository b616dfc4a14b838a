"""A demonstration, made by the scripted provider in the embedded engines' place."""

import pytest
from django.core.management import CommandError, call_command

from generation.models import Generation
from generation.providers import registry
from pollweb.gallery import demo
from pollweb.gallery.models import Collection, Profile


@pytest.fixture
def local(working, monkeypatch):
    monkeypatch.setattr(registry, "is_local", lambda provider: True)
    monkeypatch.setattr("generation.search.likeness.read", lambda: 0)
    monkeypatch.setattr("generation.worker.shutdown", lambda: None)


def test_it_fills_an_installation_and_the_second_time_finds_everything_there(local, client):
    call_command("demo", items=20, verbosity=0)
    rows = Generation.objects.public()
    assert {row.kind for row in rows} == {"image", "text", "audio"}
    assert rows.count() == Generation.objects.count() == 20
    assert Profile.objects.shown().count() == 2
    held = {each.title: each.places.count() for each in Collection.objects.public()}
    assert held["Winter"]
    call_command("demo", items=20, verbosity=0)
    assert Generation.objects.count() == 20
    assert {each.title: each.places.count() for each in Collection.objects.public()} == held
    assert client.get("/u/demo-alice").status_code == 200


def test_one_that_was_ended_in_the_middle_is_not_in_the_way(local):
    call_command("demo", items=1, verbosity=0)
    left = Generation.objects.get()
    wish = next(demo.wishes(1))
    Generation.objects.update(state="running", finished_at=None, dedupe_key=f"{left.fingerprint}:{left.scope}")
    made = demo.make(wish, demo.people())
    assert made is not None
    assert made.pk != left.pk


def test_each_wish_is_another(local):
    asked = [str(wish.request) for wish in demo.wishes(300)]
    assert len(set(asked)) == 300


def test_nobody_can_sign_in_as_its_people(local):
    assert not any(person.has_usable_password() or person.email for person in demo.people())


@pytest.mark.parametrize("items", [0, -1, demo.MOST + 1])
def test_it_is_bounded(db, items):
    with pytest.raises(CommandError):
        call_command("demo", items=items)


def test_an_installation_that_was_never_started_is_filled_too(local, monkeypatch):
    asked = []
    monkeypatch.setattr("pollweb.gallery.management.commands.demo.call_command", lambda *said, **_: asked.append(said))
    call_command("demo", items=1, verbosity=0)
    assert asked == [("migrate",)]
