"""Pages, styles and scripts are packed for whoever takes that; everything else is what it is."""

import gzip

import pytest
from django.conf import settings

pytestmark = pytest.mark.django_db
TAKES = {"Accept-Encoding": "gzip, br"}


def body(response):
    return b"".join(response.streaming_content) if response.streaming else response.content


@pytest.mark.parametrize("path", ["/about", "/static/css/components.css", "/static/js/keys.js"])
def test_it_is_packed_for_whoever_takes_that(client, path):
    plain, packed = client.get(path), client.get(path, headers=TAKES)
    assert "Content-Encoding" not in plain
    assert packed["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed["Vary"]
    whole, small = body(plain), body(packed)
    assert len(small) < len(whole) / 2
    if path.startswith("/static/"):
        assert gzip.decompress(small) == whole


def test_fonts_and_small_files_are_as_they_are(client):
    for path in ("/static/fonts/inter-latin-wght-normal.woff2", "/static/img/mark.svg"):
        assert "Content-Encoding" not in client.get(path, headers=TAKES)


def test_what_is_no_page_is_as_it_is(client):
    assert "Content-Encoding" not in client.get("/status.json", headers=TAKES)


def test_packed_forms_are_made_once(client):
    client.get("/static/css/components.css", headers=TAKES)
    made = {path.name: path.stat().st_mtime_ns for path in (settings.POLLWEB_HOME / "packed").glob("*.gz")}
    assert made
    client.get("/static/css/components.css", headers=TAKES)
    assert {path.name: path.stat().st_mtime_ns for path in (settings.POLLWEB_HOME / "packed").glob("*.gz")} == made
