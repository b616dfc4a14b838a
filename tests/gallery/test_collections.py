import re

import pytest
from django.utils import timezone

from generation.models import Generation
from pollweb.gallery import collections, keeping, models
from pollweb.gallery.models import Collection, Profile
from tests.factories import UserFactory

ITEM = re.compile(r'class="tile" href="/p/([\w-]{22})"')


def shown(response) -> list[str]:
    return ITEM.findall(response.content.decode())


@pytest.fixture
def alice(db):
    return UserFactory(username="alice")


@pytest.fixture
def bob(db):
    return UserFactory(username="bob")


@pytest.fixture
def chosen(alice, make):
    """A private collection of alice with three pictures, the last added first."""
    collection = keeping.new(alice, "Foxes", "Only foxes.")
    rows = [make(prompt=f"fox {n}") for n in range(3)]
    for row in rows:
        keeping.add(collection, row)
    return collection, [row.public_id for row in rows[::-1]]


def test_a_browser_saves_without_an_account(client, make):
    row, other = make(), make()
    for each in (row, other):
        assert client.post(f"/p/{each.public_id}/save", {"on": "1"}).headers["Location"] == f"/p/{each.public_id}"
    assert shown(client.get("/saved")) == [other.public_id, row.public_id]
    assert 'aria-pressed="true"' in client.get(f"/p/{row.public_id}").content.decode()
    answer = client.post(f"/p/{row.public_id}/save", {"on": "0"}, headers={"Accept": "application/json"})
    assert answer.json() == {"saved": False}
    assert shown(client.get("/saved")) == [other.public_id]


def test_what_a_browser_saves_is_bounded(client, make, monkeypatch):
    monkeypatch.setattr(keeping, "MOST_IN_BROWSER", 1)
    client.post(f"/p/{make().public_id}/save", {"on": "1"})
    response = client.post(f"/p/{make().public_id}/save", {"on": "1"})
    assert response.status_code == 409
    assert b"Sign in to save more" in response.content


def test_a_person_keeps_what_their_browser_saved(client, alice, make):
    rows = [make().public_id for _ in range(3)]
    for public_id in rows:
        client.post(f"/p/{public_id}/save", {"on": "1"})
    saved = client.session[keeping.KEY]
    client.force_login(alice)
    session = client.session
    session[keeping.KEY] = saved
    session.save()
    assert b"saved 3 items" in client.get("/saved").content
    client.post("/saved/take-over", {"keep": "1"})
    assert shown(client.get("/saved")) == rows[::-1]
    assert keeping.KEY not in client.session


def test_saves_are_private_and_leave_with_what_they_are_of(client, alice, bob, make):
    row, hidden = make(), make()
    client.force_login(alice)
    for each in (row, hidden):
        client.post(f"/p/{each.public_id}/save", {"on": "1"})
    Generation.objects.filter(pk=hidden.pk).update(hidden_at=timezone.now())
    assert shown(client.get("/saved")) == [row.public_id]
    place = keeping.saves(alice)
    client.force_login(bob)
    assert shown(client.get("/saved")) == []
    assert client.get(f"/c/{place.public_id}").status_code == 404


@pytest.mark.parametrize("columns", [{"visibility": "private"}, {"hidden_at": timezone.now()}, {"is_mature": True}])
def test_what_a_reader_may_not_see_cannot_be_saved(client, make, columns):
    assert client.post(f"/p/{make(**columns).public_id}/save", {"on": "1"}).status_code in (404, 410)


@pytest.mark.parametrize(("visibility", "status"), [("private", 404), ("unlisted", 200), ("public", 200)])
def test_who_sees_a_collection_is_its_owners_choice(client, bob, chosen, visibility, status):
    collection, rows = chosen
    Collection.objects.filter(pk=collection.pk).update(visibility=visibility)
    for address in (f"/c/{collection.public_id}", *(f"/c/{collection.public_id}.{form}" for form in ("atom", "json"))):
        assert client.get(address).status_code == status
    client.force_login(bob)
    response = client.get(f"/c/{collection.public_id}")
    assert response.status_code == status
    assert b"?edit=1" not in response.content
    if status == 200:
        assert shown(response) == rows
        assert (b"noindex" in response.content) == (visibility == "unlisted")


