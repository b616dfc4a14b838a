"""What a picture's file says of itself, in each form that it can be had in."""

import io

import pytest
from PIL import Image

SOURCE = b"cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


@pytest.fixture
def picture(make):
    return make(prompt="a red fox in snow", asked={"seed": 7})


@pytest.mark.parametrize(("format", "name"), [("png", "PNG"), ("jpeg", "JPEG"), ("webp", "WEBP")])
def test_a_picture_is_had_in_other_types_with_its_settings(client, picture, format, name):
    answer = client.get(f"/p/{picture.public_id}/download?format={format}")
    with Image.open(io.BytesIO(answer.content)) as opened:
        assert (opened.format, opened.size) == (name, (64, 64))
    if name != "JPEG":  # which is the file as it was made
        assert b"a red fox in snow" in answer.content
        assert SOURCE in answer.content
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert f".{'jpg' if format == 'jpeg' else format}" in answer.headers["Content-Disposition"]


@pytest.mark.parametrize("query", ["", "format=png&", "format=webp&", "format=jpeg&"])
def test_without_its_settings_it_still_says_that_a_machine_made_it(client, picture, query):
    data = client.get(f"/p/{picture.public_id}/download?{query}settings=off").content
    assert b"a red fox in snow" not in data
    assert SOURCE in data
    with Image.open(io.BytesIO(data)) as opened:
        opened.load()
        assert not opened.getexif()


def test_a_form_that_is_known_is_not_made_again(client, picture):
    address = f"/p/{picture.public_id}/download?format=png"
    etag = client.get(address).headers["ETag"]
    answer = client.get(address, headers={"If-None-Match": etag})
    assert (answer.status_code, answer.content) == (304, b"")


def test_an_unknown_type_is_refused_with_a_sentence(client, picture):
    answer = client.get(f"/p/{picture.public_id}/download?format=exe")
    assert answer.status_code == 400
    assert b"png, jpeg or webp" in answer.content


def test_an_answer_is_markdown_whatever_type_is_asked_for(client, make):
    row = make("text", "ask", response="# Yes")
    assert client.get(f"/p/{row.public_id}/download?format=png&settings=off").content == b"# Yes"


def test_a_lost_file_is_said_to_be_lost(client, picture, monkeypatch):
    monkeypatch.setattr("generation.store.read", lambda digest: None)
    answer = client.get(f"/p/{picture.public_id}/download?format=png")
    assert answer.status_code == 404
    assert b"Make it again" in answer.content
