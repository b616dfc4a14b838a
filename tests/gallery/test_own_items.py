"""What whoever made something in this browser may do with it, without an account."""

import pytest

from feeds.models import Outbox
from generation.models import Generation
from generation.web import own


@pytest.fixture
def mine(client, make):
    """A public picture that this browser made."""
    row = make(prompt="a red fox")
    session = client.session
    session[own.KEY] = [row.public_id]
    session.save()
    return row


def do(client, row, deed):
    return client.post(f"/p/{row.public_id}/own", {"deed": deed})


def test_its_maker_takes_it_out_of_the_gallery_and_keeps_it(client, mine):
    assert "Make private" in client.get(f"/p/{mine.public_id}").content.decode()
    answer = client.post(f"/p/{mine.public_id}/own", {"deed": "private"}, follow=True)
    assert "Only this browser sees it now." in answer.content.decode()
    assert not Generation.objects.public().exists()
    assert Generation.objects.get(pk=mine.pk).scope == mine.principal
    assert Outbox.objects.get(kind="remove").payload == {"public_id": mine.public_id}


def test_its_maker_deletes_it_and_may_have_it_back_for_a_moment(client, mine):
    answer = do(client, mine, "delete")
    assert "Undo" in answer.content.decode()
    gone = client.get(f"/p/{mine.public_id}")
    assert (gone.status_code, b"has deleted it" in gone.content) == (410, True)
    assert client.get(f"/jobs/{mine.public_id}").status_code == 404
    assert "a red fox" not in client.get("/create").content.decode()
    assert Outbox.objects.filter(kind="remove").count() == 1
    assert do(client, mine, "restore").status_code == 302
    assert client.get(f"/p/{mine.public_id}").status_code == 200


def test_what_has_been_erased_does_not_come_back(client, mine):
    do(client, mine, "delete")
    Generation.objects.filter(pk=mine.pk).delete()
    assert do(client, mine, "restore").status_code == 404


@pytest.mark.parametrize("deed", ["private", "delete", "restore"])
def test_another_browser_may_do_nothing(client, make, deed):
    row = make()
    assert "Make private" not in client.get(f"/p/{row.public_id}").content.decode()
    assert do(client, row, deed).status_code == 404
    assert Generation.objects.public().filter(pk=row.pk).exists()


def test_an_unknown_deed_is_refused(client, mine):
    assert do(client, mine, "publish").status_code == 400
    assert Generation.objects.public().exists()


def test_nothing_happens_by_following_a_link(client, mine):
    assert client.get(f"/p/{mine.public_id}/own?deed=delete").status_code == 405
    assert Generation.objects.public().exists()
