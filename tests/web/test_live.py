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


def shown(settings, pictures):
    feeds = settings.DESIGN.feeds.model_copy(update={"pictures": pictures})
    settings.DESIGN = settings.DESIGN.model_copy(update={"feeds": feeds})


@pytest.fixture
def foreign():
    said = json.dumps(picture(prompt='"><script>alert(1)</script>'))
    made = remote.read(Source("image", "https://image.example.org/feed"), said)
    outbox.append([Outbox(event_id=made.id, kind=made.kind, payload=made.as_dict())])
    return made


@pytest.mark.django_db
@pytest.mark.parametrize("pictures", ["thumbnails", "none"])
def test_what_another_installation_made_is_a_link_to_it_and_nothing_is_loaded_from_there(
    client, foreign, settings, pictures
):
    shown(settings, pictures)
    response = client.get("/live")
    content = response.content.decode()
    assert f'href="{foreign.href}" rel="noopener nofollow" target="_blank"' in content
    assert "from image.example.org" in content
    assert "<script>alert" not in content
    assert 'src="https://image.example.org' not in content
    assert (f'src="/media/{foreign.public_id}/relayed"' in content) == (pictures == "thumbnails")
    assert "https:" not in response["Content-Security-Policy"]


@pytest.mark.django_db
def test_its_picture_comes_from_there_only_where_the_operator_allows_it(client, foreign, settings):
    shown(settings, "direct")
    response = client.get("/live")
    assert f'src="{foreign.image_url}"' in response.content.decode().replace("&amp;", "&")
    assert "img-src 'self' data: blob: https:;" in response["Content-Security-Policy"] + ";"
    assert "img-src 'self' data: blob:;" in client.get("/docs")["Content-Security-Policy"] + ";"


def test_a_picture_of_ours_is_offered_in_smaller_forms(client, tell):
    row = tell(width=1024, height=768)
    content = client.get("/live").content.decode()
    assert f"/media/{row.public_id}/webp-320 320w, /media/{row.public_id}/webp-640 640w" in content
    small = tell(width=128, height=128)
    assert f"/media/{small.public_id}/webp" not in client.get("/live").content.decode()


def test_a_kiosk_shows_only_what_is_old_enough_for_a_removal_to_come_first(client, tell, settings):
    tell(prompt="just made")
    assert b"just made" not in client.get("/live/kiosk").content
    feeds = settings.DESIGN.feeds.model_copy(update={"kiosk_delay": 0})
    settings.DESIGN = settings.DESIGN.model_copy(update={"feeds": feeds})
    assert b"just made" in client.get("/live/kiosk").content


def test_a_kiosk_is_wholly_said_by_its_address(client):
    content = client.get("/live/kiosk?qr=create&title=Demo+day&theme=dark&lang=zh-hans&layout=stream").content.decode()
    assert '<html lang="zh-hans" class="kiosk" data-theme="dark">' in content
    assert "<svg" in content
    assert "自己做一个" in content
    assert 'data-layout="stream"' in content
    assert "<title>Demo day</title>" in content


@pytest.mark.parametrize("query", ["layout=7&lang=xx&theme=neon&qr=9", "title=%00%3Cscript%3E", "model=" + "x" * 5000])
def test_a_kiosk_is_never_an_error(client, query):
    response = client.get(f"/live/kiosk?{query}")
    assert response.status_code == 200
    assert b"<script>" not in response.content


@pytest.mark.django_db
def test_the_wall_leads_to_a_kiosk_that_shows_the_same(client):
    content = client.get("/live?layout=spotlight&kind=image").content.decode()
    assert 'href="/live/kiosk?kind=image&amp;layout=spotlight"' in content


@pytest.mark.parametrize("page", ["/live", "/live/kiosk"])
def test_the_label_is_shown_where_the_operator_wants_it(client, tell, settings, page):
    feeds = settings.DESIGN.feeds.model_copy(update={"kiosk_delay": 0})
    settings.DESIGN = settings.DESIGN.model_copy(update={"feeds": feeds})
    tell(prompt="labelled")
    content = client.get(page).content.decode()
    assert "labelled" in content
    assert "Made by AI" not in content
    site = settings.DESIGN.site.model_copy(update={"ai_label": True})
    settings.DESIGN = settings.DESIGN.model_copy(update={"site": site})
    assert "Made by AI" in client.get(page).content.decode()
