"""The picture that a result was made from stands beside it, for those who may see both."""

import re

import pytest
from django.test import Client
from django.utils import timezone

from generation import requests, store
from generation.models import Artifact, Generation
from generation.requests import ImageRequest
from generation.web import brought
from tests.factories import TeamFactory, UserFactory, join
from tests.fakes import jpeg

SLIDER = 'type="range"'
SIDE_BY_SIDE = "Before and after"


@pytest.fixture
def edited(client: Client, make):
    """`edited(*pictures, **columns)`: what this client's browser made of pictures, 64 by 64 pixels."""

    def edited(*digests: str, **columns) -> Generation:
        wish = ImageRequest(model="kontext", text="as an ink drawing", images=digests, width=0, height=0)
        row = make(
            prompt=wish.prompt,
            params=requests.store(wish),
            **{"visibility": "private", "width": 64, "height": 64, **columns},
        )
        session = client.session
        session["jobs"] = [row.public_id]
        session.save()
        return row

    return edited


def sent(width: int = 32, height: int = 32, colour: str = "teal") -> brought.Brought:
    """A picture that somebody sent."""
    return brought.take(jpeg(width, height, colour))


def page(client: Client, row: Generation, folder: str = "jobs") -> str:
    response = client.get(f"/{folder}/{row.public_id}")
    assert response.status_code == 200
    return response.content.decode()


def test_who_made_it_sees_both_with_a_slider_between_them(client, edited):
    picture = sent()
    content = page(client, edited(picture.digest))
    assert SIDE_BY_SIDE in content
    assert SLIDER in content
    [shown] = re.findall(r'src="(/create/brought/[^"]+)"', content)
    assert client.get(shown).content == store.read(picture.digest)


def test_pictures_of_other_shapes_stand_side_by_side_without_a_slider(client, edited):
    content = page(client, edited(sent(64, 32).digest))
    assert SIDE_BY_SIDE in content
    assert SLIDER not in content


def test_nothing_inline_is_needed_for_it(client, edited):
    content = page(client, edited(sent().digest))
    assert "style=" not in content[content.index(SIDE_BY_SIDE) : content.index("/section", content.index(SIDE_BY_SIDE))]


@pytest.mark.parametrize(
    "columns", [{"is_mature": True}, {"width": 0, "height": 0}], ids=["sensitive", "of unknown size"]
)
def test_some_pictures_are_not_compared(client, edited, columns):
    assert SIDE_BY_SIDE not in page(client, edited(sent().digest, **columns))


def test_of_several_pictures_none_is_the_one_before(client, edited):
    row = edited(sent().digest, sent(colour="tomato").digest)
    assert SIDE_BY_SIDE not in page(client, row)


def test_a_picture_that_is_no_longer_here_is_not_promised(client, edited):
    picture = sent()
    row = edited(picture.digest)
    Artifact.objects.filter(pk=picture.digest).delete()
    assert SIDE_BY_SIDE not in page(client, row)


def test_where_it_was_made_from_an_item_the_item_is_named(client, make, edited):
    source = make(prompt="a red fox")
    Artifact.objects.filter(pk=source.artifact_id).update(width=64, height=64)
    assert f'href="/p/{source.public_id}"' in page(client, edited(source.artifact_id))


@pytest.mark.parametrize("column", ["hidden_at", "deleted_at"])
def test_an_item_that_was_taken_away_is_not_shown_as_the_one_before(client, make, edited, column):
    source = make(prompt="a red fox", **{column: timezone.now()})
    Artifact.objects.filter(pk=source.artifact_id).update(width=64, height=64)
    assert SIDE_BY_SIDE not in page(client, edited(source.artifact_id))


# --- for others than its maker ----------------------------------------------------------------------------------------


@pytest.fixture
def colleague(db) -> tuple[Client, object]:
    """Bob, signed in, and a team that he is in and alice too."""
    team, bob = TeamFactory(), UserFactory(username="bob")
    join(team, bob, "member")
    client = Client()
    client.force_login(bob)
    return client, team


def test_a_colleague_does_not_see_what_was_sent(edited, colleague):
    bob, team = colleague
    assert SIDE_BY_SIDE not in page(bob, edited(sent().digest, team=team), "p")


@pytest.mark.parametrize(
    ("of_team", "visibility", "seen"),
    [(False, "public", True), (True, "private", True), (False, "private", False)],
    ids=["a public item", "one of the team", "a stranger's private one"],
)
def test_a_colleague_sees_the_one_before_where_it_is_an_item_for_him(
    make, edited, colleague, of_team, visibility, seen
):
    bob, team = colleague
    source = make(prompt="a red fox", visibility=visibility, team=team if of_team else None)
    Artifact.objects.filter(pk=source.artifact_id).update(width=64, height=64)
    content = page(bob, edited(source.artifact_id, team=team), "p")
    assert (SIDE_BY_SIDE in content) is seen
