"""The request log: the team's rows and nobody else's, one query a page, each row with a page of its own."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from generation.models import Generation, State
from generation.requests import ImageRequest, store
from pollweb.accounts import tokens
from pollweb.accounts.models import Team
from pollweb.lib import ids
from tests.accounts.conftest import Cast


def made(team: Team | None, number: int = 0, **values: Any) -> Generation:
    wish = ImageRequest(model="flux", text=values.pop("prompt", f"a fox {number}"), seed=number)
    now = timezone.now()
    usual: dict[str, Any] = {
        "kind": "image",
        "model": "flux",
        "prompt": wish.prompt,
        "params": store(wish),
        "fingerprint": f"f{number}",
        "scope": "public",
        "principal": f"team:{team.pk}" if team else "ip:192.0.2.1",
        "team": team,
        "usage_team": team,
        "state": State.SUCCEEDED,
        "slot": "x",
        "deadline": now,
        "started_at": now,
        "finished_at": now + timedelta(seconds=2),
    }
    return Generation.objects.create(**{**usual, **values})


def test_it_shows_the_teams_rows_newest_first_and_nobody_elses(cast: Cast, client: Client) -> None:
    now = timezone.now()
    rows = [made(cast.bees, n, id=ids.first_of(now - timedelta(minutes=3 - n))) for n in range(3)]
    made(cast.wasps, 9, model="secret-model")
    client.force_login(cast.bob)
    text = client.get("/t/bees/requests").content.decode()
    places = [text.index(f"requests/{row.public_id}") for row in rows]
    assert places == sorted(places, reverse=True)
    assert "secret-model" not in text


def test_filters_narrow_it(cast: Cast, client: Client) -> None:
    token = tokens.create(cast.bees, "Production").token
    by_token = made(cast.bees, 1, token=token)
    failed = made(cast.bees, 2, state=State.FAILED, error_code="provider_failed", error_status=502)
    late = made(cast.bees, 3, state=State.EXPIRED, error_code="deadline_exceeded")
    seen = made(None, 4, usage_team=cast.bees, registered_referrer="app.example")
    old = made(cast.bees, 5, id=ids.first_of(timezone.now() - timedelta(days=40)))
    client.force_login(cast.bob)

    def shown(query: str) -> set[int]:
        text = client.get(f"/t/bees/requests?{query}&part=rows").content.decode()
        return {n for n, row in enumerate((by_token, failed, late, seen, old), 1) if row.public_id in text}

    assert shown("") == {1, 2, 3, 4}
    assert shown(f"range=7d&token={token.pk}") == {1}
    assert shown("state=failed") == {2, 3}
    assert shown("referrer=app.example") == {4}
    assert shown("kind=text") == set()
    assert shown("state=cached") == set()
    day = (timezone.now() - timedelta(days=40)).date()
    assert shown(f"from={day}&to={day}") == {5}


def test_a_page_costs_the_same_queries_however_many_rows_it_has(
    cast: Cast, client: Client, django_assert_max_num_queries: Any
) -> None:
    token = tokens.create(cast.bees).token
    for n in range(60):
        made(cast.bees, n, token=token)
    client.force_login(cast.bob)
    client.get("/t/bees/requests")  # the session remembers the team
    with django_assert_max_num_queries(12):
        first = client.get("/t/bees/requests").content.decode()
    assert first.count('<th scope="row">') == 50
    older = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    assert client.get(f"/t/bees/requests{older}").content.decode().count('<th scope="row">') == 10


def test_a_request_has_a_page_that_says_what_became_of_it(cast: Cast, client: Client) -> None:
    row = made(
        cast.bees, 7, state=State.FAILED, error_code="provider_failed", error_status=502, request_id="abc123",
        error_message="The upstream said <no>.",
    )  # fmt: skip
    client.force_login(cast.bob)
    page = client.get(f"/t/bees/requests/{row.public_id}")
    text = page.content.decode()
    for words in ("provider_failed", "HTTP 502", "The upstream said &lt;no&gt;.", "abc123", "curl", "a fox 7"):
        assert words in text
    drawer = client.get(f"/t/bees/requests/{row.public_id}", headers={"HX-Request": "true"}).content.decode()
    assert "provider_failed" in drawer
    assert "<html" not in drawer


def test_what_a_visitor_asked_for_in_private_stays_theirs(cast: Cast, client: Client) -> None:
    theirs = made(None, 1, usage_team=cast.bees, registered_referrer="app.example", prompt="my secret wish")
    shared = made(
        None, 2, usage_team=cast.bees, registered_referrer="app.example", prompt="for all", visibility="public"
    )
    client.force_login(cast.alice)
    text = client.get(f"/t/bees/requests/{theirs.public_id}").content.decode()
    assert "my secret wish" not in text
    assert "my%20secret" not in text
    assert "for all" in client.get(f"/t/bees/requests/{shared.public_id}").content.decode()


@pytest.mark.parametrize("who", ["vera", "charlie", None])
def test_viewers_and_strangers_do_not_see_it(cast: Cast, client: Client, who: str | None) -> None:
    row = made(cast.bees)
    if who:
        client.force_login(getattr(cast, who))
    expected = {"vera": 403, "charlie": 404, None: 302}[who]
    for path in ("/t/bees/requests", f"/t/bees/requests/{row.public_id}"):
        assert client.get(path).status_code == expected


def test_another_teams_request_is_not_found_by_its_id(cast: Cast, client: Client) -> None:
    theirs = made(cast.wasps)
    client.force_login(cast.alice)
    assert client.get(f"/t/bees/requests/{theirs.public_id}").status_code == 404
