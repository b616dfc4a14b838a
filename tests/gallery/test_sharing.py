"""What other places are told of an item, and what they can put into their own pages."""

from urllib.parse import urlencode

import pytest
from django.utils import timezone

UNKNOWN = "x" * 22


def oembed(client, url: str, **query: object):
    return client.get(f"/oembed?{urlencode({'url': url, **query})}")


def test_a_picture_is_told_as_a_photo(client, make, settings):
    row = make(prompt="a red fox")
    answer = oembed(client, f"{settings.SITE_URL}/p/{row.public_id}?hl=en")
    told = answer.json()
    assert (told["version"], told["type"], told["title"]) == ("1.0", "photo", "a red fox")
    assert (told["url"], told["width"]) == (f"{settings.SITE_URL}/media/{row.public_id}/original", 64)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_a_smaller_form_is_told_where_the_picture_is_too_wide(client, make, settings):
    row = make(width=1000, height=500)
    row.artifact.variants = {"webp-640": "0" * 64, "webp-320": "0" * 64}
    row.artifact.save()
    told = oembed(client, f"{settings.SITE_URL}/p/{row.public_id}", maxwidth=700).json()
    assert (told["url"].rpartition("/")[2], told["width"], told["height"]) == ("webp-640", 640, 320)
    framed = oembed(client, f"{settings.SITE_URL}/p/{row.public_id}", maxwidth=200).json()
    assert (framed["type"], framed["width"], framed["height"]) == ("rich", 200, 100)


@pytest.mark.parametrize("kind", ["text", "audio"])
def test_words_and_speech_are_told_as_a_frame(client, make, settings, kind):
    row = make(kind, 'say "hi" <b>', response="hi")
    told = oembed(client, f"{settings.SITE_URL}/p/{row.public_id}", maxwidth=300, maxheight=200).json()
    assert told["type"] == "rich"
    assert told["html"].startswith(f'<iframe src="{settings.SITE_URL}/embed/p/{row.public_id}"')
    assert "<b>" not in told["html"]
    assert (told["width"], told["height"]) == (300, 200)


@pytest.mark.parametrize(
    "url",
    ["", "https://elsewhere.example/p/" + UNKNOWN, "{site}.evil.example/p/" + UNKNOWN, "{site}/models", "{site}/p/x"],
)
def test_other_addresses_are_not_told_of(client, db, settings, url):
    answer = oembed(client, url.format(site=settings.SITE_URL))
    assert answer.status_code == 404
    assert "error" in answer.json()


def test_private_unknown_and_removed_items_are_not_told_of(client, make, settings):
    private, removed = make(visibility="private", prompt="a secret"), make(hidden_at=timezone.now())
    for public_id, status in ((UNKNOWN, 404), (private.public_id, 404), (removed.public_id, 410)):
        answer = oembed(client, f"{settings.SITE_URL}/p/{public_id}")
        assert answer.status_code == status
        assert "secret" not in answer.content.decode()
        assert client.get(f"/embed/p/{public_id}").status_code == status
        assert client.get(f"/p/{public_id}/qr.svg").status_code == status


@pytest.mark.parametrize("value", ["-5", "0", "9" * 30, "many", "٣٠٠"])
def test_limits_that_make_no_sense_do_no_harm(client, make, settings, value):
    row = make("text", "ask", response="yes")
    assert oembed(client, f"{settings.SITE_URL}/p/{row.public_id}", maxwidth=value).status_code == 200


def test_another_format_than_json_is_not_spoken(client, db):
    assert client.get("/oembed?format=xml").status_code == 501


def test_its_page_leads_to_what_is_told(client, make):
    row = make()
    content = client.get(f"/p/{row.public_id}").content.decode()
    assert 'type="application/json+oembed" href="' in content


@pytest.mark.parametrize("kind", ["image", "text", "audio"])
def test_others_may_frame_this_page_alone_and_nothing_runs_in_it(client, make, kind):
    row = make(kind, "a prompt", response="<script>alert(1)</script> an answer")
    framed, page = client.get(f"/embed/p/{row.public_id}"), client.get(f"/p/{row.public_id}")
    assert "frame-ancestors *" in framed.headers["Content-Security-Policy"]
    assert "default-src 'none'" in framed.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in framed.headers
    assert b"<script" not in framed.content
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


def test_the_qr_code_is_a_drawing(client, make):
    answer = client.get(f"/p/{make().public_id}/qr.svg")
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert answer.content.startswith(b"<svg")


def test_a_card_of_the_usual_shape_is_shown_elsewhere_once_it_is_made(client, make, settings):
    row = make()
    row.artifact.variants = {"card": "0" * 64}
    row.artifact.save()
    content = client.get(f"/p/{row.public_id}").content.decode()
    assert f'<meta property="og:image" content="{settings.SITE_URL}/media/{row.public_id}/card">' in content
    assert '<meta property="og:image:width" content="1200">' in content
    assert '<meta name="twitter:card" content="summary_large_image">' in content
