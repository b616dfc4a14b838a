import re

import pytest
from django.utils import timezone

from generation import search as index
from generation.models import Generation
from pollweb.gallery import search

ITEM = re.compile(r'<a href="/p/([\w-]{22})"')


def shown(response) -> list[str]:
    return ITEM.findall(response.content.decode())


@pytest.fixture
def public(make):
    def public(prompt: str, kind: str = "image", **columns) -> Generation:
        row = make(kind, prompt, **columns)
        index.expect([row.pk])
        index.fill()
        return row

    return public


def test_what_fits_is_shown_newest_first_with_its_words_marked(client, public):
    older, newer = public("a red fox"), public("foxes in snow", "text", response="They are Red.")
    public("a grey boat")
    response = client.get("/search", {"q": "fox red"})
    assert shown(response) == [newer.public_id, older.public_id]
    content = response.content.decode()
    assert "a <mark>red</mark> <mark>fox</mark>" in content
    assert "<mark>foxes</mark> in snow" in content
    assert "They are <mark>Red</mark>." in content


def test_chinese_words_are_marked_as_a_piece(client, public):
    public("一只红狐狸在雪中")
    assert "一只<mark>红狐狸</mark>在雪中" in client.get("/search", {"q": "红狐狸"}).content.decode()


def test_a_match_far_down_is_what_is_shown(client, public):
    public("tell me", "text", response="word " * 80 + "a fox at last")
    assert "<mark>fox</mark> at last" in client.get("/search", {"q": "fox"}).content.decode()


@pytest.mark.parametrize(
    "columns",
    [{"visibility": "private"}, {"hidden_at": timezone.now()}, {"is_mature": True}],
    ids=["private", "hidden", "mature"],
)
def test_what_is_not_for_strangers_is_not_found(client, public, columns):
    row = public("a secret fox")
    Generation.objects.filter(pk=row.pk).update(**columns)
    assert b"secret" not in client.get("/search", {"q": "fox"}).content


def test_pages_follow_each_other_and_htmx_is_given_the_next_one_alone(client, public, monkeypatch):
    monkeypatch.setattr(search, "PAGE", 2)
    rows = [public(f"fox {n}").public_id for n in range(5)]
    first = client.get("/search", {"q": "fox"})
    second = client.get(first.context["older_url"], headers={"HX-Request": "true"})
    third = client.get(second.context["older_url"])
    assert shown(first) + shown(second) + shown(third) == rows[::-1]
    assert "<html" not in second.content.decode()
    assert not third.context["older_url"]


def test_each_condition_can_be_taken_away(client, public):
    public("a red fox")
    content = client.get("/search", {"q": "fox model:flux -red"}).content.decode()
    assert 'href="/search?q=fox+model%3Aflux"' in content
    assert "Nothing public has all of this" in content


def test_markup_in_what_is_found_and_in_what_is_asked_stays_text(client, public):
    public('<script>alert("fox")</script>')
    content = client.get("/search", {"q": '<script>alert("fox")'}).content.decode()
    assert "<script>alert" not in content
    assert "&lt;<mark>script&gt;alert</mark>(" in content


@pytest.mark.parametrize("query", ["q=", "q=a", "q=%00", "q=fox&after=x", "q=fox&after=-1", "q=%22", "q=" + "x" * 5000])
def test_no_question_is_an_error(client, db, query):
    assert client.get(f"/search?{query}").status_code == 200


def test_a_page_costs_few_queries(client, public, django_assert_max_num_queries):
    for n in range(20):
        public(f"fox {n}")
    client.get("/about")  # what every page reads, once
    with django_assert_max_num_queries(4):
        assert len(shown(client.get("/search", {"q": "fox"}))) == 20


def test_every_page_of_the_gallery_has_a_search_box(client, db):
    assert b'action="/search"' in client.get("/").content


def test_the_words_of_the_front_page_are_a_search(client, db):
    assert client.get("/?q=red+fox").headers["Location"] == "/search?q=red+fox"


def test_what_a_moderator_shows_again_is_found_again(client, public, django_user_model):
    from pollweb.gallery import removal
    from pollweb.gallery.models import Report

    row, staff = public("a red fox"), django_user_model.objects.create(username="charlie")
    Report.objects.create(generation=row, reason="other", browser="b", network="192.0.2.0")
    removal.hide(row, None, reason="reports")
    index.sweep()
    assert shown(client.get("/search?q=fox")) == []
    removal.dismiss(row, staff, reason="nothing wrong")
    index.fill()
    assert shown(client.get("/search?q=fox")) == [row.public_id]