def test_nobody_changes_a_collection_but_its_owner(client, bob, chosen):
    collection, rows = chosen
    Collection.objects.filter(pk=collection.pk).update(visibility="public")
    address = f"/c/{collection.public_id}"
    posts = {
        "change": {"title": "x", "visibility": "public"},
        "delete": {},
        "items": {"item": rows[0], "deed": "remove"},
    }
    for path, data in posts.items():
        assert client.post(f"{address}/{path}", data).status_code == 302  # to sign in
    client.force_login(bob)
    for path, data in posts.items():
        assert client.post(f"{address}/{path}", data).status_code == 404
    assert shown(client.get(address)) == rows


def test_the_owner_changes_title_note_and_visibility(client, alice, chosen):
    collection, _ = chosen
    client.force_login(alice)
    address = f"/c/{collection.public_id}"
    assert client.post(f"{address}/change", {"title": "", "visibility": "public"}).status_code == 422
    client.post(f"{address}/change", {"title": "Red foxes", "note": "<b>all</b>", "visibility": "public"})
    content = client.get(address).content.decode()
    assert "Red foxes" in content
    assert "&lt;b&gt;all&lt;/b&gt;" in content


def test_pages_of_a_collection_neither_repeat_nor_miss(client, alice, chosen, monkeypatch):
    monkeypatch.setattr(collections, "PAGE", 2)
    collection, rows = chosen
    client.force_login(alice)
    first = client.get(f"/c/{collection.public_id}")
    assert shown(first) + shown(client.get(first.context["older_url"])) == rows


def test_the_picker_adds_removes_and_makes(client, alice, chosen, make):
    collection, rows = chosen
    client.force_login(alice)
    row = make()
    page = f"/p/{row.public_id}/collections"
    client.post(page, {"collection": [collection.public_id], "title": "  Another   one "})
    assert shown(client.get(f"/c/{collection.public_id}")) == [row.public_id, *rows]
    made = Collection.objects.get(title="Another one")
    assert shown(client.get(f"/c/{made.public_id}")) == [row.public_id]
    client.post(page, {"collection": [made.public_id]})
    assert shown(client.get(f"/c/{collection.public_id}")) == rows


def test_collections_and_what_is_in_them_are_bounded(alice, make, monkeypatch):
    monkeypatch.setattr(keeping, "MOST_ITEMS", 1)
    monkeypatch.setattr(keeping, "MOST_COLLECTIONS", 1)
    collection = keeping.new(alice, "One")
    keeping.add(collection, make())
    with pytest.raises(keeping.Full):
        keeping.add(collection, make())
    with pytest.raises(keeping.Full):
        keeping.new(alice, "Two")


def test_a_deleted_collection_leaves_its_items(client, alice, chosen):
    collection, rows = chosen
    client.force_login(alice)
    client.post(f"/c/{collection.public_id}/delete")
    assert client.get(f"/c/{collection.public_id}").status_code == 404
    assert client.get(f"/p/{rows[0]}").status_code == 200


def test_a_collection_is_shown_by_its_first_public_picture(client, alice, chosen):
    _, (first, second, _third) = chosen
    client.force_login(alice)
    assert f"/media/{first}/original" in client.get("/collections").content.decode()
    Generation.objects.filter(public_id=first).update(hidden_at=timezone.now())
    assert f"/media/{second}/original" in client.get("/collections").content.decode()


def test_pages_cost_few_queries(client, alice, chosen, django_assert_max_num_queries):
    collection, _ = chosen
    for n in range(5):
        keeping.new(alice, f"More {n}")
    client.force_login(alice)
    for address in (f"/c/{collection.public_id}", "/saved", "/collections"):
        with django_assert_max_num_queries(12):
            assert client.get(address).status_code == 200


