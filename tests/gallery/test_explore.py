import re

import pytest
from django.utils import timezone

from generation.models import State
from pollweb.gallery import explore

ITEM = re.compile(r'class="tile" href="/p/([\w-]{22})"')


def shown(response) -> list[str]:
    return ITEM.findall(response.content.decode())


def test_it_shows_what_is_public_newest_first(client, make):
    first, second = make(prompt="older"), make("text", "newer", response="an answer")
    assert shown(client.get("/")) == [second.public_id, first.public_id]


@pytest.mark.parametrize(
    "columns",
    [{"visibility": "private"}, {"hidden_at": timezone.now()}, {"is_mature": True}, {"state": State.RUNNING}],
    ids=["private", "hidden", "mature", "unfinished"],
)
def test_it_never_shows_what_is_not_for_strangers(client, make, columns):
    make(prompt="not for you", **columns)
    response = client.get("/")
    assert b"not for you" not in response.content
    assert b"Nothing public yet" in response.content


def test_it_pages_without_repeating_or_missing_a_row(client, make, monkeypatch):
    monkeypatch.setattr(explore, "PAGE", 3)
    rows = [make(prompt=f"number {n}").public_id for n in range(7)]
    seen, url, pages = [], "/", []
    while url:
        response = client.get(url)
        pages.append(url)
        seen += shown(response)
        make(prompt="made meanwhile")
        url = response.context["older_url"]
    assert seen == rows[::-1]
    assert len(pages) == 3


def test_newer_leads_back_to_the_page_before(client, make, monkeypatch):
    monkeypatch.setattr(explore, "PAGE", 2)
    rows = [make(prompt=f"number {n}").public_id for n in range(6)]
    second = client.get(client.get("/").context["older_url"])
    third = client.get(second.context["older_url"])
    assert shown(third) == rows[1::-1]
    assert shown(client.get(third.context["newer_url"])) == shown(second)


def test_newer_than_the_second_page_is_the_front_page_itself(client, make, monkeypatch):
    monkeypatch.setattr(explore, "PAGE", 2)
    for n in range(3):
        make(prompt=f"number {n}")
    last = client.get(client.get("/?kind=image").context["older_url"])
    make(prompt="new on top")
    above = client.get(last.context["newer_url"])
    assert above.status_code == 200
    assert len(shown(above)) == 2
    assert client.get(above.context["newer_url"]).headers["Location"] == "/?kind=image"


def test_a_damaged_page_number_is_a_page_that_says_so(client, db):
    response = client.get("/?after=nonsense")
    assert response.status_code == 400
    assert b"Start again from the newest" in response.content


def test_filters_narrow_and_stay_in_every_link(client, make, monkeypatch):
    monkeypatch.setattr(explore, "PAGE", 1)
    pictures = [make(prompt=f"picture {n}").public_id for n in range(2)]
    make("text", "a question", response="an answer")
    response = client.get("/?kind=image&model=flux")
    assert shown(response) == [pictures[1]]
    assert response.context["older_url"].startswith("/?kind=image&model=flux&after=")


def test_an_unknown_kind_is_no_filter(client, make):
    make()
    assert len(shown(client.get("/?kind=nonsense"))) == 1


def test_filters_that_match_nothing_offer_to_be_cleared(client, make):
    make()
    response = client.get("/?kind=audio")
    assert b"Nothing matches these filters" in response.content
    assert b"Clear filters" in response.content


def test_a_page_of_sixty_costs_two_queries_at_most(client, make, django_assert_max_num_queries):
    for n in range(61):
        make(prompt=f"number {n}")
    with django_assert_max_num_queries(2) as queries:
        assert len(shown(client.get("/"))) == 60
    assert not any("COUNT(" in query["sql"].upper() for query in queries.captured_queries)


def test_htmx_is_given_the_next_page_alone_four_times_by_itself(client, make, monkeypatch):
    monkeypatch.setattr(explore, "PAGE", 1)
    for n in range(8):
        make(prompt=f"number {n}")
    url, triggers = client.get("/").context["next_page"], []
    for _ in range(5):
        response = client.get(url, headers={"HX-Request": "true"})
        content = response.content.decode()
        assert "<html" not in content
        triggers.append("intersect" in content)
        url = response.context["next_page"]
    assert "HX-Request" in response.headers["Vary"]
    assert triggers == [True, True, False, False, False]


def test_a_prompt_that_is_markup_stays_text(client, make):
    make(prompt='"><script>alert(1)</script>')
    make("text", "<img src=x onerror=alert(1)>", response="<script>alert(2)</script>")
    content = client.get("/").content.decode()
    assert "<script>alert" not in content
    assert "<img src=x" not in content


def test_the_welcome_goes_away_when_it_was_read(client, db):
    assert b'class="hero"' in client.get("/").content
    answer = client.post("/preferences", {"welcome": "read", "next": "/?kind=text"})
    assert answer.headers["Location"] == "/?kind=text"
    assert b'class="hero"' not in client.get("/").content
