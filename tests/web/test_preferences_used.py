"""What an account prefers is what its pages do."""

from datetime import UTC, datetime

import pytest
from django.test import Client

from pollweb.accounts.models import Token
from tests.accounts.conftest import Cast, cast
from tests.fakes import jpeg
from tests.gallery.team.test_requests import made

__all__ = ["cast"]


@pytest.fixture
def token(cast: Cast) -> Token:
    return Token.objects.create(
        team=cast.bees,
        name="nightly",
        digest="a" * 64,
        last_four="aaaa",
        created_by=cast.alice,
        expires_at=datetime(2090, 1, 31, 22, 30, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("", "Jan. 31, 2090, 10:30 p.m. UTC"),
        ("Asia/Shanghai", "Feb. 1, 2090, 6:30 a.m. CST"),
        ("Mars/Olympus", "Jan. 31, 2090, 10:30 p.m. UTC"),
        ("../../etc/passwd", "Jan. 31, 2090, 10:30 p.m. UTC"),
    ],
)
def test_times_are_in_the_zone_of_the_account(cast: Cast, token: Token, client: Client, zone: str, said: str):
    cast.alice.settings = {"time_zone": zone}
    cast.alice.save()
    client.force_login(cast.alice)
    page = client.get(f"/t/bees/tokens/{token.pk}").content.decode()
    assert said in page
    assert ("data-zone=" in page) == bool(zone)
    # What was counted by the hour or day is in UTC for everybody.
    assert " UTC, counted up to " in client.get("/t/bees/usage").content.decode()


def test_the_next_reader_is_not_in_the_zone_of_the_one_before(cast: Cast, token: Token):
    cast.alice.settings = {"time_zone": "Asia/Shanghai"}
    cast.alice.save()
    for person, said in ((cast.alice, "a.m. CST"), (cast.adam, "p.m. UTC")):
        client = Client()
        client.force_login(person)
        assert said in client.get(f"/t/bees/tokens/{token.pk}").content.decode()


@pytest.mark.parametrize("wish", ["", "show", "hide"])
def test_sensitive_pictures_are_marked_and_the_page_knows_what_to_do_with_them(
    cast: Cast,
    client: Client,
    wish: str,
):
    from generation import artifacts

    row = made(cast.bees, 1, artifact_id=artifacts.keep(jpeg(), "image/jpeg", width=8, height=8), is_mature=True)
    cast.alice.settings = {"sensitive": wish}
    cast.alice.save()
    client.force_login(cast.alice)
    for path in ("/t/bees/library", f"/p/{row.public_id}"):
        page = client.get(path).content.decode()
        assert "data-mature" in page, path
        assert (f'data-sensitive="{wish}"' in page) == bool(wish)