def test_feeds_hold_what_is_public_and_are_conditional(client, chosen):
    collection, rows = chosen
    Collection.objects.filter(pk=collection.pk).update(visibility="public")
    Generation.objects.filter(public_id=rows[0]).update(is_mature=True)
    response = client.get(f"/c/{collection.public_id}.json")
    assert [each["id"].rsplit("/", 1)[1] for each in response.json()["items"]] == rows[1:]
    again = client.get(f"/c/{collection.public_id}.json", headers={"If-None-Match": response.headers["ETag"]})
    assert again.status_code == 304
    assert client.get(f"/c/{collection.public_id}.atom").content.count(b"<entry>") == 2


@pytest.fixture
def profile(alice):
    return Profile.objects.create(person=alice, handle="alice", name="Alice", is_shown=True)


def test_a_profile_is_off_until_its_person_turns_it_on(client, alice):
    assert client.get("/u/alice").status_code == 404
    client.force_login(alice)
    client.post("/account/profile/", {"handle": "@Alice", "name": "Alice"})
    assert client.get("/u/alice").status_code == 404
    client.post("/account/profile/", {"handle": "alice", "name": "Alice", "is_shown": "on"})
    assert client.get("/u/Alice").status_code == 200


@pytest.mark.parametrize("handle", ["", "a", "admin", "no spaces", "-x-", "名字名字", "<script>", "x" * 31])
def test_a_handle_is_a_plain_name(client, alice, handle):
    client.force_login(alice)
    assert client.post("/account/profile/", {"handle": handle, "is_shown": "on"}).status_code == 422


def test_a_handle_is_one_persons(client, bob, profile):
    client.force_login(bob)
    assert client.post("/account/profile/", {"handle": "alice"}).status_code == 422


def test_a_profile_shows_public_works_and_collections_alone(client, alice, profile, chosen, make):
    team = alice.personal_team
    public = make(team=team)
    make(team=team, visibility="private")
    make()
    secret, _ = chosen
    open_one = keeping.new(alice, "For everyone", visibility="public")
    response = client.get("/u/alice")
    assert shown(response) == [public.public_id]
    content = response.content.decode()
    assert open_one.title in content
    assert secret.title not in content
    assert [each["id"][-22:] for each in client.get("/u/alice.json").json()["items"]] == [public.public_id]
    assert client.get("/u/alice.atom").content.count(b"<entry>") == 1


def test_a_person_who_leaves_takes_pages_and_collections_along(client, alice, profile, chosen):
    from pollweb.accounts import leaving

    collection, _ = chosen
    Collection.objects.filter(pk=collection.pk).update(visibility="public")
    leaving.leave(alice)
    assert client.get("/u/alice").status_code == 404
    assert client.get(f"/c/{collection.public_id}").status_code == 404
    leaving.erase_person(alice)
    assert not models.Place.objects.exists()


def test_an_archive_of_a_person_holds_their_collections(alice, profile, chosen):
    from pollweb.accounts.holdings import holdings

    _, rows = chosen
    told = {name: list(rows_of(alice)) for each in holdings() for name, rows_of in each.personal.items()}
    assert [each["title"] for each in told["collections"]] == ["Foxes"]
    assert [each["item"] for each in told["collected"]] == rows
    assert told["profile"] == [{"handle": "alice", "name": "Alice", "about": "", "is_shown": True}]


def test_by_finds_what_a_shown_profile_made(client, alice, profile, make):
    from generation import search

    mine = make(prompt="a fox", team=alice.personal_team)
    search.expect([mine.pk, make(prompt="a fox").pk])
    search.fill()
    address = re.compile(r'<a href="/p/([\w-]{22})"')
    assert address.findall(client.get("/search?q=fox+by:Alice").content.decode()) == [mine.public_id]
    Profile.objects.update(is_shown=False)
    assert address.findall(client.get("/search?q=by:alice").content.decode()) == []
