"""The wall's page as the server gives it, before any script."""

import json

import pytest

from feeds import outbox, recent
from feeds.models import Outbox
from feeds.relay import remote
from feeds.relay.sources import Source
from generation.fulfilment import event
from pollweb.lib import redis
from tests.feeds.feedserver import picture


@pytest.fixture(autouse=True)
def forget_the_rate(monkeypatch):
    monkeypatch.setattr(recent, "_rate", (0.0, None))


@pytest.fixture
def tell(make, django_capture_on_commit_callbacks):
    """Make something public and tell everyone."""

    def tell(*args, **columns):
        row = make(*args, **columns)
        with django_capture_on_commit_callbacks(execute=True):
            outbox.announce(event(row))
        return row

    return tell


def test_it_shows_what_was_told_newest_first_with_the_place_to_go_on_from(client, tell):
    older, newer = tell(prompt="older"), tell("text", "newer", response="an answer")
    response = client.get("/live")
    content = response.content.decode()
    assert content.index(f"/p/{newer.public_id}") < content.index(f"/p/{older.public_id}")
    assert [item["prompt"] for item in response.context["items"]] == ["newer", "older"]
    assert response.context["newest"].endswith(".2")
    assert "2</span>/min" in content


def test_its_pictures_come_from_the_host_that_was_asked(client, tell):
    row = tell()
    assert f'src="/media/{row.public_id}/original"' in client.get("/live").content.decode()


def test_it_can_show_one_kind_only(client, tell):
    tell(prompt="a picture")
    tell("text", "a question", response="an answer")
    assert [item["kind"] for item in client.get("/live?kind=text").context["items"]] == ["text"]


def test_what_was_withdrawn_is_not_shown(client, tell, django_capture_on_commit_callbacks):
    row = tell(prompt="regretted")
    with django_capture_on_commit_callbacks(execute=True):
        outbox.retract(row.public_id)
    assert b"regretted" not in client.get("/live").content


def test_a_prompt_that_is_markup_stays_text(client, tell):
    tell(prompt='"><script>alert(1)</script>')
    assert b"<script>alert" not in client.get("/live").content


def test_with_redis_away_it_is_an_empty_wall_and_the_rate_is_not_known(client, tell, monkeypatch):
    tell()

    def away(count):
        raise redis.RedisError("away")

    monkeypatch.setattr(recent, "_entries", away)
    content = client.get("/live").content.decode()
    assert "—</span>/min" in content
    assert "Nothing has been made yet" in content
    assert client.get("/").status_code == 200


@pytest.mark.django_db
def test_what_another_installation_made_is_a_link_to_it_and_nothing_of_it_is_loaded(client):
    said = json.dumps(picture(prompt='"><script>alert(1)</script>'))
    made = remote.read(Source("image", "https://image.example.org/feed"), said)
    outbox.append([Outbox(event_id=made.id, kind=made.kind, payload=made.as_dict())])
    content = client.get("/live").content.decode()
    assert f'href="{made.href}" rel="noopener nofollow" target="_blank"' in content
    assert "from image.example.org" in content
    assert "<script>alert" not in content
    assert 'src="https://image.example.org' not in content
