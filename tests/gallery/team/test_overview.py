"""Overview: the team's day in few queries, and steps that tick themselves."""

from typing import Any

from django.test import Client

from generation.models import State
from pollweb.accounts import tokens, usage
from pollweb.accounts.usage import Counts, Key
from tests.accounts.conftest import Cast
from tests.gallery.team.test_requests import made


def test_a_new_team_sees_its_first_steps_and_they_tick_themselves(cast: Cast, client: Client) -> None:
    client.force_login(cast.bob)
    assert client.get("/t/bees/overview").content.decode().count("data-done") == 0
    tokens.create(cast.bees)
    assert client.get("/t/bees/overview?part=steps").content.decode().count("data-done") == 1
    made(cast.bees)
    part = client.get("/t/bees/overview?part=steps").content.decode()
    assert part.count("data-done") == 2
    assert "<html" not in part


def test_it_shows_the_day_its_errors_grouped_and_what_runs_now(
    cast: Cast, client: Client, django_assert_max_num_queries: Any
) -> None:
    usage.count(Key("image", "flux", cast.bees.pk), Counts(succeeded=1233, failed=1))
    for n in range(3):
        made(cast.bees, n, state=State.FAILED, error_code="provider_failed", error_message="It broke.")
    made(cast.bees, 7)
    made(cast.bees, 8, state=State.RUNNING, finished_at=None)
    made(cast.wasps, 9, state=State.FAILED, error_code="not_ours")
    client.force_login(cast.alice)
    with django_assert_max_num_queries(15):
        text = client.get("/t/bees/overview").content.decode()
    assert "1,234" in text
    assert "3×" in text
    assert "1 of 3" in text
    assert "not_ours" not in text


def test_a_teams_first_page_is_its_overview(cast: Cast, client: Client) -> None:
    client.force_login(cast.vera)
    assert client.get("/t/bees/")["Location"] == "/t/bees/overview"
    assert client.get("/t/bees/overview").status_code == 200
    client.force_login(cast.charlie)
    assert client.get("/t/bees/overview").status_code == 404
