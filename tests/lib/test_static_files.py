"""Styles and scripts stand under an address that a browser may keep for ever."""

import re

import pytest
from django.conf import settings

from pollweb.lib import static_files

pytestmark = pytest.mark.django_db
ADDRESS = re.compile(r'(?:href|src)="(/static/[^"]+)"')


def body(response):
    return b"".join(response.streaming_content)


def test_whatever_a_page_loads_may_be_kept_for_ever(client):
    addresses = set(ADDRESS.findall(client.get("/about").content.decode()))
    assert len(addresses) > 5
    for address in addresses:
        response = client.get(address)
        assert response.status_code == 200, address
        assert "immutable" in response["Cache-Control"]


def test_all_of_a_version_stands_below_one_folder_so_that_scripts_find_each_other(client):
    folders = {address.split("/")[2] for address in ADDRESS.findall(client.get("/create").content.decode())}
    assert len(folders) == 1


def test_the_newest_has_an_address_without_a_version_and_is_asked_for_again(client):
    response = client.get("/static/css/base.css")
    assert body(response) == (settings.ROOT / "static" / "css" / "base.css").read_bytes()
    assert "immutable" not in response["Cache-Control"]


def test_a_page_of_another_version_gets_what_there_is_and_does_not_keep_it(client):
    response = client.get("/static/0123456789ab/css/base.css")
    assert body(response) == (settings.ROOT / "static" / "css" / "base.css").read_bytes()
    assert "immutable" not in response["Cache-Control"]
    assert client.get("/static/0123456789ab/css/nothing.css").status_code == 404


def test_the_version_is_that_of_the_content(tmp_path, settings):
    first = static_files.version()
    assert re.fullmatch("[0-9a-f]{12}", first)
    (tmp_path / "new.css").write_text("a { color: red }")
    settings.STATICFILES_DIRS = [*settings.STATICFILES_DIRS, tmp_path]
    assert static_files.version.__wrapped__() != first
    (tmp_path / "new.css").unlink()
    assert static_files.version.__wrapped__() == first
